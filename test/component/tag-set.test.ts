import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { ImageRelease } from "../../components/image-release";
import { TagSet, type TagSetArgs } from "../../components/tag-set";
import type { ReleasePlan } from "../../plan/release-plan";
import { type Registered, record } from "../../testing/record";
import {
  digest,
  FIRST,
  image,
  intent,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../support/plan-state";
import { aPlannedTag, DIGEST, REVISION } from "../support/planned";

/** Of another release, with content of its own. */
const OTHER = { revision: OTHER_REVISION, contentKey: "d".repeat(64) };
const BOTH = { app: [FIRST, SECOND] };

/** The tags of a plan, after a proof that stands for all others. */
async function tagged(levels: ReleasePlan["levels"], args: Partial<TagSetArgs> = {}) {
  const { resources, outputs } = await record(() => {
    const proof = new Proof("proof");
    new TagSet("tags", { levels, digests: { app: DIGEST }, repositories: BOTH, proofs: [proof], ...args });
  });
  return { resources: resources.filter(({ name }) => name !== "proof"), outputs: outputs.get("tags") };
}

class Proof extends pulumi.CustomResource {
  constructor(name: string) {
    super("test:index:Proof", name);
  }
}

function edges(resources: readonly Registered[]): Record<string, readonly string[]> {
  return Object.fromEntries(resources.map(({ name, dependencies }) => [name, dependencies]));
}

describe("the order that never lies", () => {
  test("is one edge from each tag to a barrier, not one for each pair of tags", async () => {
    const { resources } = await tagged(planOf(registryState()).levels);
    expect(edges(resources)).toEqual({
      tags: [],
      "tags-proven": ["proof"],
      "app-semver-version-localhost-5000": ["tags-proven"],
      "app-semver-version-localhost-5001": ["tags-proven"],
      "tags-version-tags": ["app-semver-version-localhost-5000", "app-semver-version-localhost-5001"],
      "app-semver-major-localhost-5000": ["tags-version-tags"],
      "app-semver-major-localhost-5001": ["tags-version-tags"],
      "tags-major-tags": ["app-semver-major-localhost-5000", "app-semver-major-localhost-5001"],
      "app-latest-localhost-5000": ["tags-major-tags"],
      "app-latest-localhost-5001": ["tags-major-tags"],
    });
  });

  test("holds among images: no latest before every version tag of all of them", async () => {
    const other = intent({ name: "other" });
    const { levels } = planOf(registryState().skipped("localhost:5001", "optional"), {
      intents: [intent(), other],
    });
    const { resources } = await tagged(levels, {
      digests: { app: DIGEST, other: DIGEST },
      repositories: { app: [FIRST], other: [FIRST] },
    });
    const all = edges(resources);
    expect(all["tags-version-tags"]).toEqual([
      "app-semver-version-localhost-5000",
      "other-semver-version-localhost-5000",
    ]);
    expect(all["other-latest-localhost-5000"]).toEqual(["tags-major-tags"]);
  });

  test("starts with the proof of every image", async () => {
    const plan = planOf(registryState());
    const { resources } = await record(() => {
      const args = { revision: REVISION, builder: {}, plainHttpHosts: [], credentials: [] };
      const releases = plan.images.map(
        (planned) => new ImageRelease(planned.name, { ...args, plan: planned }),
      );
      new TagSet("tags", {
        levels: plan.levels,
        digests: Object.fromEntries(releases.map(({ digest: known }) => ["app", known])),
        repositories: BOTH,
        proofs: releases.flatMap(({ proofs }) => proofs),
      });
    });
    const all = edges(resources);
    expect(all["tags-proven"]).toEqual(["app-candidate", "app-statement"]);
    // The digest comes from the candidate, whatever was built.
    expect(all["app-latest-localhost-5000"]).toEqual(["app-candidate", "tags-major-tags"]);
  });

  test("of a release without tags is the proof alone", async () => {
    const { resources, outputs } = await tagged([]);
    expect(Object.keys(edges(resources))).toEqual(["tags", "tags-proven"]);
    expect(outputs).toEqual({ tags: [] });
  });
});

describe("a tag", () => {
  test("is a child of the set, kept when it is no longer declared", async () => {
    const { resources } = await tagged(planOf(registryState()).levels);
    for (const { type, parent, retainOnDelete } of resources.filter(({ name }) => name !== "tags")) {
      expect(parent).toBe("tags");
      expect(retainOnDelete).toBe(type === "slipway-registry:index:Tag");
    }
    expect(resources[0]).toMatchObject({ type: "slipway:index:TagSet", name: "tags", inputs: {} });
  });

  test("is told what is judged again at the moment of writing, and no credentials", async () => {
    const older = image({ ...OTHER, digest: digest("d"), version: "1.2.2" });
    const plan = planOf(registryState().with(FIRST, "1", older), {
      ancestry: { [OTHER_REVISION]: "ancestor" },
    });
    const { resources } = await tagged(plan.levels);
    const [major] = resources.filter(({ name }) => name === "app-semver-major-localhost-5000");
    expect(major?.inputs).toMatchObject({
      repository: FIRST,
      name: "1",
      digest: DIGEST,
      class: "floating",
      line: { major: 1 },
      form: { prefix: "", suffix: "" },
      version: "1.2.3",
      revision: REVISION,
      overruled: false,
      siblings: [FIRST, SECOND],
      planned: { digest: digest("d"), ancestry: "ancestor" },
    });
    expect(Object.keys(major?.inputs ?? {}).join()).not.toMatch(/password|username|token|credential/i);
  });

  test("that stays wants what is there", async () => {
    const newer = image({ ...OTHER, digest: digest("e"), version: "2.0.0" });
    const plan = planOf(registryState().with(FIRST, "latest", newer).withTags(FIRST, ["2.0.0"]));
    const { resources, outputs } = await tagged(plan.levels);
    const latest = resources.find(({ name }) => name === "app-latest-localhost-5000");
    expect(latest?.inputs).toMatchObject({ digest: digest("e"), version: "2.0.0", revision: OTHER_REVISION });
    expect(outputs?.tags).toContainEqual({
      image: "app",
      repository: FIRST,
      name: "latest",
      class: "floating",
      digest: digest("e"),
    });
  });

  test("is named by its slot: another name is the same resource", async () => {
    const names = async (name: string) =>
      (
        await tagged([{ name: "version tags", tags: [aPlannedTag(name, { slot: "semver-version" })] }])
      ).resources.map((resource) => resource.name);
    expect(await names("1.2.4")).toEqual(await names("1.2.3"));
  });

  test("in two namespaces of one host has a name for each", async () => {
    const tag = aPlannedTag("1.2.3", { slot: "semver-version" });
    const twin = "ghcr.io/stage/app";
    const { resources } = await tagged(
      [{ name: "version tags", tags: [tag, { ...tag, repository: twin }] }],
      {
        repositories: { app: ["ghcr.io/octo/app", twin] },
      },
    );
    expect(resources.map(({ name }) => name).slice(2)).toEqual([
      "app-semver-version-ghcr.io-octo-app",
      "app-semver-version-ghcr.io-stage-app",
    ]);
  });

  test("of an image without a digest is a mistake of the program", async () => {
    const levels = [{ name: "version tags", tags: [aPlannedTag("1.2.3")] }];
    await record(() => {
      expect(() => new TagSet("tags", { levels, digests: {}, repositories: BOTH, proofs: [] })).toThrow(
        'TagSet: digests has no entry for image "app"',
      );
    });
  });
});

test("puts out every tag with the digest that it points to", async () => {
  const { outputs } = await tagged([{ name: "version tags", tags: [aPlannedTag("1.2.3")] }]);
  expect(outputs).toEqual({
    tags: [{ image: "app", repository: "ghcr.io/octo/app", name: "1.2.3", class: "version", digest: DIGEST }],
  });
});
