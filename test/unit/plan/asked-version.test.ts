import { describe, expect, test } from "vitest";
import type { Config } from "../../../src/plan/config";
import type { ImageIntent } from "../../../src/plan/release-intent";
import { askedVersionProblems } from "../../../src/plan/version-checks";
import { aConfig, digest, FIRST } from "../../support/plan-state";
import { anEvent, anImage, anIntent } from "../../support/planned";

const VERSION = "type=semver,pattern={{version}}";

function built(tags: readonly string[], changes: Partial<ImageIntent> = {}): ImageIntent {
  return anIntent({ image: anImage({ tags }), ...changes });
}

function problems(version: string, intents: readonly ImageIntent[], config: Partial<Config> = {}) {
  return askedVersionProblems({
    config: aConfig({ version, origins: { version: "environment variable RELEASE_TAG" }, ...config }),
    intents,
    event: anEvent({ ref: `refs/tags/${version}` }),
    now: new Date(0),
  });
}

describe("a requested version", () => {
  test("that no rule accepts is refused", () => {
    expect(problems("banana", [built([VERSION, "type=sha"])])).toEqual([
      {
        code: "version-without-tag",
        path: "version",
        message:
          '"banana" was asked for (environment variable RELEASE_TAG), but no tag rule of app accepts it as a version',
        hint: "Use a form that a rule accepts, e.g. v1.2.3; or set slipway:publishVersionTag to false, to write no version tag",
      },
    ]);
  });

  test.each<[what: string, version: string, tags: readonly string[]]>([
    ["half a version", "v1.2", [VERSION]],
    ["not matched by the pattern", "banana", ["type=match,pattern=v(\\d.*),group=1"]],
    ["read by no other rule than a raw latest", "banana", [VERSION, "type=raw,value=latest"]],
  ])("that is %s is refused", (_, version, tags) => {
    expect(problems(version, [built(tags)]).map(({ code }) => code)).toEqual(["version-without-tag"]);
  });

  test.each<[what: string, version: string, tags: readonly string[]]>([
    ["a version", "v1.2.3", [VERSION]],
    ["a pre-release", "v1.2.3-rc.1", ["type=semver,pattern={{major}}"]],
    ["a version of floating tags only", "v1.2.3", ["type=semver,pattern={{major}}"]],
    ["a name that another rule publishes", "banana", [VERSION, "type=ref,event=tag"]],
    ["any name if no rule is for versions", "banana", ["type=sha"]],
    ["any name if the rule is switched off", "banana", [`${VERSION},enable=false`, "type=sha"]],
  ])("%s is accepted", (_, version, tags) => {
    expect(problems(version, [built(tags)])).toEqual([]);
  });

  test("is accepted if one image accepts it", () => {
    const own = (name: string) => built([`type=match,pattern=${name}-v(.*),group=1`], { name });
    expect(problems("api-v1.0.0", [own("api"), own("web")])).toEqual([]);
    expect(problems("apu-v1.0.0", [own("api"), own("web")])).toHaveLength(1);
  });

  test("is checked only without publishVersionTag, and not for promoted content", () => {
    const image = [built([VERSION])];
    expect(
      askedVersionProblems({
        config: aConfig(),
        intents: image,
        event: anEvent({ ref: "refs/tags/banana" }),
        now: new Date(0),
      }),
    ).toEqual([]);
    expect(problems("banana", image, { publishVersionTag: false })).toEqual([]);
    const existing = { from: "promotion", digest: digest("a"), source: FIRST, of: "stage" } as const;
    expect(problems("banana", [built([VERSION], { existing })])).toEqual([]);
  });
});
