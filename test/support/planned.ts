import type { ImageConfig } from "../../src/plan/config";
import type { ImageIntent } from "../../src/plan/release-intent";
import type { PlannedImage } from "../../src/plan/release-plan";
import type { ReleaseEvent } from "../../src/plan/tag-rules/event";

export const REVISION = "0123456789abcdef0123456789abcdef01234567";
export const DIGEST = `sha256:${"a".repeat(64)}` as const;
export const KEY = "c".repeat(64);

/** A push to the branch main. */
export function anEvent(changes: Partial<ReleaseEvent> = {}): ReleaseEvent {
  return {
    eventName: "push",
    ref: "refs/heads/main",
    sha: REVISION,
    commitDate: new Date(0),
    baseRef: "",
    inputs: {},
    repository: {},
    ...changes,
  };
}

/** An image's configuration with every default. */
export function anImage(changes: Partial<ImageConfig> = {}): ImageConfig {
  return {
    name: "app",
    repository: "app",
    context: "app",
    dockerfile: "Dockerfile",
    platforms: ["linux/amd64", "linux/arm64"],
    buildArgs: {},
    tags: [],
    flavor: [],
    labels: "release",
    extraLabels: [],
    provenance: true,
    sbom: false,
    attestations: "index",
    cacheFrom: [],
    cacheTo: [],
    secrets: {},
    ...changes,
  };
}

export function anIntent(changes: Partial<ImageIntent> = {}): ImageIntent {
  return {
    name: "app",
    image: anImage(),
    repositories: [{ host: "ghcr.io", path: "octo/app" }],
    revision: REVISION,
    ref: "refs/tags/v1.2.3",
    version: "1.2.3",
    form: { prefix: "", suffix: "" },
    tags: [
      { name: "1.2.3", class: "version" },
      { name: "1", class: "floating", line: { major: 1 } },
      { name: "latest", class: "floating", line: {} },
      { name: "sha-0123456", class: "revision" },
    ],
    candidateTag: "sha-0123456",
    contentKey: KEY,
    buildArgs: {},
    bases: {},
    labels: {},
    annotations: {},
    bad: [],
    ...changes,
  };
}

export function aPlannedImage(changes: Partial<PlannedImage> = {}): PlannedImage {
  return {
    name: "app",
    intent: anIntent(),
    repositories: ["ghcr.io/octo/app", "docker.io/octo/app"],
    content: { from: "build" },
    build: { generation: 0 },
    candidateTags: [],
    copyTo: [],
    ...changes,
  };
}
