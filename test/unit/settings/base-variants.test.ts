import { describe, expect, it } from "vitest";
import { MINIMAL, problemLines, read } from "./read-config";

const BASE = { include: ["rootfs/**", "entrypoint*.sh"] };
const TOOL = { latestOf: "npm:tool", pin: "1.0.7" };
const DEVBOX = {
  ...MINIMAL,
  base: BASE,
  images: [{ name: "devbox", dockerfile: "Dockerfile.variant", buildArgs: { A: "1", B: "1" } }],
  variants: [
    { suffix: "", buildArgs: { B: "2" } },
    { suffix: "-slim", buildArgs: { TOOL_VERSION: TOOL }, target: "slim" },
  ],
};
const literal = (value: string) => ({ kind: "literal", value });

describe("base and variants become images", () => {
  const { images, builder } = read({ written: DEVBOX });

  it("with the base first, in one repository", () => {
    expect(images.map(({ name, repository, base, at }) => ({ name, repository, base, at }))).toEqual([
      { name: "devbox-base", repository: "devbox", base: undefined, at: "base" },
      { name: "devbox", repository: "devbox", base: "devbox-base", at: "images[0]" },
      { name: "devbox-slim", repository: "devbox", base: "devbox-base", at: "images[0]" },
    ]);
    expect(images[0]).toMatchObject({
      dockerfile: "Dockerfile.base",
      addressed: BASE,
      tags: ["type=raw,value=base-latest"],
      flavor: ["latest=false"],
      labels: "none",
      cacheFrom: [],
      cacheTo: [],
    });
  });

  it("with a variant's own arguments over the image's, and its suffix on latest too", () => {
    expect(images[1]).toMatchObject({ buildArgs: { A: literal("1"), B: literal("2") }, flavor: [] });
    expect(images[2]).toMatchObject({
      buildArgs: {
        A: literal("1"),
        B: literal("1"),
        TOOL_VERSION: { kind: "latest-of", source: "npm:tool", pin: "1.0.7" },
      },
      flavor: ["suffix=-slim,onlatest=true"],
      target: "slim",
      tags: ["type=ref,event=tag"],
    });
  });

  it("with one build at a time and no cache by default", () => {
    expect(builder.concurrency).toBe(1);
    expect(images.flatMap(({ cacheFrom, cacheTo }) => [...cacheFrom, ...cacheTo])).toEqual([]);
    const [image] = DEVBOX.images;
    const written = { ...DEVBOX, builder: { concurrency: 3 }, images: [{ ...image, tags: ["type=sha"] }] };
    expect(read({ written }).builder.concurrency).toBe(3);
    expect(read({ written }).images[2]?.tags).toEqual(["type=sha"]);
    expect(read().builder.concurrency).toBeUndefined();
  });

  it("with any image before those that are built from it", () => {
    const written = { ...MINIMAL, images: [{ name: "app", base: "runtime" }, { name: "runtime" }] };
    expect(read({ written }).images.map(({ name }) => name)).toEqual(["runtime", "app"]);
  });
});

describe("the environment", () => {
  it("BASE_HASH pins the base, and CI_IMAGE_PLATFORM sets its platforms too", () => {
    const env = { BASE_HASH: "0123456789ab", CI_IMAGE_PLATFORM: "linux/arm64" };
    const config = read({ written: DEVBOX, env });
    expect(config.images[0]?.addressed?.hash).toBe("0123456789ab");
    expect(config.images.map(({ platforms }) => platforms.join())).toEqual(Array(3).fill("linux/arm64"));
    expect(config.origins).toMatchObject({ "base.hash": "environment variable BASE_HASH" });
  });

  it("BASE_HASH has no effect on a stack without a base", () => {
    expect(read({ env: { BASE_HASH: "nonsense" } }).origins).toEqual({});
  });
});

describe("what is refused", () => {
  const [plain, slim] = DEVBOX.variants;
  const [image] = DEVBOX.images;
  it.each<[changes: object, problems: readonly string[]]>([
    [
      { variants: [{ suffix: "-a/b" }, { suffix: "slim" }, { suffix: "-ok" }, { suffix: "- x" }] },
      [0, 1, 3].map(
        (index) =>
          `variants[${index}].suffix: ${JSON.stringify(["-a/b", "slim", "", "- x"][index])} is not a suffix of tags: empty, or one of . _ - and then letters, digits and . _ - [config-value]`,
      ),
    ],
    [
      { variants: [plain, slim, { suffix: "-slim" }] },
      [
        'variants[2].suffix: "-slim" is also the suffix of variants[1]: both would own the same tags [config-duplicate]',
      ],
    ],
    [
      { images: [image, { name: "other", base: "devbox-base" }] },
      ["variants: need a stack with one image, and this one has 2 [config-conflict]"],
    ],
    [
      {
        base: undefined,
        variants: undefined,
        images: [
          { name: "a", base: "b" },
          { name: "b", base: "a" },
        ],
      },
      ["images[0].base: is a cycle: a is built from b is built from a [config-cycle]"],
    ],
    [
      {
        base: undefined,
        variants: undefined,
        images: [
          { name: "a", base: "a" },
          { name: "b", base: "c" },
        ],
      },
      [
        'images[1].base: "c" names no image of this stack; there is a, b [config-value]',
        "images[0].base: is a cycle: a is built from a [config-cycle]",
      ],
    ],
    [
      { base: { ...BASE, name: "b" }, variants: undefined, images: [{ name: "a" }, { name: "b" }] },
      [
        'base.name: "b" is also the name of an image [config-duplicate]',
        "base: is not used: no image names it [config-conflict]",
      ],
    ],
    [
      { base: { ...BASE, platforms: ["linux/amd64"] }, images: [{ ...image, platforms: ["linux/arm64"] }] },
      [
        'images[0].platforms[0]: "linux/arm64" is not among the base\'s platforms (linux/amd64) [config-conflict]',
      ],
    ],
    [
      { variants: [{ suffix: "", buildArgs: { BASE_IMAGE: "x" } }] },
      [
        "variants[0].buildArgs.BASE_IMAGE: is set by Slipway itself, to the base's reference [config-conflict]",
      ],
    ],
    [
      { base: { include: ["rootfs**", "../x", "{a,b}"], hash: "base-0123456789ab" } },
      [
        'base.include[0]: "rootfs**" is not a pattern: `*` and `?` within a name, `**` alone between slashes, and nothing else is special [config-value]',
        'base.include[1]: "../x" leads out of the project [config-value]',
        'base.include[2]: "{a,b}" is not a pattern: `*` and `?` within a name, `**` alone between slashes, and nothing else is special [config-value]',
        'base.hash: "base-0123456789ab" is not the hash of a base: 12 hex digits, such as 3f2a9c01b7de [config-value]',
      ],
    ],
    [
      { override: ["devbox-base:base-latest", "devbox-slim:latest-slim", "devbox-x:latest"] },
      [
        'override[2]: "devbox-x:latest" names no image; there is devbox-base, devbox, devbox-slim [config-value]',
      ],
    ],
  ])("%j", (changes, problems) => {
    const written = Object.fromEntries(
      Object.entries({ ...DEVBOX, ...changes }).filter(([, value]) => value !== undefined),
    );
    expect(problemLines({ written })).toEqual(problems);
  });
});
