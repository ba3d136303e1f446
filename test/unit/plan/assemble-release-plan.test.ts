import { describe, expect, test } from "vitest";
import { parseReference } from "../../../src/plan/reference";
import type { RequestedTag } from "../../../src/plan/release-intent";
import type { PlannedTag, ReleasePlan } from "../../../src/plan/release-plan";
import {
  digest,
  FIRST,
  image,
  intent,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../../support/plan-state";
import { anImage, KEY, REVISION } from "../../support/planned";

/** `action repository:name` of each tag, level by level. */
function levelsOf(plan: ReleasePlan): Record<string, string[]> {
  return Object.fromEntries(plan.levels.map(({ name, tags }) => [name, tags.map(line)]));
}

function line({ action, repository, name }: PlannedTag): string {
  return `${action} ${repository === FIRST ? "1st" : repository === SECOND ? "2nd" : repository}:${name}`;
}

const OLDER = image({
  digest: digest("d"),
  version: "1.2.2",
  revision: OTHER_REVISION,
  contentKey: "d".repeat(64),
});

describe("levels", () => {
  const floating = (name: string, line?: RequestedTag["line"]): RequestedTag => ({
    name,
    class: "floating",
    ...(line === undefined ? {} : { line }),
  });

  test("are written version tags first, then narrower floating tags, then wider ones, latest last", () => {
    const tags: readonly RequestedTag[] = [
      floating("latest", {}),
      floating("stable"),
      floating("1", { major: 1 }),
      floating("1.2", { major: 1, minor: 2 }),
      { name: `sha-${REVISION}`, class: "revision" },
      { name: "sha-0123456", class: "revision" },
      { name: "1.2.3", class: "version" },
    ];
    const plan = planOf(registryState(), { intents: [intent({ tags })] });
    expect(levelsOf(plan)).toEqual({
      "version tags": [
        `create 1st:sha-${REVISION}`,
        "create 1st:1.2.3",
        `create 2nd:sha-${REVISION}`,
        "create 2nd:1.2.3",
      ],
      "major.minor tags": ["create 1st:1.2", "create 2nd:1.2"],
      "major tags": ["create 1st:1", "create 2nd:1"],
      "other moving tags": ["create 1st:stable", "create 2nd:stable"],
      latest: ["create 1st:latest", "create 2nd:latest"],
    });
    expect(plan.levels.map(({ name }) => name)).toEqual([
      "version tags",
      "major.minor tags",
      "major tags",
      "other moving tags",
      "latest",
    ]);
    expect(plan.images[0]?.candidateTags.map(line)).toEqual([
      "create 1st:sha-0123456",
      "create 2nd:sha-0123456",
    ]);
  });

  test("hold the tags of all images: no latest before every version tag", () => {
    const other = intent({
      name: "other",
      repositories: [parseReference("localhost:5000/octo/other")],
      candidateTag: "candidate-other",
    });
    const plan = planOf(registryState().withTags("localhost:5000/octo/other", []), {
      intents: [intent(), other],
    });
    expect(plan.images.map(({ name }) => name)).toEqual(["app", "other"]);
    expect(plan.levels[0]?.tags.map(({ image: of, name }) => `${of}:${name}`)).toEqual([
      "app:1.2.3",
      "app:1.2.3",
      "other:1.2.3",
      "other:sha-0123456",
    ]);
    expect(plan.levels.at(-1)?.tags.map(({ image: of }) => of)).toEqual(["app", "app", "other"]);
  });
});

describe("registries", () => {
  test("an optional one without credentials is skipped, with the reason", () => {
    const plan = planOf(registryState().skipped("localhost:5001", "optional, and there are no credentials"));
    expect(plan.skipped).toEqual({ "localhost:5001": "optional, and there are no credentials" });
    expect(plan.refusals).toEqual([]);
    expect(plan.images[0]?.repositories).toEqual([FIRST]);
    expect(plan.images[0]?.statement?.repositories).toEqual([FIRST]);
    expect(plan.levels.flatMap(({ tags }) => tags).every(({ repository }) => repository === FIRST)).toBe(
      true,
    );
  });

  test("one that must be there is refused", () => {
    const plan = planOf(registryState().refused("localhost:5001", "registry-no-credentials"));
    expect(plan.refusals).toMatchObject([{ code: "registry-no-credentials", path: "localhost:5001" }]);
  });

  test("with every one left out there is nowhere to go", () => {
    const state = registryState().skipped("localhost:5000", "optional").skipped("localhost:5001", "optional");
    expect(planOf(state).refusals.map(({ code }) => code)).toEqual(["no-registry-left"]);
  });
});

describe("a working tree with changes", () => {
  const stated = (dirty: boolean) =>
    planOf(registryState(), { source: { revision: "0".repeat(40), dirty } }).images[0]?.statement;

  test("is noted in the statement of what is made from it", () => {
    expect(stated(true)).toHaveProperty("dirty", true);
    expect(stated(false)?.dirty).toBeUndefined();
  });
});

describe("images that share a repository", () => {
  const sharing = (tags: readonly RequestedTag[], candidateTag = "sha-0123456") =>
    intent({ name: "slim", image: anImage({ name: "slim", repository: "app" }), tags, candidateTag });

  test("must not share a tag, the commit's neither", () => {
    const slim = sharing([{ name: "1.2.3", class: "version" }]);
    const { refusals } = planOf(registryState().skipped("localhost:5001", "optional"), {
      intents: [intent(), slim],
    });
    expect(refusals).toMatchObject([
      {
        code: "tag-two-owners",
        path: "slim:sha-0123456",
        message: `app and slim would both write ${FIRST}:sha-0123456`,
      },
      { code: "tag-two-owners", path: "slim:1.2.3" },
    ]);
  });

  test("may have tags of their own there", () => {
    const slim = sharing([{ name: "1.2.3-slim", class: "version" }], "candidate-slim");
    expect(planOf(registryState(), { intents: [intent(), slim] }).refusals).toEqual([]);
  });
});

test("every refusal is reported at once", () => {
  const state = registryState()
    .with(FIRST, "1.2.3", image({ revision: OTHER_REVISION, contentKey: KEY }))
    .with(FIRST, "sha-0123456", OLDER)
    .refused("localhost:5001", "registry-push-denied");
  const slim = intent({ name: "slim" });
  const plan = planOf(state, {
    intents: [intent(), slim],
    problems: [{ code: "source-dirty", path: "git", message: "the tree is dirty" }],
  });
  expect(plan.refusals.map(({ code, path }) => `${code} ${path}`)).toEqual([
    "source-dirty git",
    "registry-push-denied localhost:5001",
    "version-of-another-revision app:1.2.3",
    "tag-other-revision app:sha-0123456",
    "version-of-another-revision slim:1.2.3",
    "tag-other-revision slim:sha-0123456",
    "tag-two-owners slim:1.2.3",
    "tag-two-owners slim:1",
    "tag-two-owners slim:latest",
  ]);
});

test("notices and origins are part of the plan", () => {
  const plan = planOf(registryState(), { notices: ["the release is the tag v1.2.3 at HEAD"] });
  expect(plan.notices).toEqual([
    "the release is the tag v1.2.3 at HEAD",
    "no SBOM for app: it is turned off (sbom: false)",
  ]);
  expect(plan.origins).toEqual({});
});
