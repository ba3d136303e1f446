import { describe, expect, test } from "vitest";
import {
  parseManifest,
  releaseManifest,
  type TagOutcome,
  tagOutcomes,
  writtenRepositories,
} from "../../../src/plan/manifest";
import type { ReleasePlan } from "../../../src/plan/release-plan";
import { parseStatement } from "../../../src/plan/statement";
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

/** The manifest of a plan that was carried out as it was planned. */
function carriedOut(plan: ReleasePlan, built = digest("a")) {
  const tags = plan.levels.flatMap((level) => level.tags);
  return releaseManifest(plan, {
    digests: { app: built },
    attestations: { app: [digest("9")] },
    tags: tags.map(({ image: of, repository, name, class: tagClass, desired }) => ({
      image: of,
      repository,
      name,
      class: tagClass,
      digest: desired.digest ?? built,
    })),
  });
}

const ONE_TAG = intent({ tags: [{ name: "1.2.3", class: "version" }] });

describe("the release manifest", () => {
  test("lists what exists: digest, platforms, references, tags, attestations, build", () => {
    const plan = planOf(registryState().skipped("localhost:5001", "optional"), { intents: [ONE_TAG] });
    expect(carriedOut(plan)).toEqual({
      schema: 1,
      stack: "stage",
      source: "octo/app",
      revision: REVISION,
      images: [
        {
          name: "app",
          version: "1.2.3",
          revision: REVISION,
          ref: "refs/tags/v1.2.3",
          digest: digest("a"),
          contentKey: KEY,
          platforms: ["linux/amd64", "linux/arm64"],
          repositories: [FIRST],
          references: [`${FIRST}@${digest("a")}`],
          tags: [
            { repository: FIRST, name: "sha-0123456", class: "revision", digest: digest("a") },
            { repository: FIRST, name: "1.2.3", class: "version", digest: digest("a") },
          ],
          attestations: [digest("9")],
          sbom: "none",
          build: { generation: 0 },
        },
      ],
      skipped: { "localhost:5001": "optional" },
    });
  });

  test("names the content key that the digest was made of, not that of today's tree", () => {
    const state = registryState().with(FIRST, "1.2.3", image({ contentKey: "e".repeat(64) }));
    expect(carriedOut(planOf(state)).images[0]?.contentKey).toBe("e".repeat(64));
  });

  test("is read back as it was written", () => {
    const made = carriedOut(planOf(registryState()));
    expect(parseManifest(JSON.parse(JSON.stringify(made)))).toEqual(made);
  });

  test("has a kept tag's own digest", () => {
    const newer = image({ digest: digest("e"), version: "2.0.0" });
    const plan = planOf(registryState().with(FIRST, "latest", newer).withTags(FIRST, ["2.0.0"]));
    expect(carriedOut(plan).images[0]?.tags.find(({ name }) => name === "latest")).toMatchObject({
      digest: digest("e"),
    });
  });

  test("cannot be made for an image without a digest", () => {
    const facts = { digests: {}, attestations: {}, tags: [] };
    expect(() => releaseManifest(planOf(registryState()), facts)).toThrow("the release of app has no digest");
  });
});

describe("what a run did to each tag", () => {
  const older = image({ digest: digest("d"), version: "1.2.2", revision: OTHER_REVISION });
  const newer = image({ digest: digest("e"), version: "2.0.0", revision: OTHER_REVISION });
  const state = registryState()
    .with(FIRST, "1.2.3", image())
    .with(FIRST, "sha-0123456", image())
    .with(FIRST, "1", older)
    .with(FIRST, "latest", newer)
    .with(FIRST, "2.0.0", newer)
    .skipped("localhost:5001", "optional");
  const outcomes = (plan: ReleasePlan, made = carriedOut(plan)) =>
    Object.fromEntries(tagOutcomes(plan, made).map(({ name, ...outcome }) => [name, outcome]));
  const at = { image: "app", repository: FIRST };

  test("created, moved, unchanged, kept", () => {
    const found = { ...at, action: "unchanged", from: digest("a"), fromVersion: "1.2.3", to: digest("a") };
    expect(outcomes(planOf(state))).toEqual({
      "sha-0123456": found,
      "1.2.3": found,
      "1": { ...at, action: "moved", from: digest("d"), fromVersion: "1.2.2", to: digest("a") },
      latest: {
        ...at,
        action: "kept",
        from: digest("e"),
        fromVersion: "2.0.0",
        to: digest("e"),
        reason: "2.0.0 exists and is newer than 1.2.3",
      },
    });
    expect(outcomes(planOf(registryState()))).toMatchObject({
      "1.2.3": { action: "created", to: digest("a") },
    });
  });

  test("one that is not made has no digest", () => {
    const plan = planOf(registryState().withTags(FIRST, ["2.0.0"]));
    expect(outcomes(plan).latest).toEqual({
      image: "app",
      repository: SECOND,
      action: "kept",
      reason: `2.0.0 exists and is newer than 1.2.3; to have it in ${SECOND} too, release 2.0.0 again`,
    } satisfies Omit<TagOutcome, "name">);
  });

  test("one that was to move and stayed where it was, was kept", () => {
    const plan = planOf(state);
    const made = carriedOut(plan);
    const [app] = made.images;
    if (app === undefined) throw new Error("there is an image");
    const tags = app.tags.map((tag) => (tag.name === "1" ? { ...tag, digest: digest("d") } : tag));
    const raced = { ...made, images: [{ ...app, tags }] };
    expect(outcomes(plan, raced)["1"]).toMatchObject({ action: "kept", from: digest("d"), to: digest("d") });
  });

  test("version tags come first", () => {
    const plan = planOf(registryState().skipped("localhost:5001", "optional"));
    const names = tagOutcomes(plan, carriedOut(plan)).map(({ name }) => name);
    expect(names).toEqual(["sha-0123456", "1.2.3", "1", "latest"]);
  });
});

describe("push rights are checked for", () => {
  const everywhere = registryState()
    .with(FIRST, "1.2.3", image())
    .with(FIRST, "sha-0123456", image())
    .with(SECOND, "1.2.3", image())
    .with(SECOND, "sha-0123456", image());

  test.each<[string, ReleasePlan, readonly string[]]>([
    ["every repository of a build", planOf(registryState()), [FIRST, SECOND]],
    ["no repository, if everything is in place", planOf(everywhere, { intents: [ONE_TAG] }), []],
    [
      "the one that lacks content",
      planOf(registryState().with(FIRST, "1.2.3", image()).with(FIRST, "sha-0123456", image()), {
        intents: [ONE_TAG],
      }),
      [SECOND],
    ],
    [
      "the one where a tag is made or moves",
      planOf(everywhere.with(FIRST, "1", image()).with(FIRST, "latest", image()).with(SECOND, "1", image())),
      [SECOND],
    ],
    [
      "no repository, if floating tags rightly stay",
      planOf(everywhere.withTags(FIRST, ["1.9.0", "2.0.0"])),
      [],
    ],
  ])("%s", (_, plan, expected) => {
    expect(writtenRepositories(plan)).toEqual(expected);
  });
});

describe("what is read has to have the right shape", () => {
  const whole = manifest([{ repository: FIRST, name: "1.2.3", class: "version", digest: digest("a") }]);
  const [app] = whole.images;

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "manifest"],
    ["another schema", { ...whole, schema: 2 }],
    ["no images", { ...whole, images: undefined }],
    ["no skipped registries", { ...whole, skipped: undefined }],
    ["no revision", { ...whole, revision: undefined }],
    ["an invalid image", { ...whole, images: [null] }],
    ["an invalid digest", { ...whole, images: [{ ...app, digest: "sha256:abc" }] }],
    ["no platforms", { ...whole, images: [{ ...app, platforms: undefined }] }],
    ["no references", { ...whole, images: [{ ...app, references: undefined }] }],
    ["no repositories", { ...whole, images: [{ ...app, repositories: "localhost" }] }],
    ["invalid tags", { ...whole, images: [{ ...app, tags: [null] }] }],
  ])("a manifest with %s is refused", (_, value) => {
    expect(parseManifest(value)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["another schema", { ...statement(), schema: 2 }],
    ["no revision", { ...statement(), revision: undefined }],
    ["an invalid revision", { ...statement(), revision: 7 }],
    ["no platforms", { ...statement(), platforms: undefined }],
    ["no inputs", { ...statement(), inputs: null }],
    ["no bases", { ...statement(), bases: null }],
  ])("a statement with %s is refused", (_, value) => {
    expect(parseStatement(value)).toBeUndefined();
  });

  test("a statement is read back as it was written", () => {
    expect(parseStatement(JSON.parse(JSON.stringify(statement({ source: "https://x" }))))).toEqual(
      statement({ source: "https://x" }),
    );
  });
});

test("an adopted image that no Slipway made has no content key", () => {
  const foreign = { ...FOREIGN, annotations: { "org.opencontainers.image.revision": REVISION } };
  const plan = planOf(registryState().with(FIRST, "1.2.3", foreign), {
    intents: [intent({ image: anImage({ labels: "none" }) })],
  });
  expect(plan.refusals).toEqual([]);
  expect(carriedOut(plan, digest("f")).images[0]?.contentKey).toBe("");
});
