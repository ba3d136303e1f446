import { expect, test } from "vitest";
import type { ImageConfig } from "../../../src/plan/config";
import type { ContextFile } from "../../../src/plan/content-key";
import { assembleImageIntent } from "../../../src/plan/release-intent";
import type { ReleaseEvent } from "../../../src/plan/tag-rules/event";
import { aConfig, digest } from "../../support/plan-state";
import { anEvent, anImage } from "../../support/planned";
import { evaluateText, SHA } from "../tag-rules/evaluate-text";

const EVENT = anEvent({
  ref: "refs/tags/v1.2.3",
  sha: SHA,
  commitDate: new Date("2019-12-31T23:15:00Z"),
});
const RULES = ["type=semver,pattern={{version}}", "type=sha"];

function intentOf(
  changes: Partial<ImageConfig> = {},
  event: Partial<ReleaseEvent> = {},
  more: Partial<Parameters<typeof assembleImageIntent>[0]> = {},
) {
  const image = anImage({ tags: RULES, ...changes });
  return assembleImageIntent({
    config: aConfig(),
    image,
    source: { revision: SHA, commitDate: EVENT.commitDate },
    event: { ...EVENT, ...event },
    rules: evaluateText(image.tags, { ...EVENT, ...event }, { labels: image.extraLabels }),
    dockerfile: "FROM scratch\n",
    files: [],
    buildArgs: {},
    bad: [],
    bases: { "node:22": digest("b") },
    ...more,
  }).intent;
}

test("version, revision and the commit's date are baked in, and written on the index with the content key", () => {
  const { labels, annotations, contentKey } = intentOf();
  expect(labels).toEqual({
    "org.opencontainers.image.created": "2019-12-31T23:15:00Z",
    "org.opencontainers.image.revision": SHA,
    "org.opencontainers.image.version": "1.2.3",
  });
  expect(annotations).toEqual({ ...labels, "dev.slipway.content-key": contentKey });
});

test("each release of an image is content of its own", () => {
  const again = intentOf({}, { ref: "refs/tags/v1.2.4" });
  expect(again.contentKey).not.toBe(intentOf().contentKey);
});

test("without release labels, content is the same in the next release and found by a tag of its own", () => {
  const first = intentOf({ labels: "none", extraLabels: ["team=core"] });
  const next = intentOf({ labels: "none", extraLabels: ["team=core"] }, { ref: "refs/tags/v1.2.4" });
  expect(first.labels).toEqual({ team: "core" });
  expect(next.contentKey).toBe(first.contentKey);
  expect(first.candidateTag).toBe(`candidate-${first.contentKey.slice(0, 16)}`);
});

test.each<[string, Partial<ImageConfig>]>([
  ["a named folder", { contexts: { shared: { kind: "folder", path: "shared" } } }],
  ["a named image", { contexts: { tools: { kind: "image", reference: "node:22" } } }],
  ["a named repository", { contexts: { lib: { kind: "git", address: `https://x.y/z.git#${SHA}` } } }],
  ["ssh", { ssh: ["default"] }],
  ["no network", { network: "none" }],
  ["extra hosts", { extraHosts: { db: "10.0.0.1" } }],
])("%s makes other content", (_, changes) => {
  expect(intentOf(changes).contentKey).not.toBe(intentOf().contentKey);
});

test("a build's resource is kept only while docker-build sees the same of a named folder", () => {
  const file = { path: "a", mode: "file", digest: "0".repeat(64), size: 1 } as const;
  const contexts = { shared: { kind: "folder", path: "shared" } } as const;
  const of = (watched: readonly ContextFile[]) =>
    intentOf({ contexts }, {}, { folders: { shared: [file] }, watchedFolders: { shared: watched } });
  const [same, more] = [of([file]), of([file, { ...file, path: "ignored.log" }])];
  expect(more.contentKey).toBe(same.contentKey);
  expect(same.sourceKey).toBeUndefined();
  expect(more.sourceKey).toMatch(/^[0-9a-f]{64}$/);
});

test("content is found by its commit's tag where the rules make one, else by a tag of its own", () => {
  expect(intentOf().candidateTag).toBe("sha-860c190");
  expect(intentOf({ tags: ["type=ref,event=tag"] }).candidateTag).toMatch(/^candidate-[0-9a-f]{16}$/);
});

test.each(["release", "none"] as const)(
  "labels of one's own win, their expressions worked out (%s)",
  (labels) => {
    const extraLabels = ["org.opencontainers.image.version=mine", "from={{sha}}", "team=a=b", "no-value"];
    expect(intentOf({ labels, extraLabels }).labels).toMatchObject({
      "org.opencontainers.image.version": "mine",
      from: "860c190",
      team: "a=b",
    });
  },
);

test("every registry has the repository under its namespace", () => {
  const [registry] = aConfig().registries;
  if (registry === undefined) throw new Error("there are registries");
  const config = aConfig({
    registries: [
      { ...registry, namespace: "" },
      { ...registry, host: "ghcr.io" },
    ],
  });
  const image = anImage({ repository: "tools/app", tags: RULES });
  const { intent } = assembleImageIntent({
    config,
    image,
    source: { revision: SHA, commitDate: EVENT.commitDate },
    event: EVENT,
    rules: evaluateText(RULES, EVENT),
    dockerfile: "FROM scratch\n",
    files: [],
    buildArgs: {},
    bad: [],
    bases: {},
  });
  expect(intent.repositories).toEqual([
    { host: "localhost:5000", path: "tools/app" },
    { host: "ghcr.io", path: "octo/tools/app" },
  ]);
});
