import { packagePermission } from "./credentials";
import type { Job, Step } from "./model";
import { expression } from "./model";
import type { WorkflowStack } from "./stack";
import { expressionText } from "./words";

/**
 * GitHub's own provenance of each released digest, in a job of its own: it alone may sign, and it runs nothing of the
 * repository's. On GHCR the attestation is pushed beside the image; elsewhere GitHub alone keeps it.
 */
export function attestJob(stack: WorkflowStack, needs: string): Job {
  const { images, registries } = stack.config;
  const registry = registries.find(({ host }) => host === "ghcr.io") ?? registries[0];
  const subjects = images.map(({ name, repository }) => ({
    image: name,
    subject: [registry?.host, registry?.namespace, repository].filter(Boolean).join("/"),
  }));
  const [only] = subjects;
  const isOne = subjects.length === 1 && only !== undefined;
  const subject = isOne ? only.subject : expression("matrix.subject");
  const index = isOne ? expressionText(only.image) : "matrix.image";
  const digest = expression(`fromJSON(needs.${needs}.outputs.digests)[${index}]`);
  const isGhcr = registry?.host === "ghcr.io";
  return {
    name: isOne ? "Attest" : `Attest ${expression("matrix.image")}`,
    needs: [needs],
    runsOn: stack.workflows.runner,
    timeoutMinutes: 15,
    permissions: {
      ...packagePermission(stack, "write"),
      attestations: "write",
      "id-token": "write",
    },
    ...(isOne ? {} : { matrix: { include: subjects } }),
    steps: [...(isGhcr ? [signIn()] : []), attest(subject, digest, isGhcr), readBack(subject, digest)],
  };
}

function signIn(): Step {
  return {
    name: "Sign in to GHCR",
    uses: "docker/login-action",
    with: {
      registry: "ghcr.io",
      username: expression("github.actor"),
      password: expression("github.token"),
    },
  };
}

function attest(subject: string, digest: string, push: boolean): Step {
  return {
    name: "Attest build provenance",
    uses: "actions/attest-build-provenance",
    with: { "subject-name": subject, "subject-digest": digest, "push-to-registry": push },
  };
}

function readBack(subject: string, digest: string): Step {
  return {
    name: "Read it back",
    run: ['gh attestation verify "oci://$SUBJECT@$DIGEST" --repo "$GITHUB_REPOSITORY"'],
    env: { SUBJECT: subject, DIGEST: digest, GH_TOKEN: expression("github.token") },
  };
}
