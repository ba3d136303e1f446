import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import { changesIn } from "../../../src/plan/release-plan";
import { Pusher } from "../../support/pusher";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { SignedWorld } from "../../support/signed-world";

/** A base moves under a released version, which is rebuilt under the next suffix: a real registry, plan and operations. */
const BUILDS = ["{{version}}", "{{major}}.{{minor}}"].map(
  (pattern) => `type=semver,pattern=${pattern},slipway-suffix=build`,
);
const SIGNED = { sign: { mode: "key", publicKeyFile: "cosign.pub" } };
const UNSIGNED = { sign: { mode: "none" } };

let registry: TestRegistry;
let world: SignedWorld;
let base: Pusher;
let app: Pusher;
let count = 0;

beforeAll(async () => {
  registry = await startRegistry();
});

afterAll(() => registry?.stop());

beforeEach(async () => {
  count += 1;
  world = new SignedWorld();
  base = new Pusher(registry.host, `r${count}/debian`);
  app = new Pusher(registry.host, `r${count}/app`);
  await moveBase();
});

afterEach(() => world.remove());

async function moveBase(): Promise<Digest> {
  const digest = await base.push();
  await base.tag(digest, "12");
  return digest;
}

function configure(tags: readonly string[], settings: object): void {
  world.configure("stage", {
    registries: [{ host: registry.host, namespace: `r${count}` }],
    images: [{ name: "app", context: "app", platforms: ["linux/amd64"], sbom: false, tags }],
    ...settings,
  });
}

function commit(tag: string): void {
  world.write({ "app/Dockerfile": `FROM ${base.repository}:12\n` });
  world.git("add", "--all");
  world.git("commit", "--quiet", "--allow-empty", "--message", tag);
  world.git("tag", tag);
}

const at = async (tag: string) => (await app.client.headManifest(app.path, tag))?.digest;

describe.each<[string, object]>([
  ["signed", SIGNED],
  ["unsigned", UNSIGNED],
])("%s", (_, sign) => {
  test.each<[what: string, tags: string[], versions: [string, string, string], floating: string[]]>([
    [
      "a build, with a tag of the commit",
      [...BUILDS, "type=sha"],
      ["v1.2.3", "v1.2.3-r1", "v1.2.3-r2"],
      ["1.2", "latest"],
    ],
    ["a build", BUILDS, ["v1.2.3", "v1.2.3-r1", "v1.2.3-r2"], ["1.2", "latest"]],
    ["a letter", ["type=ref,event=tag"], ["v1.15.12", "v1.15.12b", "v1.15.12c"], ["latest"]],
  ])("a version is rebuilt as %s", async (_, tags, [version, next, after], floating) => {
    const name = (gitTag: string) => (tags.length > 1 ? gitTag.slice(1) : gitTag);
    configure(tags, sign);
    commit(version);
    const { manifest: first } = await world.release();
    const old = first.images[0]?.digest;
    expect((await world.plan()).plan.movedBases).toBeUndefined();

    await moveBase();
    const { plan } = await world.plan();
    expect(plan.movedBases).toMatchObject([{ image: "app", built: name(version), rebuild: next }]);
    expect([plan.refusals, changesIn(plan)]).toEqual([[], []]);

    world.git("tag", next);
    const { manifest: second, built } = await world.release();
    const rebuilt = second.images[0]?.digest;
    expect(built).toEqual(["app"]);
    expect(rebuilt).not.toBe(old);
    expect([await at(name(version)), await at(name(next))]).toEqual([old, rebuilt]);
    for (const tag of floating) expect(await at(tag), tag).toBe(rebuilt);
    expect((await world.release()).built).toEqual([]);

    // The old one again: nothing goes back, and its rebuild is what a base is compared with.
    configure(tags, { ...sign, version });
    const again = await world.release();
    expect([again.built, again.plan.movedBases, changesIn(again.plan)]).toEqual([[], undefined, []]);
    const commitTag = `sha-${world.git("rev-parse", "HEAD").slice(0, 7)}`;
    if (tags.includes("type=sha")) expect(await at(commitTag)).toBe(rebuilt);
    for (const tag of floating) expect(await at(tag), tag).toBe(rebuilt);
    await moveBase();
    expect((await world.plan()).plan.movedBases).toMatchObject([{ built: name(next), rebuild: after }]);
  });
});

test("a rebuild that no trusted signer states does not count", async () => {
  configure(BUILDS, SIGNED);
  commit("v1.2.3");
  await world.release();
  await moveBase();
  await app.tag(await app.push(), "1.2.3-r1");
  const { plan } = await world.plan();
  expect(plan.movedBases).toMatchObject([{ built: "1.2.3" }]);
  expect(plan.notices.join("\n")).toContain("1.2.3-r1 does not count as a version");
});

test("a base that is found by its files says what it was built on, and is built again where they name the digest", async () => {
  configure([], {
    ...SIGNED,
    images: [{ name: "app", dockerfile: "Dockerfile.variant", platforms: ["linux/amd64"], sbom: false }],
    base: { dockerfile: "Dockerfile.base", include: ["rootfs/**"] },
    variants: [{ suffix: "" }, { suffix: "-slim", buildArgs: { SLIM: "1" } }],
  });
  const files = {
    "rootfs/motd": "hello\n",
    "Dockerfile.variant": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nARG SLIM\n",
    ".dockerignore": "artifacts\n",
  };
  const from = `${base.repository}:12`;
  const commitBase = (reference: string, tag: string) => {
    world.write({ ...files, "Dockerfile.base": `FROM ${reference}\nCOPY rootfs /\n` });
    commit(tag);
  };
  commitBase(from, "v1.0.0");
  expect((await world.release()).built).toHaveLength(3);
  expect((await world.plan()).plan.movedBases).toBeUndefined();
  const now = await moveBase();
  const { plan } = await world.plan();
  expect(plan.movedBases).toMatchObject([
    { built: expect.stringMatching(/^base-[0-9a-f]{12}$/), base: from, to: now },
  ]);
  expect(plan.movedBases?.[0]?.hint).toContain(`write FROM ${from}@${now} in its Dockerfile`);
  expect((await world.release()).built).toEqual([]);

  commitBase(`${from}@${now}`, "v1.0.1");
  expect((await world.release()).built).toHaveLength(3);
  expect((await world.plan()).plan.movedBases).toBeUndefined();
});

test("a lane's rule for versions has no name for a rebuild", async () => {
  const lane = { name: "main", format: "vX.Y.Z", trigger: "docker-v*", floating: "latest" };
  const image = { name: "app", context: "app", platforms: ["linux/amd64"], sbom: false };
  configure([], { ...SIGNED, images: [image], lanes: [lane], lane: "main" });
  commit("docker-v0.2.1");
  await world.release();
  await moveBase();
  const { plan } = await world.plan();
  expect(plan.movedBases).toMatchObject([{ built: "v0.2.1", hint: "Release another version to rebuild it" }]);
});
