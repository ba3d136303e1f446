import { describe, expect, test } from "vitest";
import type { ManifestTag } from "../../../src/plan/manifest";
import type { PlannedTag, ReleasePlan } from "../../../src/plan/release-plan";
import {
  aConfig,
  digest,
  FIRST,
  image,
  intent,
  manifest,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../../support/plan-state";
import { KEY, REVISION } from "../../support/planned";

function line({ action, repository, name }: PlannedTag): string {
  return `${action} ${repository === FIRST ? "1st" : repository === SECOND ? "2nd" : repository}:${name}`;
}

function tagOf(plan: ReleasePlan, name: string, repository = FIRST): PlannedTag {
  const all = [
    ...plan.images.flatMap(({ candidateTags }) => candidateTags),
    ...plan.levels.flatMap(({ tags }) => tags),
    ...plan.left,
  ];
  const found = all.find((tag) => tag.name === name && tag.repository === repository);
  if (found === undefined) throw new Error(`the plan has no ${repository}:${name}`);
  return found;
}

const NEWER = image({
  digest: digest("e"),
  version: "2.0.0",
  revision: OTHER_REVISION,
  contentKey: "e".repeat(64),
});
const OLDER = image({
  digest: digest("d"),
  version: "1.2.2",
  revision: OTHER_REVISION,
  contentKey: "d".repeat(64),
});

describe("a planned tag", () => {
  test("a new one, while its digest is not known", () => {
    expect(tagOf(planOf(registryState()), "latest")).toEqual({
      image: "app",
      repository: FIRST,
      name: "latest",
      class: "floating",
      action: "create",
      to: { version: "1.2.3" },
      desired: {
        name: "latest",
        class: "floating",
        line: {},
        form: { prefix: "", suffix: "" },
        version: "1.2.3",
        revision: REVISION,
        overridden: false,
      },
      ancestry: "unknown",
    });
  });

  test("one that moves, from what to what", () => {
    const state = registryState().with(FIRST, "1.2.3", image()).with(FIRST, "latest", OLDER);
    expect(tagOf(planOf(state), "latest")).toMatchObject({
      action: "move",
      from: { digest: digest("d"), version: "1.2.2" },
      to: { digest: digest("a"), version: "1.2.3" },
      desired: { digest: digest("a") },
    });
  });

  test("one that rightly stays keeps its digest, with the reason", () => {
    const state = registryState().with(FIRST, "latest", NEWER).withTags(FIRST, ["2.0.0"]);
    expect(tagOf(planOf(state), "latest")).toMatchObject({
      action: "keep",
      from: { digest: digest("e"), version: "2.0.0" },
      to: { digest: digest("e"), version: "2.0.0" },
      reason: "2.0.0 exists and is newer than 1.2.3",
      override: "app:latest",
      desired: { digest: digest("e"), version: "2.0.0", revision: OTHER_REVISION },
    });
  });

  test("one that stays and is not there has no resource", () => {
    const plan = planOf(registryState().withTags(SECOND, ["2.0.0"]));
    expect(plan.levels.map(({ name }) => name)).not.toContain("latest");
    expect(plan.left.map(line)).toEqual(["keep 1st:latest", "keep 2nd:latest"]);
    expect(plan.left[0]).toMatchObject({
      reason: `2.0.0 exists and is newer than 1.2.3; to have it in ${FIRST} too, release 2.0.0 again`,
      to: { version: "1.2.3" },
    });
  });

  test("one that is overridden moves", () => {
    const state = registryState().with(FIRST, "latest", NEWER).withTags(FIRST, ["2.0.0"]);
    const plan = planOf(state, { override: ["app:latest", "other:1"] });
    expect(tagOf(plan, "latest")).toMatchObject({ action: "move", desired: { overridden: true } });
    expect(tagOf(plan, "1")).toMatchObject({ desired: { overridden: false } });
  });

  test("a version counts wherever it exists", () => {
    const state = registryState().with(FIRST, "latest", OLDER).withTags(SECOND, ["2.0.0"]);
    expect(tagOf(planOf(state), "latest")).toMatchObject({ action: "keep" });
  });

  test("without a version the commits decide", () => {
    const { version: _, ...main } = intent({
      tags: [{ name: "main", class: "floating" }],
    });
    const state = registryState().with(FIRST, "main", OLDER).with(SECOND, "main", NEWER);
    const of = (relation: "ancestor" | "descendant") =>
      planOf(state, { intents: [main], ancestry: { [OTHER_REVISION]: relation } });
    expect(tagOf(of("ancestor"), "main")).toMatchObject({ action: "move", ancestry: "ancestor" });
    expect(tagOf(of("descendant"), "main")).toMatchObject({ action: "keep", ancestry: "descendant" });
  });
});

test("a registry with immutable tags gets version tags and no floating ones", () => {
  const { registries } = aConfig();
  const [first, second] = registries;
  if (first === undefined || second === undefined) throw new Error("two registries");
  const state = registryState().with(SECOND, "latest", OLDER);
  const plan = planOf(state, {
    config: aConfig({ registries: [first, { ...second, floatingTags: false }] }),
  });
  const names = (repository: string) =>
    plan.levels.flatMap(({ tags }) =>
      tags.flatMap((tag) => (tag.repository === repository ? [tag.name] : [])),
    );
  expect(names(FIRST)).toEqual(["1.2.3", "1", "latest"]);
  expect(names(SECOND)).toEqual(["1.2.3"]);
});

describe("tags that another tool moved", () => {
  const recorded = (name: string, tagClass: ManifestTag["class"] = "floating"): ManifestTag => ({
    repository: FIRST,
    name,
    class: tagClass,
    digest: digest("a"),
  });
  const released = registryState().with(FIRST, "1.2.3", image()).with(SECOND, "1.2.3", image());

  test.each<[string, ReturnType<typeof registryState>, object]>([
    [
      "back are put right",
      released.with(FIRST, "latest", OLDER),
      { action: "move", reason: "it was moved since the last release" },
    ],
    ["away are put back", released, { action: "create", reason: "it was deleted since the last release" }],
    [
      "forward to a newer version stay",
      released.with(FIRST, "latest", NEWER).withTags(FIRST, ["2.0.0"]),
      { action: "keep", reason: "2.0.0 exists and is newer than 1.2.3" },
    ],
  ])("%s, with the reason", (_, state, expected) => {
    expect(tagOf(planOf(state, { previous: manifest([recorded("latest")]) }), "latest")).toMatchObject(
      expected,
    );
  });

  test("without a reason if they point where they should, or if this stack never set them", () => {
    const previous = manifest([{ ...recorded("latest"), digest: digest("d") }, recorded("1")]);
    const state = released.with(FIRST, "latest", image()).with(FIRST, "1", image()).with(SECOND, "1", OLDER);
    const plan = planOf(state, { previous });
    for (const [name, repository] of [
      ["latest", FIRST],
      ["1", FIRST],
      ["1", SECOND],
      ["latest", SECOND],
    ] as const)
      expect(tagOf(plan, name, repository)?.reason).toBeUndefined();
  });
});

describe("the tag by which content is found again", () => {
  const candidateOf = (name: string) =>
    intent({ candidateTag: name, tags: [{ name: "1.2.3", class: "version" }] });

  test("moves to other content of the commit, not to another commit's", () => {
    const own = registryState().with(FIRST, "sha-0123456", image({ contentKey: "d".repeat(64) }));
    expect(tagOf(planOf(own), "sha-0123456")).toMatchObject({ action: "move" });
    const foreign = planOf(registryState().with(FIRST, "sha-0123456", OLDER));
    expect(foreign.refusals).toMatchObject([{ code: "tag-other-revision", path: "app:sha-0123456" }]);
  });

  test("named by content it belongs to that content, whichever commit made it", () => {
    const carried = image({ revision: undefined, version: undefined });
    const state = registryState()
      .with(FIRST, "candidate-c", carried)
      .with(SECOND, "candidate-c", { ...carried, digest: digest("b") });
    const plan = planOf(state, { intents: [candidateOf("candidate-c")] });
    expect(plan.refusals).toEqual([]);
    expect(plan.images[0]?.candidateTags.map(line)).toEqual([
      "unchanged 1st:candidate-c",
      "move 2nd:candidate-c",
    ]);
  });

  test("of a release that is adopted is named by the content that exists, not by today's tree", () => {
    const key = "e".repeat(64);
    const state = registryState()
      .with(FIRST, "1.2.3", image({ contentKey: key }))
      .withTags(FIRST, [`candidate-${key.slice(0, 16)}`]);
    const plan = planOf(state, { intents: [candidateOf(`candidate-${KEY.slice(0, 16)}`)] });
    expect(plan.images[0]?.intent).toMatchObject({
      contentKey: key,
      candidateTag: "candidate-eeeeeeeeeeeeeeee",
    });
    expect(plan.images[0]?.candidateTags.map(line)).toEqual([
      "unchanged 1st:candidate-eeeeeeeeeeeeeeee",
      "create 2nd:candidate-eeeeeeeeeeeeeeee",
    ]);
  });

  test("of an adopted release that names no content key is named by its digest", () => {
    const state = registryState().with(FIRST, "1.2.3", image({ contentKey: "../x" }));
    const plan = planOf(state, { intents: [candidateOf(`candidate-${KEY.slice(0, 16)}`)] });
    expect(plan.images[0]?.intent).toMatchObject({
      contentKey: "",
      candidateTag: "candidate-aaaaaaaaaaaaaaaa",
    });
  });

  test("of an adopted release is its commit's where the rules make one", () => {
    const plan = planOf(registryState().with(FIRST, "1.2.3", image({ contentKey: "e".repeat(64) })));
    expect(plan.images[0]?.intent.candidateTag).toBe("sha-0123456");
  });

  test("is refused if it is named by content and another tool moved it to other content", () => {
    const plan = planOf(registryState().with(SECOND, "candidate-c", OLDER), {
      intents: [candidateOf("candidate-c")],
    });
    expect(plan.refusals).toMatchObject([{ code: "tag-other-revision", path: "app:candidate-c" }]);
  });
});
