import { execFileSync } from "node:child_process";
import { linkedExample } from "../linked";
import type { Fate, StandInOptions } from "./actions-runs";

/** The project of examples/release-docker-image, and a repository on GitHub that has its workflow. */

export const REPOSITORY = "graysurf/agent-workspace-launcher";
export const FILE = ".github/workflows/release-docker.yml";
export const DIGEST = `sha256:${"ab".repeat(32)}`;

export function workflow(inputs: readonly string[], permission = "write"): string {
  const declared = inputs.map((name) => `      ${name}: { type: string, required: false }`).join("\n");
  return `name: Release
run-name: Release \${{ inputs.version }}
on:
  workflow_dispatch:
    inputs:
${declared}
permissions: {}
jobs:
  release:
    runs-on: ubuntu-24.04
    permissions: { contents: read, packages: ${permission} }
    steps:
      - env: { U: "\${{ secrets.DOCKERHUB_USERNAME }}", T: "\${{ secrets.DOCKERHUB_TOKEN }}" }
        run: pulumi up
`;
}

export const INPUTS = ["version", "input_ref", "publish_version_tag", "dispatch_id"];
export const PINS = { "VERSIONS.env": "AGENT_KIT_REF=v0.9.2\n" };
export const TREE = { [FILE]: workflow(INPUTS), ...PINS };
export const UNMARKED = { [FILE]: workflow(INPUTS.slice(0, 3)), ...PINS };
export const USUAL: StandInOptions = {
  repository: REPOSITORY,
  refs: { main: TREE, "v1.2.3": TREE },
  tags: ["v1.2.3"],
  secrets: ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"],
};
const MANIFEST = {
  schema: 1,
  stack: "release",
  revision: "a".repeat(40),
  images: [
    {
      ...{ name: "agent-workspace-launcher", version: "1.2.3", digest: DIGEST, contentKey: "k" },
      ...{ platforms: ["linux/amd64"], repositories: ["ghcr.io/graysurf/agent-workspace-launcher"] },
      ...{ references: [`ghcr.io/graysurf/agent-workspace-launcher@${DIGEST}`], tags: [], attestations: [] },
    },
  ],
  skipped: {},
  run: { tags: [] },
};
export const KEPT: Fate["artifacts"] = {
  "release-manifest-release": { "release-manifest.json": JSON.stringify(MANIFEST) },
};

/** A copy of the example, in a repository of its own. */
export function releaseProject(): string {
  const dir = linkedExample("release-docker-image");
  execFileSync("git", ["init", "--quiet", dir], { env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" } });
  return dir;
}
