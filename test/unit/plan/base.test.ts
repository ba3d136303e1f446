import { describe, expect, it } from "vitest";
import { BASE_ANNOTATION, CONTENT_KEY_ANNOTATION } from "../../../src/plan/annotations";
import { baseUseProblems, decideBase, followReleases } from "../../../src/plan/base";
import { pinnedBaseKey } from "../../../src/plan/content-key";
import { releasedIntent } from "../../../src/plan/planned-content";
import { parseReference } from "../../../src/plan/reference";
import type { FoundImage, RepositoryState } from "../../../src/plan/registry-state";
import { anImage, anIntent, DIGEST, REVISION } from "../../support/planned";

const HASH = "0123456789ab";
const TAG = `base-${HASH}`;
const KEY = "c".repeat(64);
const OTHER = `sha256:${"b".repeat(64)}` as const;
const ONE = "ghcr.io/octo/app";
const TWO = "docker.io/octo/app";

const base = anIntent({
  name: "app-base",
  image: anImage({ name: "app-base", addressed: { include: ["rootfs/**"] }, labels: "none" }),
  contentKey: KEY,
  candidateTag: TAG,
  tags: [{ name: "base-latest", class: "floating" }],
});

function found(changes: Partial<FoundImage> = {}): FoundImage {
  return {
    digest: DIGEST,
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: { [CONTENT_KEY_ANNOTATION]: KEY, [BASE_ANNOTATION]: HASH },
    statements: [],
    ...changes,
  };
}

function decide(first: FoundImage | undefined, second?: FoundImage, intent = base, signing = false) {
  const state = (image: FoundImage | undefined): RepositoryState => ({
    tags: [],
    found: image === undefined ? {} : { [TAG]: image },
  });
  const { content, refusals, notices } = decideBase({
    intent,
    repositories: [ONE, TWO],
    state: { access: {}, repositories: { [ONE]: state(first), [TWO]: state(second) } },
    verification: { name: base.name, lane: "", signing, adopt: [], previous: undefined },
    overridden: () => false,
  });
  return { from: content.from, codes: refusals.map(({ code }) => code), notices: notices.length };
}

describe("where a base comes from", () => {
  it.each([
    ["nowhere: it is built", undefined, undefined, { from: "build", codes: [], notices: 0 }],
    ["its tag", found(), undefined, { from: "candidate", codes: [], notices: 0 }],
    ["the second registry's tag", undefined, found(), { from: "candidate", codes: [], notices: 0 }],
    [
      "another tool's tag",
      found({ annotations: {} }),
      undefined,
      { from: "candidate", codes: [], notices: 1 },
    ],
    [
      "other content with the same short hash",
      found({ annotations: { [CONTENT_KEY_ANNOTATION]: "d".repeat(64), [BASE_ANNOTATION]: HASH } }),
      undefined,
      { from: "candidate", codes: ["base-other-content"], notices: 0 },
    ],
    [
      "a tag without a platform",
      found({ platforms: ["linux/amd64"] }),
      undefined,
      { from: "candidate", codes: ["base-platforms"], notices: 0 },
    ],
    [
      "two builds of the same, both ours",
      found(),
      found({ digest: OTHER }),
      { from: "candidate", codes: [], notices: 0 },
    ],
    [
      "two of which one is another tool's",
      found(),
      found({ digest: OTHER, annotations: {} }),
      { from: "candidate", codes: ["base-differs-between-registries"], notices: 1 },
    ],
  ])("%s", (_, first, second, expected) => {
    expect(decide(first, second)).toEqual(expected);
  });
});

describe("a base that is pinned by its short hash, where the tree has another", () => {
  const pinned = { ...base, contentKey: pinnedBaseKey(HASH) };
  it.each([
    ["takes what was built with that hash", found(), []],
    [
      "takes what was built for the pin",
      found({ annotations: { [CONTENT_KEY_ANNOTATION]: pinned.contentKey } }),
      [],
    ],
    [
      "refuses what was built with another",
      found({ annotations: { [CONTENT_KEY_ANNOTATION]: KEY, [BASE_ANNOTATION]: "f".repeat(12) } }),
      ["base-other-content"],
    ],
    [
      "refuses what names no hash",
      found({ annotations: { [CONTENT_KEY_ANNOTATION]: KEY } }),
      ["base-other-content"],
    ],
  ])("%s", (_, image, codes) => {
    expect(decide(image, undefined, pinned)).toEqual({ from: "candidate", codes, notices: 0 });
  });
});

describe("where releases are signed, a base is what a trusted signer claims", () => {
  const claimed = (contentKey: string, hash = HASH): FoundImage => ({
    ...found({ annotations: { [CONTENT_KEY_ANNOTATION]: KEY, [BASE_ANNOTATION]: hash } }),
    signed: {
      claims: [
        {
          schema: 1,
          image: base.name,
          lane: "",
          revision: REVISION,
          contentKey,
          tag: `base-${hash}`,
          repositories: [ONE],
        },
      ],
      statements: [],
    },
  });
  const pinned = { ...base, contentKey: pinnedBaseKey(HASH) };
  it.each([
    ["this content", claimed(KEY), base, "candidate", []],
    [
      "other content, despite its annotation",
      claimed("d".repeat(64)),
      base,
      "candidate",
      ["base-other-content"],
    ],
    ["nothing, despite its annotations", found(), base, "build", []],
    ["content that was built with the pinned hash", claimed(KEY), pinned, "candidate", []],
    [
      "another base, under the pinned tag",
      claimed(KEY, "f".repeat(12)),
      pinned,
      "candidate",
      ["base-other-content"],
    ],
    ["nothing, under the pinned tag", found(), pinned, "build", []],
  ])("%s", (_, image, intent, from, codes) => {
    expect(decide(image, undefined, intent, true)).toMatchObject({ from, codes });
  });
});

it("a pinned base is recorded by the key that it was built with", () => {
  const pinned = { ...base, contentKey: pinnedBaseKey(HASH) };
  const content = { from: "candidate", tag: TAG, digest: DIGEST } as const;
  const verified = { by: "signature", contentKey: KEY, statements: [] } as const;
  expect(releasedIntent(pinned, content, verified).contentKey).toBe(KEY);
  expect(releasedIntent(pinned, { from: "build" }, undefined).contentKey).toBe(pinned.contentKey);
});

describe("base-latest", () => {
  const link = { image: "app-base", reference: `${ONE}:${TAG}`, repository: ONE, contentKey: KEY };

  it("follows the version that is built from the base", () => {
    const app = anIntent({ base: link, version: "1.2.3", form: { prefix: "v", suffix: "" } });
    expect(followReleases([base, app])).toEqual([
      {
        ...base,
        tags: [
          {
            name: "base-latest",
            class: "floating",
            line: {},
            follows: { version: "1.2.3", form: { prefix: "v", suffix: "" } },
          },
        ],
      },
      app,
    ]);
  });

  it("always moves if no version is built from the base", () => {
    const { version: _, ...app } = anIntent({ base: link });
    expect(followReleases([base, app])).toEqual([base, app]);
  });

  it("must not be the base of the base, nor any other tag of its repository", () => {
    const codes = (text: string, isBase: boolean) =>
      baseUseProblems({
        image: base,
        path: "slipway:base.dockerfile",
        references: [{ ...parseReference(text), text }],
        isBase,
      }).map(({ code }) => code);
    expect(codes(`${ONE}:base-latest`, true)).toEqual(["base-cycle"]);
    expect(codes(`${ONE}:base-latest`, false)).toEqual([]);
    expect(codes(`${ONE}@${DIGEST}`, true)).toEqual([]);
    expect(codes("docker.io/library/debian:13", true)).toEqual([]);
  });
});
