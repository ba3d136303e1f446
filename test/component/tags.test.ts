import { describe, expect, test } from "vitest";
import { Release, registry } from "../../components";
import { type DesiredLevel, desiredTags } from "../../src/plan/resource-inputs";
import { UNKNOWN } from "../../src/provider/properties";
import { tags } from "../../src/provider/resources/tags";
import { NO_LOG } from "../../src/release/operation";
import { NO_CONFIG } from "../../src/release/provider-config";
import { Registries } from "../../src/release/registries";
import { Signing } from "../../src/release/signing";
import { type RanProgram, runProgram } from "../../src/testing";
import { EngineCalls } from "../support/engine-calls";
import { digest, FIRST, image, OTHER_REVISION, planOf, registryState, SECOND } from "../support/plan-state";
import { DIGEST, REVISION } from "../support/planned";

/** Of another release, with content of its own. */
const OTHER = { revision: OTHER_REVISION, contentKey: "d".repeat(64) };

function tagsOf({ resources }: RanProgram) {
  const found = resources.find(({ type }) => type === "slipway-registry:index:Tags");
  if (found === undefined) throw new Error("the release has no tags");
  const plan: DesiredLevel[] = JSON.parse(String(found.inputs.plan));
  return { ...found, plan };
}

describe("the tags of a release", () => {
  const rules = [
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=semver,pattern={{major}}",
  ];
  const program = async () =>
    new Release(
      "release",
      await Release.plan({
        registries: [registry("localhost:5000", "octo")],
        images: { api: { context: "api", tags: rules }, web: { context: "web", tags: rules } },
      }),
    ).outputs;
  const world = {
    files: { "api/Dockerfile": "FROM scratch\n", "web/Dockerfile": "FROM scratch\n" },
    git: { tag: "v1.2.3" },
  };

  test("wait for the content of every image, and are kept when they are no longer declared", async () => {
    expect(tagsOf(await runProgram(program, world))).toMatchObject({
      name: "release-tags",
      parent: "release",
      dependencies: ["release-api-content", "release-web-content"],
      retainOnDelete: true,
    });
  });

  test("are written level by level: no `latest` before every version tag of all images", async () => {
    const { plan } = tagsOf(await runProgram(program, world));
    expect(
      plan.map(({ name, tags }) => [name, tags.map((tag) => `${tag.image}:${tag.desired.name}`)]),
    ).toEqual([
      ["version tags", ["api:1.2.3", "web:1.2.3"]],
      ["major.minor tags", ["api:1.2", "web:1.2"]],
      ["major tags", ["api:1", "web:1"]],
      ["latest", ["api:latest", "web:latest"]],
    ]);
  });
});

describe("a desired tag", () => {
  test("has what is judged again at the moment of writing, and no credentials", () => {
    const older = image({ ...OTHER, digest: digest("d"), version: "1.2.2" });
    const plan = planOf(registryState().with(FIRST, "1", older), {
      ancestry: { [OTHER_REVISION]: "ancestor" },
    });
    const levels = desiredTags(plan);
    const major = levels.flatMap((level) => level.tags).find(({ desired }) => desired.name === "1");
    expect(major).toEqual({
      image: "app",
      lane: "",
      repository: FIRST,
      siblings: [FIRST, SECOND],
      desired: {
        name: "1",
        class: "floating",
        line: { major: 1 },
        form: { prefix: "", suffix: "" },
        version: "1.2.3",
        revision: REVISION,
        overridden: false,
      },
      from: digest("d"),
      ancestry: "ancestor",
    });
    expect(JSON.stringify(levels)).not.toMatch(/password|username|token|credential/i);
  });

  test("that stays points to what is there", () => {
    const newer = image({ ...OTHER, digest: digest("e"), version: "2.0.0" });
    const plan = planOf(registryState().with(FIRST, "latest", newer).withTags(FIRST, ["2.0.0"]));
    const latest = desiredTags(plan)
      .flatMap((level) => level.tags)
      .find(({ desired, repository }) => desired.name === "latest" && repository === FIRST);
    expect(latest?.desired).toMatchObject({
      digest: digest("e"),
      version: "2.0.0",
      revision: OTHER_REVISION,
    });
  });
});

describe("the resource", () => {
  const lines: string[] = [];
  const calls = new EngineCalls(tags, {
    registries: new Registries(NO_CONFIG, {}),
    signing: new Signing({ mode: "none" }, {}),
    log: { ...NO_LOG, info: async (_, line) => void lines.push(line) },
  });
  const reference = `${FIRST}:1.2.3`;
  /** One tag. @param from what the plan found */
  const plan = (from?: string): DesiredLevel[] =>
    desiredTags(planOf(registryState()))
      .slice(0, 1)
      .map(({ name, tags: all }) => ({
        name,
        tags: all.slice(0, 1).map((tag) => ({
          ...tag,
          desired: { ...tag.desired, digest: undefined },
          from: from as typeof tag.from,
        })),
      }));
  const state = { inputs: { tags: { [reference]: DIGEST } }, outputs: { tags: { [reference]: DIGEST } } };

  test("keeps the digests of tags, and nothing of the plan", async () => {
    const made = await calls.create({ digests: { app: DIGEST } }, plan(), { preview: true });
    expect(made).toEqual(state);
  });

  test("does not know the digest of what is still to be built", async () => {
    const { inputs } = await calls.create({ digests: { app: UNKNOWN } }, plan(), { preview: true });
    expect(inputs).toEqual({ tags: { [reference]: UNKNOWN } });
  });

  test.each([
    ["what is there and recorded is no diff", DIGEST, DIGEST, { changed: [], added: [] }],
    ["another digest is a change", digest("d"), DIGEST, { changed: [`tags["${reference}"]`], added: [] }],
    [
      "a tag that something else moved is a change",
      DIGEST,
      digest("e"),
      { changed: [`tags["${reference}"]`], added: [] },
    ],
    ["a deleted tag is a change", DIGEST, undefined, { changed: [`tags["${reference}"]`], added: [] }],
  ])("%s", async (_, desired, live, diff) => {
    expect(await calls.diff(state, { digests: { app: desired } }, plan(live))).toEqual(diff);
  });

  test("names what a tag points to that something else moved", async () => {
    lines.length = 0;
    await calls.diff(state, { digests: { app: DIGEST } }, plan(digest("e")));
    expect(lines).toEqual([`${reference}: sha256:${"e".repeat(12)} (live) -> ${DIGEST.slice(0, 19)}`]);
  });

  test("shows a new version's tag as added, and leaves the tag of the version before", async () => {
    const before = { tags: { [`${FIRST}:1.2.2`]: DIGEST } };
    const olds = { inputs: before, outputs: before };
    expect(await calls.diff(olds, { digests: { app: DIGEST } }, plan())).toEqual({
      changed: [`tags["${reference}"]`],
      added: [`tags["${reference}"]`],
    });
  });
});
