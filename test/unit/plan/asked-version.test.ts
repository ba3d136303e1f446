import { describe, expect, test } from "vitest";
import type { Config } from "../../../src/plan/config";
import type { ImageIntent } from "../../../src/plan/release-intent";
import type { ReleaseEvent } from "../../../src/plan/tag-rules/event";
import { type AskedVersionInput, askedVersionProblems } from "../../../src/plan/version-checks";
import { aConfig, digest, FIRST } from "../../support/plan-state";
import { anImage, anIntent, REVISION } from "../../support/planned";

const VERSION = "type=semver,pattern={{version}}";

function eventOf(version: string): ReleaseEvent {
  return {
    eventName: "push",
    ref: `refs/tags/${version}`,
    sha: REVISION,
    commitDate: new Date(0),
    baseRef: "",
    inputs: {},
    defaultBranch: "main",
    repository: { name: "app", url: "", description: "", license: "", defaultBranch: "main" },
  };
}

function built(tags: readonly string[], changes: Partial<ImageIntent> = {}): ImageIntent {
  return anIntent({ image: anImage({ tags }), ...changes });
}

function problems(version: string, intents: readonly ImageIntent[], config: Partial<Config> = {}) {
  const input: AskedVersionInput = {
    config: aConfig({ version, origins: { version: "environment variable RELEASE_TAG" }, ...config }),
    intents,
    event: eventOf(version),
    now: new Date(0),
  };
  return askedVersionProblems(input);
}

describe("a version that was asked for", () => {
  test("and that no rule takes for one is refused", () => {
    expect(problems("banana", [built([VERSION, "type=sha"])])).toEqual([
      {
        code: "version-without-tag",
        path: "version",
        message:
          '"banana" was asked for (environment variable RELEASE_TAG), but by the tag rules of app it is no version',
        hint: "Write it as the rules want it, e.g. v1.2.3; or set slipway:publishVersionTag to false, to write no version tag",
      },
    ]);
  });

  test.each<[what: string, version: string, tags: readonly string[]]>([
    ["half a version", "v1.2", [VERSION]],
    ["a pattern that does not match", "banana", ["type=match,pattern=v(\\d.*),group=1"]],
    ["latest by force", "banana", [VERSION, "type=raw,value=latest"]],
  ])("%s too", (_, version, tags) => {
    expect(problems(version, [built(tags)]).map(({ code }) => code)).toEqual(["version-without-tag"]);
  });

  test.each<[what: string, version: string, tags: readonly string[]]>([
    ["a version", "v1.2.3", [VERSION]],
    ["a pre-release", "v1.2.3-rc.1", ["type=semver,pattern={{major}}"]],
    ["a version that only moves tags", "v1.2.3", ["type=semver,pattern={{major}}"]],
    ["a name that another rule publishes", "banana", [VERSION, "type=ref,event=tag"]],
    ["rules without versions", "banana", ["type=sha"]],
    ["a rule that is switched off", "banana", [`${VERSION},enable=false`, "type=sha"]],
  ])("%s is taken", (_, version, tags) => {
    expect(problems(version, [built(tags)])).toEqual([]);
  });

  test("one image with it is enough", () => {
    const own = (name: string) => built([`type=match,pattern=${name}-v(.*),group=1`], { name });
    expect(problems("api-v1.0.0", [own("api"), own("web")])).toEqual([]);
    expect(problems("apu-v1.0.0", [own("api"), own("web")])).toHaveLength(1);
  });

  test("no problem without a requested version, with publishVersionTag set, or for promoted content", () => {
    const image = [built([VERSION])];
    expect(
      askedVersionProblems({ config: aConfig(), intents: image, event: eventOf("banana"), now: new Date(0) }),
    ).toEqual([]);
    expect(problems("banana", image, { publishVersionTag: false })).toEqual([]);
    const existing = { from: "promotion", digest: digest("a"), source: FIRST, of: "stage" } as const;
    expect(problems("banana", [built([VERSION], { existing })])).toEqual([]);
  });
});
