import { type BuildJobInput, MERGED } from "./build-job";
import { packagePermission } from "./credentials";
import type { Job, Step } from "./model";
import { expression } from "./model";
import { SOURCE_JOB } from "./source-job";
import type { WorkflowStack } from "./stack";
import { shellWord } from "./words";

/**
 * GitHub's own provenance of each digest that this run built and released, in a job of its own: it alone may attest, and
 * it runs nothing of the repository's. GitHub states the commit that the workflow runs for, so that a release of another
 * commit has none. On GHCR the attestation is pushed beside the image; elsewhere GitHub alone keeps it.
 */
export function attestJob({ stack, hasSource }: BuildJobInput, released: string): Job {
  const isOwnCommit = hasSource ? ` && needs.${SOURCE_JOB}.outputs.commit == github.sha` : "";
  const isGhcr = stack.config.registries.some(({ host }) => host === "ghcr.io");
  return {
    name: `Attest (${expression("matrix.image")})`,
    needs: [...(hasSource ? [SOURCE_JOB] : []), released],
    if: `needs.${released}.outputs.subjects != '[]'${isOwnCommit}`,
    runsOn: stack.workflows.runner,
    timeoutMinutes: 15,
    permissions: {
      ...packagePermission(stack, "write"),
      attestations: "write",
      "id-token": "write",
    },
    matrix: { include: expression(`fromJSON(needs.${released}.outputs.subjects)`) },
    steps: [...(isGhcr ? [signIn()] : []), attest(isGhcr), readBack()],
  };
}

/**
 * The script's lines that output what this run built and released, for the job above: image, repository and digest,
 * from the manifest and from what was merged. What was there before is left out: this run does not know how it was
 * built. GHCR's repository, where there is one: the attestation can be pushed there.
 */
export function subjectsOutput({ config: { registries } }: WorkflowStack, manifest: string): string[] {
  const isSecond = registries.findIndex(({ host }) => host === "ghcr.io") > 0;
  const primary = ".repositories[0]";
  const ghcr = `(first(.repositories[] | select(startswith("ghcr.io/"))) // ${primary})`;
  const built = "select({image: .name, digest} | IN($merged[][]))";
  const subjects = `.images | map(${built} | {image: .name, subject: ${isSecond ? ghcr : primary}, digest})`;
  return [
    `subjects="$(jq --compact-output --slurpfile merged "${MERGED}" ${shellWord(subjects)} ${manifest})"`,
    'echo "subjects=$subjects" >> "$GITHUB_OUTPUT"',
  ];
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

/** Without a predicate of its own the action states the build's provenance. */
function attest(push: boolean): Step {
  return {
    name: "Attest build provenance",
    uses: "actions/attest",
    with: {
      "subject-name": expression("matrix.subject"),
      "subject-digest": expression("matrix.digest"),
      "push-to-registry": push,
      // An organization's list of artifacts, which needs a further right.
      ...(push ? { "create-storage-record": false } : {}),
    },
  };
}

function readBack(): Step {
  return {
    name: "Read it back",
    run: ['gh attestation verify "oci://$SUBJECT@$DIGEST" --repo "$GITHUB_REPOSITORY"'],
    env: {
      SUBJECT: expression("matrix.subject"),
      DIGEST: expression("matrix.digest"),
      GH_TOKEN: expression("github.token"),
    },
  };
}
