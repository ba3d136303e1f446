import { describe, expect, it } from "vitest";
import {
  type Lane,
  laneOwnerProblems,
  laneTags,
  laneVersion,
  laneVersionProblem,
} from "../../../src/plan/lanes";
import type { ImageIntent } from "../../../src/plan/release-intent";
import { laneTagProblems, publishedTags, versionTagProblems } from "../../../src/plan/version-checks";
import { anEvent, anIntent } from "../../support/planned";

function lane(name: string, prefix: string, trigger: string, changes: Partial<Lane> = {}): Lane {
  return {
    name,
    form: { prefix, suffix: "" },
    trigger,
    floating: "latest",
    tags: [`type=semver,pattern={{version}},match=^(?:${trigger}|${prefix})(.*)$,prefix=${prefix}`],
    flavor: [],
    ...changes,
  };
}

const MAIN = lane("main", "v", "docker-v");
const STANDALONE = lane("standalone", "standalone-v", "standalone-v", {
  flavor: ["prefix=standalone-,onlatest=true"],
});

describe("the version in a name", () => {
  it.each([
    [MAIN, "v0.2.1", "0.2.1"],
    [MAIN, "docker-v0.2.1", "0.2.1"],
    [MAIN, "v1.0.0-rc.1", "1.0.0-rc.1"],
    [MAIN, "standalone-v0.2.1", undefined],
    [MAIN, "0.2.1", undefined],
    [MAIN, "vv0.2.1", undefined],
    [MAIN, "v12", undefined],
    [STANDALONE, "standalone-v0.2.1", "0.2.1"],
    [STANDALONE, "v0.2.1", undefined],
    [STANDALONE, "standalone-latest", undefined],
  ])("%#: %o", (of, name, expected) => {
    expect(laneVersion(of, name)?.text).toBe(expected);
  });

  it("a lane has those git tags at a commit that are its own, the highest first", () => {
    const tags = ["docker-v0.9.0", "docker-v0.10.0", "standalone-v2.0.0", "v3.0.0"];
    expect(laneTags(MAIN, tags)).toEqual(["docker-v0.10.0", "docker-v0.9.0"]);
  });
});

it("a version in another lane's format names both lanes and what to do", () => {
  const problem = laneVersionProblem({ lane: STANDALONE, lanes: [MAIN, STANDALONE] }, "v0.2.1", "version");
  expect(problem?.code).toBe("lane-version");
  expect(problem?.message).toContain("it is one of the lane main");
  expect(problem?.hint).toContain("slipway:lane: main");
});

describe("a tag that two lanes would own", () => {
  const event = anEvent({ ref: "refs/tags/docker-v1.2.3" });
  const intents = [
    anIntent({
      tags: [
        { name: "v1.2.3", class: "version" },
        { name: "sha-0123456", class: "revision" },
      ],
    }),
  ];

  it("is refused: the commit's tag in both", () => {
    const other = { ...STANDALONE, tags: [...STANDALONE.tags, "type=sha"] };
    const problems = laneOwnerProblems({
      lane: MAIN,
      lanes: [MAIN, other],
      intents,
      event,
      now: new Date(0),
    });
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(["lane-two-owners app:sha-0123456"]);
    expect(problems[0]?.message).toContain(
      "main and standalone would both write ghcr.io/octo/app:sha-0123456",
    );
  });

  it("is allowed if each has a prefix of its own", () => {
    const lanes = [MAIN, STANDALONE];
    expect(laneOwnerProblems({ lane: MAIN, lanes, intents, event, now: new Date(0) })).toEqual([]);
  });
});

describe("the policy about version tags", () => {
  const { tags } = anIntent();

  it("false leaves out version tags only", () => {
    expect(publishedTags(tags, false).map(({ name }) => name)).toEqual(["1", "latest", "sha-0123456"]);
    expect(publishedTags(tags, undefined)).toEqual(tags);
  });

  it("true refuses a release without one", () => {
    const required = { publishVersionTag: true };
    expect(versionTagProblems(required, [anIntent()])).toEqual([]);
    const without = { ...anIntent(), tags: publishedTags(tags, false) };
    expect(versionTagProblems(required, [without, anIntent(), without])).toMatchObject([
      { code: "version-tag-missing", message: expect.stringContaining(`${without.name} and 1 more`) },
    ]);
    expect(versionTagProblems({ publishVersionTag: false }, [without])).toEqual([]);
  });
});

describe("a lane's release", () => {
  const tagged = anIntent();
  const untagged = anIntent({ tags: [] });
  const base = anIntent({
    name: "base",
    image: { ...anIntent().image, addressed: { include: ["Dockerfile.base"], hash: undefined } },
  });

  it.each<[string, { lane?: typeof MAIN }, ImageIntent[], string[]]>([
    ["without any tag", { lane: MAIN }, [untagged], ["version-tag-missing"]],
    ["with its base's tag alone", { lane: MAIN }, [base, untagged], ["version-tag-missing"]],
    ["with a tag", { lane: MAIN }, [tagged], []],
    ["one image of two with a tag", { lane: MAIN }, [untagged, tagged], []],
    ["of no lane", {}, [untagged], []],
    ["of nothing", { lane: MAIN }, [], []],
  ])("%s", (_what, config, intents, codes) => {
    expect(laneTagProblems(config, intents).map(({ code }) => code)).toEqual(codes);
  });
});
