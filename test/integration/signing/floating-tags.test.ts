import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import type { ReleaseManifest } from "../../../src/plan/manifest";
import { crane } from "../../support/crane";
import { Pusher } from "../../support/pusher";
import { SignedWorld } from "../../support/signed-world";
import { startTwoRegistries } from "../../support/two-registries";

/**
 * A floating tag belongs to the newest version of its line, whatever is released and wherever it was moved to. Real
 * registries, with and without the referrers API, the real plan and the real operations.
 */
const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=ref,event=branch",
];

const two = startTwoRegistries();
let world: SignedWorld;
let places: readonly [Pusher, Pusher];
let digests: Record<string, Digest>;
let count = 0;

beforeEach(() => {
  count += 1;
  digests = {};
  world = new SignedWorld();
  const [first, second] = two.hosts;
  places = [new Pusher(first, `f${count}/app`), new Pusher(second, `f${count}/app`)];
});

afterEach(() => {
  two.proxy.reset();
  world.remove();
});

function configure(settings: object = {}): void {
  world.configure("stage", {
    registries: two.hosts.map((host) => ({ host, namespace: `f${count}` })),
    images: [
      { name: "app", context: "app", platforms: ["linux/amd64", "linux/arm64"], sbom: false, tags: TAGS },
    ],
    ...settings,
  });
}

const SIGNED = { sign: { mode: "key", publicKeyFile: "cosign.pub" } };
const UNSIGNED = { sign: { mode: "none" } };

/** Releases the versions in this order. @returns the last manifest */
async function releaseAll(...versions: readonly string[]): Promise<ReleaseManifest | undefined> {
  let newest: ReleaseManifest | undefined;
  for (const version of versions) {
    world.commit(`v${version}`);
    const { digest, manifest } = await world.release();
    digests[version] = digest;
    newest = manifest;
  }
  return newest;
}

/** A release of another line than the newest version's, from a branch at one of its versions. */
async function releaseBeside(from: string, tag?: string, previous?: ReleaseManifest) {
  world.git("checkout", "--quiet", "-B", "maintenance", `v${from}`);
  if (tag === undefined) {
    world.write({ "app/file": "branch" });
    world.git("commit", "--quiet", "--all", "--message", "work");
  } else world.commit(tag);
  return world.release("stage", { previous });
}

/** What each registry's tag points to, as a version. */
async function versionsAt(tag: string): Promise<string[]> {
  const names = new Map(Object.entries(digests).map(([version, digest]) => [digest, version]));
  return Promise.all(
    places.map(async (place) => {
      const there = await place.client.headManifest(place.path, tag);
      return there === undefined ? "none" : (names.get(there.digest) ?? "another");
    }),
  );
}

describe.each([
  ["signed releases", SIGNED],
  ["unsigned releases", UNSIGNED],
])("%s", (_, sign) => {
  let newest: ReleaseManifest | undefined;

  beforeEach(async () => {
    configure(sign);
    newest = await releaseAll("1.3.3", "2.1.7", "3.2.3", "3.3.3", "3.3.4");
    two.proxy.reset();
  });

  const second = () => places[1];
  const move = (tag: string, to: string) => second().tag(digests[to] ?? "sha256:", tag);
  const remove = (tag: string) => crane("delete", `${second().repository}:${tag}`);

  test.each<[what: string, disturb: () => Promise<unknown>, tag: string, reason: string]>([
    ["latest moved back", () => move("latest", "1.3.3"), "latest", "3.3.4 is the newest version"],
    ["a major moved to another line", () => move("2", "3.3.4"), "2", "2.1.7 is the newest version"],
    ["a minor moved back", () => move("3.3", "3.3.3"), "3.3", "3.3.4 is the newest version"],
    ["latest deleted", () => remove("latest"), "latest", "3.3.4 is the newest version"],
    ["a major of an old line deleted", () => remove("1"), "1", "1.3.3 is the newest version"],
  ])(
    "%s is put back by a backport, a pre-release and a branch, without a build of it",
    async (_, disturb, tag, reason) => {
      const [healthy] = await versionsAt(tag);
      for (const [from, release] of [
        ["2.1.7", tag === "2" ? "v1.3.4" : "v2.1.8"],
        ["3.3.4", "v4.0.0-rc.1"],
        ["3.2.3", undefined],
      ] as const) {
        await disturb();
        const { plan } = await releaseBeside(from, release);
        const moved = plan.levels.flatMap(({ tags }) => tags).filter(({ name }) => name === tag);
        const [put] = moved.filter(({ action }) => action === "move" || action === "create");
        expect(put, release).toMatchObject({
          repository: second().repository,
          to: { version: healthy },
          reason,
        });
        expect(await versionsAt(tag), release).toEqual([healthy, healthy]);
      }
    },
  );

  test("what the stack's state recorded is named as moved since", async () => {
    await move("latest", "1.3.3");
    const { plan } = await releaseBeside("2.1.7", "v2.1.8", newest);
    const [put] = plan.levels
      .flatMap(({ tags }) => tags)
      .filter(({ name, action }) => name === "latest" && action === "move");
    expect(put?.reason).toBe("3.3.4 is the newest version, and it was moved since the last release");
    expect(await versionsAt("latest")).toEqual(["3.3.4", "3.3.4"]);
  });

  test("nothing is planned, read in full or written for tags that are where they belong", async () => {
    const { plan } = await releaseBeside("2.1.7", "v2.1.8");
    const names = plan.levels.flatMap(({ tags }) => tags.map(({ name }) => name));
    expect([...new Set(names)].sort()).toEqual(["2", "2.1", "2.1.8", "latest"]);
    const asked = two.proxy.requests.filter(({ path }) => /manifests\/(?:1|1\.3|3|3\.2)$/.test(path));
    expect([...new Set(asked.map(({ method }) => method))]).toEqual(["HEAD"]);
  });

  test("a version that was deleted everywhere gives its floating tags to the newest that exists", async () => {
    for (const { repository } of places) await crane("delete", `${repository}:3.3.4`);
    const { plan } = await releaseBeside("2.1.7", "v2.1.8", newest);
    const reasons = plan.levels
      .flatMap(({ tags }) => tags)
      .flatMap(({ name, reason }) => (name === "3" ? [reason] : []));
    expect(reasons).toEqual(
      Array(2).fill("3.3.3 is the newest version, and 3.3.4, which it pointed to, has no tag any more"),
    );
    for (const tag of ["latest", "3", "3.3"]) expect(await versionsAt(tag)).toEqual(["3.3.3", "3.3.3"]);
  });

  test("a registry that lacks the newest version gets none of its floating tags, and the plan says what to do", async () => {
    for (const tag of ["3.3.4", "3.3", "3", "latest"]) await remove(tag);
    const { plan } = await releaseBeside("2.1.7", "v2.1.8");
    expect(plan.left.map(({ name, reason }) => [name, reason])).toEqual([
      [
        "latest",
        `3.3.4 exists and is newer than 2.1.8; to have it in ${second().repository} too, release 3.3.4 again`,
      ],
    ]);
    expect(await versionsAt("latest")).toEqual(["3.3.4", "none"]);
  });

  test("an override, a bad version and a rollback hold", async () => {
    await move("latest", "2.1.7");
    configure({ ...sign, override: ["app:latest"] });
    const branch = await releaseBeside("3.2.3");
    expect(branch.plan.levels.flatMap(({ tags }) => tags.map(({ name }) => name))).not.toContain("latest");
    configure({ ...sign, rollback: { bad: ["v3.3.4"] } });
    await releaseBeside("2.1.7", "v2.1.8");
    for (const tag of ["latest", "3"]) expect(await versionsAt(tag)).toEqual(["3.3.3", "3.3.3"]);
    configure({ ...sign, rollback: { to: "v3.2.3", bad: ["v3.3.4", "v3.3.3"] } });
    await releaseBeside("2.1.7", "v2.1.9");
    expect(await versionsAt("latest")).toEqual(["3.2.3", "3.2.3"]);
  });
});

test("a registry with immutable tags is named, with the setting that leaves its floating tags out", async () => {
  configure(UNSIGNED);
  await releaseAll("1.3.3");
  const message =
    "The image tag 'latest' already exists and cannot be overwritten because the tag is immutable.";
  two.proxy.inject({
    method: "PUT",
    path: /manifests\/(?:1\.3|1|latest)$/,
    fault: {
      kind: "answer",
      status: 400,
      body: JSON.stringify({ errors: [{ code: "TAG_INVALID", message }] }),
    },
  });
  world.commit("v1.3.4");
  await expect(world.release()).rejects.toThrow(/has immutable tags.*Not set: [^\n]*:1\.3\b/s);
  const [host, other] = two.hosts;
  const namespace = `f${count}`;
  configure({
    ...UNSIGNED,
    registries: [
      { host, namespace, floatingTags: false },
      { host: other, namespace },
    ],
  });
  const { plan } = await world.release();
  const written = plan.levels
    .flatMap(({ tags }) => tags)
    .map(({ repository, name }) => `${repository}:${name}`);
  expect(written.filter((reference) => reference.startsWith(host))).toEqual([
    `${host}/${namespace}/app:1.3.4`,
  ]);
  expect(written).toContain(`${other}/${namespace}/app:latest`);
});

test("a version that no trusted signer states takes no floating tag, even if one was moved to it", async () => {
  configure(SIGNED);
  await releaseAll("1.3.3", "2.1.7");
  const [, other] = places;
  await other.tag(await other.push(), "1.3.9");
  const alone = await releaseBeside("2.1.7", "v2.1.8");
  expect(await versionsAt("1")).toEqual(["1.3.3", "1.3.3"]);
  expect(alone.plan.notices.filter((notice) => notice.includes("1.3.9"))).toEqual([
    "app: 1.3.9 does not count as a version: no trusted signer states it, and no git tag has its name",
  ]);
  await other.tag(await other.push(), "1.3.9", "1.3", "1");
  await releaseBeside("2.1.7", "v2.1.9");
  expect(await versionsAt("1")).toEqual(["1.3.3", "1.3.3"]);
});
