import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "../../src/cli/main";
import { prune } from "../../src/cli/prune";
import type { Digest } from "../../src/plan/digest";
import { candidateName } from "../../src/plan/release-intent";
import { isIndex, OCI_INDEX } from "../../src/registry/manifests";
import { crane } from "../support/crane";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { PackageStore, type PackageVersion, packageRoutes } from "../support/github/packages";
import { GitHub } from "../support/github/start";
import { startHub } from "../support/hub";
import { type Olareg, startOlareg } from "../support/olareg";
import { Pusher } from "../support/pusher";
import { startRegistry, type TestRegistry } from "../support/registry";
import { LIBRARY } from "../support/settings-program";
import { newKeyPair } from "../support/signed-image";
import { SignedWorld } from "../support/signed-world";

/** Real registries with deletes, with and without the referrers API; crane and cosign judge what is left. */
const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=ref,event=branch",
  "type=ref,event=pr",
];
const VERSIONS = ["1.0.0", "1.0.1", "1.1.0", "2.0.0"];
const DAY_S = 86_400;
const DAY_MS = DAY_S * 1000;

let plain: TestRegistry;
let withApi: Olareg;
let proxy: FaultProxy;
let world: SignedWorld;
let places: readonly Pusher[];
let released: Record<string, Digest>;
let pulled: string;
let count = 0;

beforeAll(async () => {
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxy = await startFaultProxy(plain.host);
  pulled = mkdtempSync(path.join(tmpdir(), "slipway-pulled-"));
}, 60_000);

afterAll(async () => {
  await proxy?.stop();
  await Promise.all([plain?.stop(), withApi?.stop()]);
  rmSync(pulled, { recursive: true, force: true });
});

beforeEach(async () => {
  count += 1;
  world = new SignedWorld();
  const hosts = [proxy.host, withApi.host];
  places = hosts.map((host) => new Pusher(host, `p${count}/app`, world.keys));
  world.configure("stage", {
    registries: hosts.map((host) => ({ host, namespace: `p${count}` })),
    images: [
      { name: "app", context: "app", platforms: ["linux/amd64", "linux/arm64"], sbom: false, tags: TAGS },
    ],
    sign: { mode: "key", publicKeyFile: "cosign.pub" },
  });
  released = {};
  for (const version of VERSIONS) {
    await release(version);
  }
  for (const branch of ["first", "second"]) {
    world.write({ "app/file": branch });
    world.git("commit", "--quiet", "--all", "--message", branch);
    released[branch] = digestOf(await world.release());
  }
}, 60_000);

afterEach(() => {
  proxy.reset();
  world.remove();
});

/** Releases a version, and leaves a candidate tag of its own, as releases did before one tag moved. */
async function release(version: string): Promise<void> {
  world.commit(`v${version}`);
  const done = await world.release();
  released[version] = digestOf(done);
  const tag = candidateName(done.manifest.images[0]?.contentKey ?? "");
  for (const place of places) await place.tag(digestOf(done), tag);
}

function digestOf({ manifest }: Awaited<ReturnType<SignedWorld["release"]>>): Digest {
  return manifest.images[0]?.digest ?? "sha256:";
}

interface PruneChanges {
  readonly yes?: boolean;
  readonly days?: number;
  readonly olderThan?: number;
  readonly env?: NodeJS.ProcessEnv;
}

function pruned({ yes = true, days = 2, env, ...rest }: PruneChanges = {}) {
  const now = new Date(Date.now() + days * DAY_MS);
  return prune({
    stack: "stage",
    cwd: world.dir,
    env: { PATH: process.env.PATH, ...env },
    yes,
    now,
    ...rest,
  });
}

/** Runs the command; what it printed to standard output, and its exit code. */
async function slipway(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text.toString();
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const code = await main(args);
  vi.restoreAllMocks();
  process.exitCode = 0;
  return { code, out };
}

/** Tags that go, as what they were released as. */
function going(results: Awaited<ReturnType<typeof prune>>["results"]): string[][] {
  const names = new Map(Object.entries(released).map(([name, digest]) => [digest, name]));
  return results.map(({ tags }) =>
    tags
      .filter(({ action }) => action === "remove")
      .map(({ kind, name, digest }) => `${kind} ${names.get(digest) ?? name}`)
      .sort(),
  );
}

async function everyVersionIsThere(): Promise<void> {
  for (const place of places)
    for (const version of VERSIONS) expect(await place.digest(version)).toBe(released[version]);
}

/** crane pulls every platform, all its bytes, and cosign verifies what a release signed. */
async function everyReleaseIsWhole(): Promise<void> {
  await everyVersionIsThere();
  for (const place of places)
    for (const version of VERSIONS) {
      const reference = `${place.repository}:${version}`;
      for (const platform of ["linux/amd64", "linux/arm64"])
        await crane("pull", "--platform", platform, reference, path.join(pulled, "image.tar"));
      expect(await world.signed(`${place.repository}@${released[version]}`), reference).toHaveLength(3);
    }
}

describe("prune", () => {
  test("removes candidates that no release needs, and every release can be pulled and verified", async () => {
    const signatures = await referrersOf("first");
    expect(signatures.map((found) => found.length)).toEqual([2, 2]);
    await plain.forget();
    const listed = await pruned({ yes: false });
    expect(await plain.writes()).toEqual([]);
    expect(listed.code).toBe(0);
    // 1.0.1, 1.1.0 and 2.0.0 have a floating tag, and main is at the second commit.
    const expected = ["candidate 1.0.0", "candidate first"];
    expect(going(listed.results)).toEqual([
      [...expected, `referrers ${released.first?.replace(":", "-")}`],
      expected,
    ]);

    const { code, results } = await pruned();
    expect(code).toBe(0);
    const outcomes = results.flatMap(({ outcomes: all = [] }) => all);
    expect(outcomes.map(({ removed }) => removed)).toEqual(Array(5).fill(true));
    await everyReleaseIsWhole();
    for (const [at, place] of places.entries())
      for (const digest of [released.first ?? "", ...(signatures[at] ?? [])])
        expect(await place.client.headManifest(place.path, digest)).toBeUndefined();

    expect(going((await pruned()).results)).toEqual([[], []]);
    expect((await world.release()).built).toEqual([]);
  });

  test("goes through every release of a program", async () => {
    const registries = places.map(({ host }) => ({ host, namespace: `p${count}` }));
    const sign = { mode: "key", publicKeyFile: "cosign.pub" };
    const image = { context: "app", sbom: false, tags: TAGS };
    world.configure("stage", { registries, images: [{ name: "web", ...image }], sign });
    world.git("checkout", "--quiet", "v1.0.0");
    released["web 1.0.0"] = digestOf(await world.release());
    world.configure("stage", { registries, sign });
    const declare = (name: string) => `await Release.plan({ images: { ${name}: ${JSON.stringify(image)} } })`;
    world.write({
      "index.js": `const { Release } = require(${JSON.stringify(LIBRARY)});
module.exports = async () => {
  const app = new Release("app", ${declare("app")});
  const web = new Release("web", ${declare("web")});
  return { digests: [app.images.app.digest, web.images.web.digest] };
};
`,
    });
    const { code, results } = await pruned({ yes: false });
    expect(code).toBe(0);
    const paths = results.map(({ repository }) => repository.slice(repository.indexOf("/") + 1));
    expect(paths).toEqual(["app", "app", "web", "web"].map((name) => `p${count}/${name}`));
    expect(going(results)[3]).toEqual([]);
    expect(going(results)[1]).toEqual(["candidate 1.0.0", "candidate first"]);
  });

  test("prints a table that says what goes and why, or JSON", async () => {
    const shown = await slipway("prune", "--stack", "stage", "--cwd", world.dir);
    expect(shown.code).toBe(0);
    const lines = shown.out.split("\n");
    expect(lines[0]).toMatch(/^localhost:[0-9]+\/p[0-9]+\/app: 22 tags, 1 can go$/);
    expect(lines.filter((line) => line.startsWith("  - "))).toHaveLength(2);
    for (const line of [
      /^ {2}- candidate-[0-9a-f]{16} {2}sha256:[0-9a-f]{12} {2}1\.0\.0 has this content$/m,
      /^ {2}= candidate-[0-9a-f]{16} {2}sha256:[0-9a-f]{12} {2}what main points to now$/m,
      /^ {2}= candidate-[0-9a-f]{16} {2}sha256:[0-9a-f]{12} {2}made today: a release may be about to tag it$/m,
      /^ {2}= 6 sha256- tags with the signatures of what is there$/m,
    ])
      expect(shown.out).toMatch(line);
    const json = JSON.parse((await slipway("prune", "--stack", "stage", "--cwd", world.dir, "--json")).out);
    expect(json.repositories[1]).toMatchObject({
      repository: places[1]?.repository,
      removals: [{ digest: released["1.0.0"], by: "tag", manifests: [] }],
    });
    const done = await slipway("prune", "--stack", "stage", "--cwd", world.dir, "--yes");
    for (const wrong of ["--older-than soon", "--older-than 0d", "--image app"])
      expect((await slipway("prune", "--cwd", world.dir, ...wrong.split(" "))).code).toBe(2);
    expect(done.out).toMatch(/^ {2}- candidate-.*removed: 1\.0\.0 has this content$/m);
  });

  test("leaves what was built today, and what another stack's key signed", async () => {
    expect(going((await pruned({ days: 0.5 })).results)).toEqual([["candidate 1.0.0"], ["candidate 1.0.0"]]);
    world.write({ "cosign.pub": newKeyPair().publicPem });
    const { results } = await pruned();
    expect(going(results)).toEqual([[], []]);
    const reasons = results.flatMap(({ tags }) => tags.filter(({ kind }) => kind === "candidate"));
    expect(new Set(reasons.map(({ reason }) => reason))).toEqual(
      new Set(["it is signed, but not by this stack's signers"]),
    );
    world.write({ "cosign.pub": world.keys.publicPem });
    await everyVersionIsThere();
  });

  test("removes tags of branches and pull requests by age, only where asked", async () => {
    world.git("checkout", "--quiet", "-b", "feature/x");
    world.write({ "app/file": "feature" });
    world.git("commit", "--quiet", "--all", "--message", "feature");
    released.feature = digestOf(await world.release());
    for (const place of places) await place.tag(released.feature, "pr-7");
    for (const place of places) await place.tag(released["1.0.1"] ?? "sha256:", "pr-8");
    world.git("checkout", "--quiet", "main");
    const usual = ["candidate 1.0.0", "candidate first"];
    const kinds = async (olderThan?: number) =>
      going((await pruned({ yes: false, ...(olderThan === undefined ? {} : { olderThan }) })).results)[1];
    expect(await kinds()).toEqual(usual);
    expect(await kinds(3 * DAY_S)).toEqual(usual);
    const old = ["branch feature", "candidate feature", "pull request feature"];
    expect(await kinds(DAY_S)).toEqual([...usual, ...old].sort());
    expect((await pruned({ olderThan: DAY_S })).code).toBe(0);
    for (const place of places) {
      const left = await place.client.listTags(place.path);
      expect(left).toEqual(expect.arrayContaining(["main", "pr-8", ...VERSIONS]));
      for (const tag of ["feature-x", "pr-7"]) expect(left).not.toContain(tag);
    }
    await everyReleaseIsWhole();
  });

  test("leaves the platforms of a release that another index names, and takes what is attached to its own", async () => {
    const created = { "org.opencontainers.image.created": new Date(0).toISOString() };
    for (const place of places) {
      const own = await place.push({ annotations: created });
      const platforms = async (digest: Digest) => {
        const json = (await place.client.getManifest(place.path, digest))?.json;
        return isIndex(json) ? json.manifests : [];
      };
      const [ownPlatform] = await platforms(own);
      const manifests = [...(await platforms(released["1.1.0"] ?? "sha256:")), ...(await platforms(own))];
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations: created };
      const tag = `candidate-${"f".repeat(16)}`;
      const bytes = Buffer.from(JSON.stringify(index));
      const { digest } = await place.client.putManifest(place.path, tag, bytes, OCI_INDEX);
      await place.attach(ownPlatform?.digest ?? "sha256:", Buffer.from("{}"));
      expect((await pruned()).code).toBe(0);
      for (const gone of [digest, ownPlatform?.digest ?? ""])
        expect(await place.client.headManifest(place.path, gone)).toBeUndefined();
      expect(await place.client.referrers(place.path, ownPlatform?.digest ?? "")).toEqual([]);
    }
    await everyReleaseIsWhole();
  });

  test("goes by tags and statements where nothing is signed, and leaves a version whose tag is lost", async () => {
    const namespace = `u${count}`;
    places = places.map(({ host }) => new Pusher(host, `${namespace}/app`));
    world.configure("stage", {
      registries: places.map(({ host }) => ({ host, namespace })),
      images: [{ name: "app", context: "app", sbom: false, tags: TAGS }],
      sign: { mode: "none" },
    });
    for (const version of ["3.0.0", "3.0.1", "3.1.0"]) await release(version);
    for (const place of places) await place.client.deleteTag(place.path, "3.0.1");
    for (const place of places) await place.client.deleteTag(place.path, "3.0");
    const { code, results } = await pruned({ days: 60, olderThan: DAY_S });
    expect(code).toBe(0);
    expect(going(results)).toEqual([["candidate 3.0.0"], ["candidate 3.0.0"]]);
    expect(results[0]?.tags.find(({ digest }) => digest === released["3.0.1"])?.reason).toBe(
      "a release statement says that it is 3.0.1",
    );
    for (const place of places)
      for (const platform of ["linux/amd64", "linux/arm64"])
        await crane(
          "pull",
          "--platform",
          platform,
          `${place.repository}:3.0.0`,
          path.join(pulled, "image.tar"),
        );
  });

  test("takes what changed since it was listed as it is now", async () => {
    const [first] = places;
    const run = () => first?.tag(released.first ?? "sha256:", "demo");
    proxy.inject({ method: "DELETE", times: 1, fault: { kind: "call", run } });
    const { code, results } = await pruned();
    expect(code).toBe(0);
    const left = results[0]?.outcomes?.filter(({ removed }) => !removed);
    expect(left).toMatchObject([
      { digest: released.first, reason: "it changed since it was listed" },
      { tags: [released.first?.replace(":", "-")] },
    ]);
    expect(await first?.digest("demo")).toBe(released.first);
    expect(await world.signed(`${first?.repository}@${released.first}`)).toContain("signature");
    await everyVersionIsThere();
  });

  test("removes no tag of a release by its digest, in a registry that deletes by digest alone", async () => {
    const fault = { kind: "answer", status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } as const;
    proxy.inject({ method: "DELETE", path: /manifests\/(?!sha256:)/, fault });
    const { code, results } = await pruned();
    expect(code).toBe(0);
    expect(results[0]?.outcomes?.filter(({ removed }) => !removed)).toMatchObject([
      { digest: released["1.0.0"], reason: "the registry deletes no tag alone, and the digest is needed" },
    ]);
    expect(results[0]?.outcomes).toHaveLength(3);
    expect(await places[0]?.client.headManifest(places[0].path, released.first ?? "")).toBeUndefined();
    await everyReleaseIsWhole();
  });

  test("says by code which registry deletes nothing, and goes on with the others", async () => {
    const fault = { kind: "answer", status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } as const;
    proxy.inject({ method: "DELETE", fault });
    const { code, results } = await pruned();
    expect(code).toBe(1);
    expect(results.map(({ problems }) => problems.map((problem) => problem.code))).toEqual([
      ["prune-cannot-delete"],
      [],
    ]);
    expect(results[1]?.outcomes?.every(({ removed }) => removed)).toBe(true);
    await everyVersionIsThere();
  });

  test("deletes tags on Docker Hub by Hub's own API, with a token that may", async () => {
    const hub = await startHub();
    const [first] = places;
    if (first === undefined) throw new Error("no registry");
    const namespace = `p${count}`;
    hub.repositories.set(first.path, { description: null, full_description: null });
    hub.deleteTag = async (_, tag) => crane("delete", `${plain.host}/${first.path}:${tag}`).then(() => true);
    world.configure("stage", {
      registries: [{ host: first.host, namespace, hub: hub.url }],
      images: [{ name: "app", context: "app", sbom: false, tags: TAGS }],
      sign: { mode: "key", publicKeyFile: "cosign.pub" },
    });
    const fault = { kind: "answer", status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } as const;
    proxy.inject({ method: "DELETE", fault });
    const env = { HUB_PAT: "a token" };

    hub.accounts.push({ username: namespace, token: "a token", scope: "Read & Write" });
    const refused = await pruned({ env });
    expect(refused.code).toBe(1);
    expect(refused.results[0]?.problems).toMatchObject([{ code: "registry-forbidden" }]);
    expect(refused.results[0]?.problems[0]?.hint).toContain("scope Read, Write, Delete");

    hub.accounts.splice(0, 1, { username: namespace, token: "a token", scope: "Read, Write, Delete" });
    hub.forgetTokens();
    const { code, results } = await pruned({ env });
    expect(code).toBe(0);
    expect(results[0]?.outcomes?.map(({ removed }) => removed)).toEqual([true, true, true]);
    expect(proxy.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
    expect(going((await pruned({ env })).results)).toEqual([[]]);
    await everyReleaseIsWhole();
    await hub.stop();
  });

  describe.each(["Organization", "User"] as const)(
    "on GitHub, of an owner that is of the type %s,",
    (type) => {
      let github: GitHub;
      let packages: PackageStore;

      beforeEach(async () => {
        const [first] = places;
        if (first === undefined) throw new Error("no registry");
        const { client, path: at } = first;
        const [owner = "", name = ""] = at.split("/");
        packages = new PackageStore(owner, type);
        github = await GitHub.start({
          owner,
          repository: name,
          tokens: { classic: { login: owner }, "may-not": { login: owner, refused: /^DELETE / } },
          routes: packageRoutes(packages),
        });
        packages.api = `${github.url}/api/v3`;
        packages.pageSize = 7;
        const known = new Set<Digest>();
        packages.read = async (asked) => (asked === name ? versionsOf(first, known) : undefined);
        packages.remove = (_, digest) =>
          new Pusher(plain.host, at).client.deleteManifest(at, digest).then(() => {});
        world.configure("stage", {
          registries: [{ host: client.host, namespace: owner, packages: github.url }],
          images: [{ name, context: "app", sbom: false, tags: TAGS }],
          sign: { mode: "key", publicKeyFile: "cosign.pub" },
        });
        const fault = { kind: "answer", status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } as const;
        proxy.inject({ method: "DELETE", fault });
      });

      afterEach(() => github.close());

      test("deletes versions by GitHub's API, with their platforms and signatures, and no other", async () => {
        const [first] = places;
        const [signatures = []] = await referrersOf("first");
        const known = new Set<Digest>();
        const before = first === undefined ? [] : await versionsOf(first, known);
        const { code, results } = await pruned({ env: { GH_TOKEN: "classic" } });
        expect(results[0]?.problems).toEqual([]);
        expect(code).toBe(0);
        const left = results[0]?.outcomes?.filter(({ removed }) => !removed);
        expect(left).toMatchObject([
          { digest: released["1.0.0"], reason: "GitHub deletes no tag alone, and the digest is needed" },
        ]);
        for (const gone of [released.first ?? "", ...signatures])
          expect(await first?.client.headManifest(first.path, gone)).toBeUndefined();
        const after = first === undefined ? [] : await versionsOf(first, known);
        // The index, its two platforms, its two bundles, and the tag that lists these.
        expect(before.length - after.length).toBe(6);
        expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
        expect(proxy.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
        await everyReleaseIsWhole();
      });

      test.runIf(type === "User")("says what the token lacks, and which package there is not", async () => {
        const codes = async (env: NodeJS.ProcessEnv) => {
          const { code, results } = await pruned({ env });
          expect(code).toBe(1);
          expect(results[0]?.outcomes?.some(({ removed }) => removed) ?? false).toBe(false);
          return results[0]?.problems.map((problem) => problem.code);
        };
        expect(await codes({ GH_TOKEN: "may-not" })).toEqual(["github-permission"]);
        expect(await codes({ GH_TOKEN: "unknown" })).toEqual(["github-token-refused"]);
        expect(await codes({})).toEqual(["github-token-missing"]);
        packages.read = async () => undefined;
        expect(await codes({ GH_TOKEN: "classic" })).toEqual(["github-package-missing"]);
        await everyVersionIsThere();
      });
    },
  );

  test("removes lists of signatures whose digest somebody deleted, and stops where a deletion fails", async () => {
    const [first] = places;
    await first?.client.deleteManifest(first.path, released.first ?? "");
    const gone = `referrers ${released.first?.replace(":", "-")}`;
    expect(going((await pruned({ yes: false })).results)[0]).toEqual(["candidate 1.0.0", gone]);
    proxy.inject({
      method: "DELETE",
      path: /manifests\/candidate-/,
      fault: { kind: "answer", status: 403 },
    });
    const failed = await pruned();
    expect(failed.code).toBe(1);
    expect(failed.results[0]?.problems).toMatchObject([{ code: "registry-forbidden" }]);
    expect(failed.results[0]?.outcomes?.map(({ removed }) => removed)).toEqual([false]);
    proxy.reset();
    expect((await pruned()).code).toBe(0);
    expect(going((await pruned()).results)).toEqual([[], []]);
    await everyVersionIsThere();
  });
});

/** The referrers of what was released under a name, in each registry. */
function referrersOf(name: string): Promise<Digest[][]> {
  return Promise.all(
    places.map(async (place) => {
      const found = await place.client.referrers(place.path, released[name] ?? "");
      return found.map(({ digest }) => digest);
    }),
  );
}

/**
 * Every manifest of a repository, tagged or not, as GitHub lists them.
 *
 * @param known what was there before, which a registry without such a list shows by its digest alone
 */
async function versionsOf(
  { client, path: at }: Pusher,
  known: Set<Digest> = new Set(),
): Promise<PackageVersion[]> {
  const tags = new Map<Digest, string[]>();
  const walk = async (digest: Digest): Promise<void> => {
    if (tags.has(digest)) return;
    const json = (await client.getManifest(at, digest))?.json;
    if (json === undefined) return;
    tags.set(digest, []);
    for (const entry of isIndex(json) ? json.manifests : []) await walk(entry.digest);
  };
  for (const tag of await client.listTags(at)) {
    const digest = (await client.headManifest(at, tag))?.digest;
    if (digest === undefined) continue;
    await walk(digest);
    tags.get(digest)?.push(tag);
  }
  for (const digest of known) await walk(digest);
  for (const digest of tags.keys()) known.add(digest);
  return [...tags].map(([digest, names]) => ({ digest, tags: names }));
}
