import { describe, expect, it } from "vitest";
import { evaluateTagRules } from "../../../src/plan/tag-rules/evaluate";
import { parseFlavor } from "../../../src/plan/tag-rules/inputs";
import { parseTagRules } from "../../../src/plan/tag-rules/tag-rule";
import { MINIMAL, problemLines, read } from "./read-config";

const MAIN = { name: "main", format: "vX.Y.Z", trigger: "docker-v*", floating: "latest" };
const STANDALONE = {
  name: "standalone",
  dockerfile: "Dockerfile.standalone",
  format: "standalone-vX.Y.Z",
  trigger: "standalone-v*",
  floating: "standalone-latest",
};

function written(changes: Readonly<Record<string, unknown>> = {}) {
  return { ...MINIMAL, lanes: [MAIN, STANDALONE], lane: "standalone", ...changes };
}

/** The tags that a lane's image gets for a git tag. */
function tagsFor(lane: string, tag: string, env: Readonly<Record<string, string>> = {}): string[] {
  const [image] = read({ written: written({ lane }), env }).images;
  const { entries } = evaluateTagRules({
    rules: parseTagRules(image?.tags ?? []),
    flavor: parseFlavor(image?.flavor ?? []),
    event: {
      eventName: "push",
      ref: `refs/tags/${tag}`,
      sha: "0123456789abcdef0123456789abcdef01234567",
      commitDate: new Date(0),
      baseRef: "",
      inputs: {},
      repository: {},
    },
    images: [],
    now: new Date(0),
  });
  return entries.map((entry) => `${entry.name} ${entry.class}`);
}

describe("a lane's tags", () => {
  it.each([
    ["main", "docker-v0.2.1", ["v0.2.1 version", "latest floating"]],
    ["main", "v0.2.1", ["v0.2.1 version", "latest floating"]],
    ["main", "docker-v0.3.0-rc.1", ["v0.3.0-rc.1 version"]],
    ["standalone", "standalone-v0.2.1", ["standalone-v0.2.1 version", "standalone-latest floating"]],
    ["standalone", "standalone-v1.0.0-beta", ["standalone-v1.0.0-beta version"]],
  ])("%s, %s: %j", (lane, tag, expected) => {
    expect(tagsFor(lane, tag)).toEqual(expected);
  });

  it("PUBLISH_LATEST=false leaves the floating tag out", () => {
    expect(tagsFor("standalone", "standalone-v0.2.1", { PUBLISH_LATEST: "false" })).toEqual([
      "standalone-v0.2.1 version",
    ]);
  });
});

describe("the image of a lane", () => {
  it("has the lane's Dockerfile and name; the environment overrides the rest", () => {
    const env = { IMAGE_REPO: "ghcr.io/me/aionis", CI_IMAGE_PLATFORM: "linux/arm64" };
    const config = read({ written: written(), env });
    expect(config.registries.map(({ host, namespace }) => `${host}/${namespace}`)).toEqual(["ghcr.io/me"]);
    expect(config.images[0]).toMatchObject({
      repository: "aionis",
      dockerfile: "Dockerfile.standalone",
      platforms: ["linux/arm64"],
      lane: "standalone",
    });
    expect(config.lane?.form).toEqual({ prefix: "standalone-v", suffix: "" });
  });
});

describe("what is refused", () => {
  it.each<[changes: Readonly<Record<string, unknown>>, problem: string]>([
    [{ lane: undefined }, "lane: is required where there are lanes; expected one of main, standalone"],
    [{ lane: "canary" }, 'lane: "canary" is not one of main, standalone'],
    [{ lanes: [] }, 'lane: "standalone" names a lane, but there are none'],
    [
      { lanes: [MAIN, { ...STANDALONE, floating: "latest" }] },
      'lanes[1].floating: "latest" would own the same tags as the lane at lanes[0]',
    ],
    // Versions of both formats, with and without a `v`, are the same.
    [
      { lanes: [MAIN, { ...STANDALONE, format: "X.Y.Z" }] },
      'lanes[1].format: "X.Y.Z" would own the same tags',
    ],
    [
      { lanes: [MAIN, { ...STANDALONE, trigger: "docker-v*" }] },
      'lanes[1].trigger: "docker-v*" would own the same tags',
    ],
    [{ lanes: [{ ...MAIN, format: "v1" }, STANDALONE] }, 'lanes[0].format: "v1" is not a version\'s format'],
    [
      { lanes: [{ ...MAIN, trigger: "docker" }, STANDALONE] },
      'lanes[0].trigger: "docker" is not the beginning',
    ],
    [{ lanes: [{ ...MAIN, floating: "edge" }, STANDALONE] }, 'lanes[0].floating: "edge" is not latest'],
    [
      { images: [{ name: "app", tags: ["type=sha"] }] },
      "images[0].tags: has no meaning where there are lanes",
    ],
    [{ lanes: [{ ...MAIN, dockerFile: "D" }, STANDALONE] }, "did you mean `dockerfile`"],
    [{ checks: [{ name: "build", run: "npm run build" }] }, "is not a program and its arguments"],
    [
      { checks: ["a", "b"].map((program) => ({ name: "build", run: [program] })) },
      'checks[1].name: "build" is also the name at checks[0].name',
    ],
  ])("%j: %s", (changes, problem) => {
    expect(problemLines({ written: written(changes) }).join("\n")).toContain(problem);
  });
});

describe("flags and variables about versions", () => {
  it("a flag beats the environment, which beats the file", () => {
    const env = { RELEASE_TAG: "standalone-v2.0.0" };
    const flags = [{ flag: "--version", key: "version", value: "standalone-v3.0.0" }];
    expect(read({ written: written({ version: "standalone-v1.0.0" }), env }).version).toBe(
      "standalone-v2.0.0",
    );
    const config = read({ written: written(), env, flags });
    expect(config.version).toBe("standalone-v3.0.0");
    expect(config.origins.version).toBe("the flag --version");
  });

  it("VERSION is read with the stack's prefix, and beats a name without it", () => {
    const env = {
      VERSION: "9.9.9",
      RELEASE_TAG: "v1.0.0",
      AWL_VERSION: "v2.0.0",
      AWL_PUBLISH_VERSION_TAG: "no",
    };
    expect(read({ env }).version).toBe("v1.0.0");
    const config = read({ written: { ...MINIMAL, envPrefix: "AWL_" }, env });
    expect([config.version, config.publishVersionTag]).toEqual(["v2.0.0", false]);
  });
});
