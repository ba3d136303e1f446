import { describe, expect, test } from "vitest";
import type { ReleasePlan } from "../../../src/plan/release-plan";
import {
  digest,
  FIRST,
  FOREIGN,
  image,
  intent,
  manifest,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
  statement,
} from "../../support/plan-state";
import { anImage, KEY, REVISION } from "../../support/planned";

/** Where the content of a plan's one image comes from, and what follows from that. */
function contentOf(plan: ReleasePlan) {
  const [planned] = plan.images;
  if (planned === undefined) throw new Error("the plan has no image");
  const { content, build, copyTo } = planned;
  return { content, build, copyTo };
}

function refusalsOf(plan: ReleasePlan): string[] {
  return plan.refusals.map(({ code, path }) => `${code} ${path}`);
}

describe("a new release", () => {
  test("is built once, for every registry", () => {
    const plan = planOf(registryState());
    expect(contentOf(plan)).toEqual({ content: { from: "build" }, build: { generation: 0 }, copyTo: [] });
    expect(plan.refusals).toEqual([]);
    expect(plan.images[0]?.repositories).toEqual([FIRST, SECOND]);
    expect(plan.images[0]?.statement).toEqual(statement());
  });

  test("names the repository of its source", () => {
    const plan = planOf(registryState(), {
      source: { revision: REVISION, remote: "https://github.com/octo/app" },
    });
    expect(plan).toMatchObject({ schema: 1, stack: "stage", source: "octo/app", revision: REVISION });
    expect(plan.images[0]?.statement?.source).toBe("https://github.com/octo/app");
  });

  test("without a version has no statement", () => {
    const { version: _, ...unversioned } = intent({
      tags: [{ name: "main", class: "floating" }],
    });
    expect(planOf(registryState(), { intents: [unversioned] }).images[0]?.statement).toBeUndefined();
  });
});

describe("content that a registry has is not built again", () => {
  test.each(["sha-0123456", "1", "main"])("found by its content key, under the tag %s", (tag) => {
    const state = registryState().with(FIRST, tag, image()).with(SECOND, tag, image());
    expect(contentOf(planOf(state))).toEqual({
      content: { from: "candidate", tag, digest: digest("a") },
      build: undefined,
      copyTo: [],
    });
  });

  test("a tag with the right name and other content is not used", () => {
    const state = registryState().with(FIRST, "sha-0123456", image({ contentKey: "d".repeat(64) }));
    expect(contentOf(planOf(state)).content).toEqual({ from: "build" });
  });

  test("a registry that lacks it gets a copy, the primary too", () => {
    const first = registryState().with(FIRST, "sha-0123456", image());
    expect(contentOf(planOf(first)).copyTo).toEqual([SECOND]);
    const second = registryState().with(SECOND, "sha-0123456", image());
    expect(contentOf(planOf(second)).copyTo).toEqual([FIRST]);
  });

  test("a registry that has it under any tag needs no copy", () => {
    const state = registryState().with(FIRST, "sha-0123456", image()).with(SECOND, "latest", image());
    expect(contentOf(planOf(state)).copyTo).toEqual([]);
  });

  test("of two digests with one content key the primary's goes everywhere", () => {
    const state = registryState()
      .with(SECOND, "sha-0123456", image({ digest: digest("b") }))
      .with(FIRST, "sha-0123456", image());
    expect(contentOf(planOf(state))).toMatchObject({ content: { digest: digest("a") }, copyTo: [SECOND] });
  });
});

describe("a version that is released is adopted", () => {
  const released = (found = image()) => registryState().with(FIRST, "1.2.3", found);
  const adopted = { from: "version-tag", tag: "1.2.3", digest: digest("a") };

  test("by its statement", () => {
    const plan = planOf(released(image({ revision: undefined, statements: [statement()] })));
    expect(contentOf(plan)).toEqual({ content: adopted, build: undefined, copyTo: [SECOND] });
    expect(plan.refusals).toEqual([]);
    expect(plan.notices).toEqual([]);
  });

  test("by its annotation alone, where a statement was never attached", () => {
    const plan = planOf(released());
    expect(contentOf(plan).content).toEqual(adopted);
    expect(plan.images[0]?.statement).toEqual(statement());
  });

  test("its statement stays word for word, whatever today's tree says", () => {
    const stated = statement({
      inputs: { AGENT: "1.0.0" },
      repositories: [FIRST],
      contentKey: "e".repeat(64),
    });
    const plan = planOf(released(image({ statements: [stated] })), {
      intents: [intent({ buildArgs: { AGENT: "2.0.0" } })],
    });
    expect(plan.images[0]?.statement).toEqual(stated);
  });

  test("although a newer answer to latestOf makes other content now, with a notice", () => {
    const plan = planOf(released(image({ contentKey: "e".repeat(64) })), {
      intents: [intent({ buildArgs: { AGENT: "2.0.0" } })],
    });
    expect(contentOf(plan)).toEqual({ content: adopted, build: undefined, copyTo: [SECOND] });
    expect(plan.images[0]?.statement).toMatchObject({ contentKey: "e".repeat(64), inputs: {} });
    expect(plan.notices).toEqual([
      "app: what it is made from is not what 1.2.3 was released with (files of its context, its Dockerfile, " +
        "arguments, bases, labels or other settings); the release that exists (sha256:aaaaaaaaaaaa) is kept",
    ]);
  });

  test.each<[string, Parameters<typeof statement>[0], Parameters<typeof intent>[0], string]>([
    ["an argument", { inputs: { AGENT: "1" } }, { buildArgs: { AGENT: "2" } }, "AGENT: 1 → 2"],
    ["a new argument", { inputs: { A: "1" } }, { buildArgs: { A: "1", B: "2" } }, "B: none → 2"],
    [
      "a platform",
      {},
      { image: anImage({ platforms: ["linux/amd64"] }) },
      "platforms: linux/amd64, linux/arm64 → linux/amd64",
    ],
    [
      "an argument, and a base that moved has a line of its own",
      { inputs: { A: "1" }, bases: { "docker.io/library/node:22": digest("b") } },
      { buildArgs: { A: "2" }, bases: { "docker.io/library/node:22": digest("c") } },
      "A: 1 → 2",
    ],
    [
      "an argument and a base that is gone",
      { inputs: { A: "1" }, bases: { "docker.io/library/node:22": digest("b") } },
      { buildArgs: { A: "2" } },
      "A: 1 → 2; docker.io/library/node:22: sha256:bbbbbbbbbbbb → none",
    ],
    [
      "files alone",
      { inputs: { A: "1" } },
      { buildArgs: { A: "1" } },
      "files of its context, its Dockerfile, arguments, bases, labels or other settings",
    ],
    [
      "what a statement without inputs does not say",
      {},
      { buildArgs: { A: "2" } },
      "files of its context, its Dockerfile, arguments, bases, labels or other settings",
    ],
  ])("with a notice about what differs: %s", (_, stated, changed, what) => {
    const contentKey = "e".repeat(64);
    const existing = image({ contentKey, statements: [statement({ ...stated, contentKey })] });
    const plan = planOf(released(existing), { intents: [intent(changed)] });
    expect(plan.notices).toEqual([
      `app: what it is made from is not what 1.2.3 was released with (${what}); ` +
        "the release that exists (sha256:aaaaaaaaaaaa) is kept",
    ]);
  });

  test("from the second registry, where the primary was emptied", () => {
    const plan = planOf(registryState().with(SECOND, "1.2.3", image()));
    expect(contentOf(plan)).toEqual({ content: adopted, build: undefined, copyTo: [FIRST] });
  });

  test("even if a candidate has the same content key", () => {
    const other = image({ digest: digest("b"), contentKey: KEY });
    const plan = planOf(released(image({ contentKey: "e".repeat(64) })).with(FIRST, "sha-0123456", other));
    expect(contentOf(plan).content).toEqual(adopted);
  });

  test("carried-over content is this version's by this version's statement", () => {
    const carried = image({
      revision: undefined,
      version: undefined,
      statements: [statement({ version: "1.2.2", revision: OTHER_REVISION }), statement()],
    });
    const plan = planOf(released(carried), { intents: [intent({ image: anImage({ labels: "none" }) })] });
    expect(contentOf(plan).content).toEqual(adopted);
    expect(plan.refusals).toEqual([]);
  });
});

describe("a version that is released is refused", () => {
  test("from another revision, with the way out", () => {
    const plan = planOf(registryState().with(FIRST, "1.2.3", image({ revision: OTHER_REVISION })));
    expect(plan.refusals).toEqual([
      {
        code: "version-of-another-revision",
        path: "app:1.2.3",
        message: `${FIRST}:1.2.3 was released from commit ffffffffffff, and this is commit 0123456789ab`,
        hint: "Release a new version, or check out ffffffffffff to complete that one.",
        override: "app:1.2.3",
      },
    ]);
  });

  test("from another revision by its statement, whatever its annotation says", () => {
    const stated = image({ statements: [statement({ revision: OTHER_REVISION })] });
    expect(refusalsOf(planOf(registryState().with(FIRST, "1.2.3", stated)))).toEqual([
      "version-of-another-revision app:1.2.3",
    ]);
  });

  test("another image's statement on the same digest says nothing", () => {
    const stated = image({ statements: [statement({ image: "other", revision: OTHER_REVISION })] });
    expect(planOf(registryState().with(FIRST, "1.2.3", stated)).refusals).toEqual([]);
  });

  test("of unknown origin", () => {
    expect(refusalsOf(planOf(registryState().with(FIRST, "1.2.3", FOREIGN)))).toEqual([
      "version-of-unknown-origin app:1.2.3",
    ]);
  });

  test("with another digest in each registry", () => {
    const state = registryState()
      .with(FIRST, "1.2.3", image())
      .with(SECOND, "1.2.3", image({ digest: digest("b") }));
    expect(planOf(state).refusals).toMatchObject([
      {
        code: "version-differs-between-registries",
        message: `one version, two digests: ${FIRST}:1.2.3 is sha256:aaaaaaaaaaaa, ${SECOND}:1.2.3 is sha256:bbbbbbbbbbbb`,
      },
    ]);
  });

  test("if another tool moved it since this stack released it, even from the same commit", () => {
    const previous = manifest([{ repository: FIRST, name: "1.2.3", class: "version", digest: digest("b") }]);
    const plan = planOf(registryState().with(FIRST, "1.2.3", image()), { previous });
    expect(plan.refusals).toMatchObject([
      {
        code: "version-tag-moved",
        path: "app:1.2.3",
        hint: `Put it back by hand if that was a mistake: crane tag ${FIRST}@${digest("b")} 1.2.3`,
      },
    ]);
  });

  test("with both registries' reasons, and once where they are the same tag's", () => {
    const foreign = image({ revision: OTHER_REVISION });
    const state = registryState().with(FIRST, "1.2.3", foreign).with(SECOND, "1.2.3", foreign);
    expect(refusalsOf(planOf(state))).toEqual([
      "version-of-another-revision app:1.2.3",
      "version-of-another-revision app:1.2.3",
    ]);
  });

  test("unless its owner overrides it: then it is built and moved", () => {
    const state = registryState().with(
      FIRST,
      "1.2.3",
      image({ revision: OTHER_REVISION, contentKey: "e".repeat(64) }),
    );
    const plan = planOf(state, { override: ["app:1.2.3"] });
    expect(plan.refusals).toEqual([]);
    expect(contentOf(plan).content).toEqual({ from: "build" });
    const [versions] = plan.levels;
    expect(versions?.tags.map(({ repository, name, action }) => `${action} ${repository}:${name}`)).toEqual([
      `move ${FIRST}:1.2.3`,
      `create ${SECOND}:1.2.3`,
    ]);
  });
});

describe("the build is a resource", () => {
  const found = registryState().with(FIRST, "sha-0123456", image()).with(SECOND, "sha-0123456", image());
  const built = (generation: number) => manifest([], { build: { generation } });

  test.each<[string, ReleasePlan, object | undefined]>([
    ["if it has to be made", planOf(registryState()), { generation: 0 }],
    [
      "if this stack made it, so that the next run does not delete it",
      planOf(found, { previous: built(0) }),
      { generation: 0 },
    ],
    ["of the same generation as before", planOf(found, { previous: built(2) }), { generation: 2 }],
    [
      "not where nothing of this image was released",
      planOf(found, { previous: { ...built(0), images: [] } }),
      undefined,
    ],
    ["not where another machine made it", planOf(found, { previous: manifest() }), undefined],
    [
      "of the next generation where every registry lost it",
      planOf(registryState(), { previous: built(1) }),
      { generation: 2 },
    ],
    [
      "of the first where the state never held it",
      planOf(registryState(), { previous: manifest() }),
      { generation: 0 },
    ],
  ])("%s", (_, plan, expected) => {
    expect(contentOf(plan).build).toEqual(expected);
  });

  test("no more once its content is another", () => {
    const previous = manifest([], {
      digest: digest("b"),
      contentKey: "e".repeat(64),
      build: { generation: 1 },
    });
    expect(contentOf(planOf(registryState(), { previous })).build).toEqual({ generation: 0 });
    expect(contentOf(planOf(found, { previous })).build).toBeUndefined();
  });
});

test("nothing is built beside a rollback", () => {
  const back = intent({
    existing: { from: "rollback", digest: digest("a"), source: FIRST, tag: "1.2.2" },
  });
  const plan = planOf(registryState(), { intents: [back, intent({ name: "web" })] });
  expect(refusalsOf(plan)).toContain("rollback-builds slipway:rollback.images");
  expect(refusalsOf(planOf(registryState(), { intents: [back] }))).toEqual([]);
});
