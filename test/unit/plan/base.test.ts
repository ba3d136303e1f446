import { describe, expect, it } from "vitest";
import { CONTENT_KEY_ANNOTATION } from "../../../plan/annotations";
import { baseUseProblems, decideBase, followReleases } from "../../../plan/base";
import { parseReference } from "../../../plan/reference";
import type { FoundImage, RepositoryState } from "../../../plan/registry-state";
import { anImage, anIntent, DIGEST, REVISION } from "../../support/planned";

const HASH = "0123456789ab";
const TAG = `base-${HASH}`;
const OTHER = `sha256:${"b".repeat(64)}` as const;
const ONE = "ghcr.io/octo/app";
const TWO = "docker.io/octo/app";

const base = anIntent({
  name: "app-base",
  image: anImage({ name: "app-base", addressed: { include: ["rootfs/**"] }, labels: "none" }),
  contentKey: HASH,
  candidateTag: TAG,
  tags: [{ slot: "raw-base-latest", name: "base-latest", class: "floating" }],
});

function found(changes: Partial<FoundImage> = {}): FoundImage {
  return {
    digest: DIGEST,
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: { [CONTENT_KEY_ANNOTATION]: HASH },
    statements: [],
    ...changes,
  };
}

function decide(first: FoundImage | undefined, second?: FoundImage) {
  const state = (image: FoundImage | undefined): RepositoryState => ({
    tags: [],
    found: image === undefined ? {} : { [TAG]: image },
  });
  const { content, refusals, notices } = decideBase({
    intent: base,
    revision: REVISION,
    repositories: [ONE, TWO],
    state: { access: {}, repositories: { [ONE]: state(first), [TWO]: state(second) } },
    verification: { name: base.name, lane: "", signing: false, adopt: [], previous: undefined },
    overruled: () => false,
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
      "a tag that says otherwise",
      found({ annotations: { [CONTENT_KEY_ANNOTATION]: "x" } }),
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
  ])("%s", (_, first, second, wanted) => {
    expect(decide(first, second)).toEqual(wanted);
  });
});

describe("base-latest", () => {
  const link = { image: "app-base", reference: `${ONE}:${TAG}`, repository: ONE, contentKey: HASH };

  it("is judged by the version that is built from the base", () => {
    const app = anIntent({ base: link, version: "1.2.3", form: { prefix: "v", suffix: "" } });
    expect(followReleases([base, app])).toEqual([
      {
        ...base,
        tags: [
          {
            slot: "raw-base-latest",
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

  it("just moves where nothing with a version is built from it", () => {
    const { version: _, ...app } = anIntent({ base: link });
    expect(followReleases([base, app])).toEqual([base, app]);
  });

  it("is no base of the base, and neither is any other tag of the repository", () => {
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
