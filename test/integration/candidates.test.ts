import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { type Olareg, startOlareg } from "../support/olareg";
import { Pusher } from "../support/pusher";
import { startRegistry, type TestRegistry } from "../support/registry";
import { SignedWorld } from "../support/signed-world";

/** How many `candidate-` tags releases leave, and what they still find, with and without the referrers API. */
const TAGS = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}"];

let plain: TestRegistry;
let withApi: Olareg;
let proxies: readonly FaultProxy[] = [];
let world: SignedWorld;
let places: readonly Pusher[];
let count = 0;

beforeAll(async () => {
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxies = await Promise.all([startFaultProxy(plain.host), startFaultProxy(withApi.host)]);
}, 60_000);

afterAll(async () => {
  for (const proxy of proxies) await proxy.stop();
  await Promise.all([plain?.stop(), withApi?.stop()]);
});

beforeEach(() => {
  count += 1;
  world = new SignedWorld();
  places = proxies.map(({ host }) => new Pusher(host, `c${count}/app`, world.keys));
  configure();
});

afterEach(() => {
  for (const proxy of proxies) proxy.reset();
  world.remove();
});

function configure(image: object = {}, registry: object = {}): void {
  world.configure("stage", {
    registries: places.map(({ host }) => ({ host, namespace: `c${count}`, ...registry })),
    images: [{ name: "app", context: "app", sbom: false, tags: TAGS, ...image }],
    sign: { mode: "key", publicKeyFile: "cosign.pub" },
  });
}

async function release(version: string): Promise<void> {
  world.commit(`v${version}`);
  expect((await world.release()).built).toEqual(["app"]);
}

/** What is found again from an empty state, without a build. */
async function isFound(version: string): Promise<void> {
  world.git("checkout", "--quiet", `v${version}`);
  expect((await world.release()).built).toEqual([]);
  for (const place of places) expect(await place.digest(version)).toBe(await places[0]?.digest(version));
}

/** Fails as a kill would, after the build and before the version tag. */
async function cutShort(version: string, whileBuilding?: () => Promise<void>): Promise<void> {
  const path = new RegExp(`/manifests/${version.replaceAll(".", "\\.")}$`);
  const fault = { kind: "answer", status: 403 } as const;
  const restores = proxies.map((proxy) => proxy.inject({ method: "PUT", path, fault }));
  world.commit(`v${version}`);
  await expect(world.release("stage", { ...(whileBuilding && { whileBuilding }) })).rejects.toThrow("403");
  for (const restore of restores) restore();
}

function candidates(): Promise<number[]> {
  return Promise.all(
    places.map(async (place) => {
      const tags = await place.client.listTags(place.path);
      return tags.filter((tag) => tag.startsWith("candidate-")).length;
    }),
  );
}

describe("the candidate tags of three releases", () => {
  const VERSIONS = ["1.0.0", "1.0.1", "1.1.0"];
  test.each<[what: string, image: object, registry: object, left: number]>([
    ["with version tags: one, which moves", {}, {}, 1],
    ["with sha- tags: none", { tags: [...TAGS, "type=sha"] }, {}, 0],
    ["of content that later releases look for: one each", { labels: "none" }, {}, 3],
    ["in registries whose tags cannot move: one each", {}, { floatingTags: false }, 3],
  ])("%s", async (_, image, registry, left) => {
    configure(image, registry);
    for (const version of VERSIONS) await release(version);
    expect(await candidates()).toEqual([left, left]);
    for (const version of VERSIONS) await isFound(version);
    expect(await candidates()).toEqual([left, left]);
  });

  test("with branch tags alone: one each, since a branch's tag moves on", async () => {
    configure({ tags: ["type=ref,event=branch"] });
    for (const version of VERSIONS) await release(version);
    expect(await candidates()).toEqual([3, 3]);
  });
});

describe("a release that is cut short between build and tag", () => {
  test("is found by the tag that moves", async () => {
    await release("1.0.0");
    await cutShort("1.0.1");
    await isFound("1.0.1");
    expect(await candidates()).toEqual([1, 1]);
  });

  test("is found after another version has been released, and is not waited for once its line has a later one", async () => {
    await cutShort("1.0.0");
    await release("1.1.0");
    expect(await candidates()).toEqual([2, 2]);
    await isFound("1.0.0");
    await cutShort("1.2.0");
    for (const version of ["1.2.1", "1.2.2", "1.2.3"]) await release(version);
    expect(await candidates()).toEqual([3, 3]);
  });

  test("gets the tag in the registry that refused it, before any version tag", async () => {
    const restore = proxies[1]?.inject({
      method: "PUT",
      path: /\/manifests\/candidate-/,
      fault: { kind: "answer", status: 403 },
    });
    world.commit("v1.0.0");
    await expect(world.release()).rejects.toThrow("403");
    restore?.();
    const versions = proxies.map((proxy) =>
      proxy.inject({ method: "PUT", path: /\/manifests\/1\.0/, fault: { kind: "answer", status: 403 } }),
    );
    await expect(world.release()).rejects.toThrow("403");
    expect(await candidates()).toEqual([1, 1]);
    for (const restoreVersions of versions) restoreVersions();
    await isFound("1.0.0");
    expect(await candidates()).toEqual([1, 1]);
  });

  test("is found where an older one was reserved by the content's own tag", async () => {
    await cutShort("1.0.0");
    const { intent } = (await world.plan()).plan.images[0] ?? {};
    for (const place of places) {
      const tag = intent?.candidateTag ?? "";
      const held = await place.digest(tag);
      await place.tag(held, `candidate-${intent?.contentKey.slice(0, 16)}`);
      await place.client.deleteTag(place.path, tag);
    }
    await isFound("1.0.0");
  });

  test("is found though another version was being built at the same time", async () => {
    await release("0.9.0");
    let isOther = false;
    await cutShort("1.0.0", async () => {
      if (isOther) return;
      isOther = true;
      await cutShort("2.0.0");
    });
    await isFound("1.0.0");
    await isFound("2.0.0");
  });
});

test("a registry that turns out to move no tag gets one for each content", async () => {
  configure({ tags: TAGS.slice(0, 1) });
  await release("1.0.0");
  const body =
    '{"errors":[{"code":"TAG_INVALID","message":"The image tag already exists and is immutable."}]}';
  const { intent } = (await world.plan()).plan.images[0] ?? {};
  const path = new RegExp(`/manifests/${intent?.candidateTag}$`);
  proxies[0]?.inject({ method: "PUT", path, fault: { kind: "answer", status: 400, body } });
  await cutShort("1.0.1");
  await isFound("1.0.1");
  expect(await candidates()).toEqual([2, 1]);
});
