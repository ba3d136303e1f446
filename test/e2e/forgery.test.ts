import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CONTENT_KEY_ANNOTATION, PART_ANNOTATION } from "../../src/plan/annotations";
import type { Digest } from "../../src/plan/digest";
import { cosign } from "../support/cosign";
import { crane } from "../support/crane";
import { type DockerCli, dockerCli } from "../support/docker-cli";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { upKilledAt } from "../support/killed-engine";
import { type Olareg, startOlareg } from "../support/olareg";
import { type EngineResult, Project } from "../support/project";
import { Pusher } from "../support/pusher";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";
import { EVERY_CASE } from "../support/slices";

/**
 * What `pulumi up` does with content that someone without the signing key pushed, judged by cosign. The many variants
 * are in test/integration/signing/forgery.test.ts, without the engine and without builds.
 */
const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];
const FLOATING = ["1.2", "1", "latest"];
const RELEASE = "https://slipway.dev/release/v1";

const keys = newKeyPair();
/** Without the referrers API, and with it. */
let plain: TestRegistry;
let withApi: Olareg;
let proxy: FaultProxy;
let cli: DockerCli;
let folder: string;
let project: Project;
let namespace = "";
let count = 0;
const projects: Project[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "slipway-forgery-"));
  writeFileSync(path.join(folder, "cosign.pub"), keys.publicPem);
  cli = dockerCli();
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxy = await startFaultProxy(plain.host);
});

afterAll(async () => {
  for (const each of projects) each.remove();
  cli?.remove();
  await proxy?.stop();
  await Promise.all([plain?.stop(), withApi?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  proxy.reset();
  cli.forget();
  namespace = `n${count++}`;
  project = await Project.create({ config: stage(), env: env() });
  projects.push(project);
  await commit("v1.2.3");
});

function env(): Record<string, string> {
  return { COSIGN_PRIVATE_KEY: keys.privatePem, CI_DOCKER_CLI: cli.program };
}

function registries(inside = namespace) {
  return [proxy.host, withApi.host].map((host) => ({ host, namespace: inside }));
}

function image(changes: object = {}) {
  const platforms = ["linux/amd64", "linux/arm64"];
  return { name: "app", context: "app", platforms, sbom: false, tags: TAGS, ...changes };
}

function stage(changes: object = {}) {
  return {
    registries: registries(),
    images: [image()],
    requireTag: true,
    sign: { mode: "key", publicKeyFile: "cosign.pub" },
    ...changes,
  };
}

async function commit(tag: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  return project.commit(
    {
      "cosign.pub": keys.publicPem,
      "app/Dockerfile": "FROM scratch\nCOPY content.txt /content.txt\n",
      "app/content.txt": `${namespace} ${tag}\n`,
      ...files,
    },
    tag,
  );
}

function at(inside = namespace, name = "app"): [Pusher, Pusher] {
  return [new Pusher(plain.host, `${inside}/${name}`), new Pusher(withApi.host, `${inside}/${name}`)];
}

/** What the next index says of itself, as `slipway plan --json` shows it to anyone. */
async function nextAnnotations(name = "app"): Promise<Readonly<Record<string, string>>> {
  const { exitCode, text } = await project.run(
    {},
    "sh",
    "-c",
    '"$0" "$1" plan --stack stage --json 2>/dev/null',
    process.execPath,
    path.resolve(__dirname, "../../src/cli/slipway.js"),
  );
  expect(exitCode, text).toBe(0);
  const plan: { images: { name: string; intent: { annotations: Record<string, string> } }[] } =
    JSON.parse(text);
  const found = plan.images.find((known) => known.name === name);
  if (found === undefined) throw new Error(`${name} is not planned`);
  return found.intent.annotations;
}

const who = () => ["--key", path.join(folder, "cosign.pub"), "--insecure-ignore-tlog=true"];

/** The image and its statement, by cosign. */
async function isSigned(reference: string): Promise<readonly [boolean, boolean]> {
  const [signed, stated] = await Promise.all([
    cosign(["verify", ...who(), reference]),
    cosign(["verify-attestation", "--type", RELEASE, ...who(), reference]),
  ]);
  return [signed.exitCode === 0, stated.exitCode === 0];
}

async function expectNothingForgedIsSigned(evil: readonly Pusher[]): Promise<void> {
  for (const pusher of evil) {
    for (const digest of pusher.pushed)
      expect(await isSigned(`${pusher.repository}@${digest}`), digest).toEqual([false, false]);
  }
}

/** Every tag of the version, in both registries. */
async function expectReleased(evil: readonly Pusher[], version = "1.2.3"): Promise<Digest> {
  const [first] = evil;
  if (first === undefined) throw new Error("no repository");
  const digest = await first.digest(version);
  for (const pusher of evil) {
    for (const tag of [version, ...FLOATING])
      expect(await pusher.digest(tag), `${pusher.repository}:${tag}`).toBe(digest);
    expect(await isSigned(`${pusher.repository}:${version}`)).toEqual([true, true]);
    expect(pusher.pushed).not.toContain(digest);
  }
  await expectNothingForgedIsSigned(evil);
  return digest;
}

async function expectRefused(run: Promise<EngineResult>, code: string): Promise<void> {
  const { exitCode, text } = await run;
  expect(exitCode).not.toBe(0);
  expect(text).toContain(`[${code}]`);
}

function statement(revision: string, changes: object = {}): object {
  return {
    schema: 1,
    image: "app",
    lane: "",
    version: "1.2.3",
    revision,
    contentKey: "c".repeat(64),
    platforms: ["linux/amd64", "linux/arm64"],
    inputs: {},
    bases: {},
    repositories: at().map(({ repository }) => repository),
    ...changes,
  };
}

const head = async () => (await project.git("rev-parse", "HEAD")).trim();
const builds = (text: string) => /docker-build:index:Image/.test(text);

test("a version's tag on an image that names the commit is refused; without it the version is released", async () => {
  const evil = at();
  const annotations = { "org.opencontainers.image.revision": await head() };
  for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), "1.2.3");
  await expectRefused(project.up(), "version-not-verified");
  for (const { client, path: repository } of evil)
    for (const tag of FLOATING) expect(await client.headManifest(repository, tag)).toBeUndefined();
  await expectNothingForgedIsSigned(evil);
  for (const { repository } of evil) await crane("delete", `${repository}:1.2.3`);
  await project.upOk();
  await expectReleased(evil);
});

test("content by its key, with forged provenance, is built again; another machine with the key builds nothing", async () => {
  const evil = at();
  const provenance = { revision: await head(), builder: "https://ci.example" };
  for (const pusher of evil) {
    const digest = await pusher.push({ annotations: await nextAnnotations(), provenance });
    await pusher.tag(digest, `sha-${provenance.revision.slice(0, 7)}`, "latest");
  }
  const preview = await project.preview();
  expect(preview.text).toMatch(/says that it has this content, but no trusted signer claims that/);
  expect(builds(await project.upOk())).toBe(true);
  const digest = await expectReleased(evil);

  const elsewhere = await Project.create({ config: stage(), env: env() }, project);
  projects.push(elsewhere);
  await plain.forget();
  expect(builds(await elsewhere.upOk())).toBe(false);
  const written = (await plain.writes()).filter(({ path: at }) => !at.includes("/blobs/uploads/"));
  expect(written.map(({ method, path: at }) => `${method} ${at}`)).toEqual([]);
  expect(await evil[0].digest("latest")).toBe(digest);
});

test("prod, which lists stage's registry, builds again what was forged there", async () => {
  const lower = { host: withApi.host, namespace };
  const policy = { unsignedPromotion: "refuse", missingProvenance: "refuse", uncommittedVersion: "refuse" };
  const prod = await project.stackBeside({
    stack: "prod",
    env: env(),
    config: stage({ policy, registries: [{ host: proxy.host, namespace: `${namespace}-prod` }, lower] }),
  });
  const evil = [at(`${namespace}-prod`)[0], at()[1]];
  const provenance = { revision: await head(), builder: "https://ci.example" };
  const forged = await evil[1]?.push({ annotations: await nextAnnotations(), provenance });
  await evil[1]?.tag(forged ?? "sha256:", `sha-${provenance.revision.slice(0, 7)}`, "latest");
  expect(builds(await prod.upOk())).toBe(true);
  await expectReleased(evil);
});

test("a base without an annotation is built again, and its dependents are built from the new one", async () => {
  const base = {
    context: "app",
    dockerfile: "Dockerfile.base",
    include: ["kit"],
    platforms: ["linux/amd64"],
  };
  project.setConfig(stage({ base, images: [image({ platforms: ["linux/amd64"] })] }));
  await project.git("tag", "--delete", "v1.2.3");
  await commit("v1.2.3", {
    "app/Dockerfile": `ARG BASE_IMAGE\nFROM $\{BASE_IMAGE}\nCOPY content.txt /content.txt\n`,
    "app/Dockerfile.base": "FROM scratch\nCOPY kit /kit\n",
    "app/kit": `${namespace}\n`,
  });
  const evil = at();
  const { text } = await project.slipway("plan", "--stack", "stage");
  const tag = /base-[0-9a-f]{12}/.exec(text)?.[0] ?? "";
  for (const pusher of evil)
    await pusher.tag(await pusher.push({ architectures: ["amd64"] }), tag, "base-latest");
  await project.upOk();
  await expectReleased(evil);
  for (const pusher of evil) expect(pusher.pushed).not.toContain(await pusher.digest(tag));
  const layers = async (reference: string): Promise<{ layers: { digest: string }[] }> =>
    JSON.parse(await crane("manifest", "--platform", "linux/amd64", `${evil[0].repository}:${reference}`));
  const [kit] = (await layers(tag)).layers;
  expect((await layers("1.2.3")).layers[0]?.digest).toBe(kit?.digest);
});

test("no later up signs an unsigned statement beside a release", async () => {
  await project.upOk();
  const evil = at();
  const digest = await evil[0].digest("1.2.3");
  const forged = { source: "https://evil.example/app", inputs: { A: "invented" }, extra: true };
  for (const pusher of evil) await pusher.state(digest, statement(await head(), forged));
  const elsewhere = await Project.create({ config: stage(), env: env() }, project);
  projects.push(elsewhere);
  for (const each of [project, elsewhere]) await each.upOk();
  for (const pusher of evil) {
    const { stdout } = await cosign([
      "verify-attestation",
      ...["--type", RELEASE, ...who()],
      `${pusher.repository}@${digest}`,
    ]);
    const payloads = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Buffer.from(JSON.parse(line).payload, "base64").toString());
    expect(payloads).toHaveLength(1);
    expect(payloads[0]).not.toMatch(/evil|invented|extra/);
  }
  const verified = await project.slipway(
    ...["verify", `${evil[0].repository}:1.2.3`, "--key", path.join(folder, "cosign.pub")],
    ...["--source", "https://evil.example/app"],
  );
  expect(verified.exitCode, verified.text).not.toBe(0);
});

test("9.9.9 on a digest that is signed as 1.2.3 is neither promoted nor verified", async () => {
  await project.upOk();
  const evil = at();
  const digest = await evil[0].digest("1.2.3");
  for (const pusher of evil) {
    await pusher.state(digest, statement(await head(), { version: "9.9.9" }));
    await pusher.tag(digest, "9.9.9");
  }
  const promote = (statement: string) => ({
    statement,
    registry: { host: proxy.host, namespace },
    verify: { keyFile: "cosign.pub" },
  });
  const settings = (version: string) =>
    stage({ registries: registries(`${namespace}-prod`), promote: promote(version) });
  const prod = await project.stackBeside({ stack: "prod", env: env(), config: settings("v9.9.9") });
  await expectRefused(prod.up(), "version-not-verified");
  const there = at(`${namespace}-prod`);
  expect(await there[0].client.listTags(there[0].path)).toEqual([]);
  const verify = (tag: string) =>
    project.slipway("verify", `${evil[0].repository}:${tag}`, ...["--key", path.join(folder, "cosign.pub")]);
  await expectRefused(verify("9.9.9"), "verify-version");
  for (const tag of ["1.2.3", "1.2", "latest"]) expect((await verify(tag)).exitCode, tag).toBe(0);

  // 9.9.9 in prod's own registries holds nothing there, and the next version is released as ever.
  for (const pusher of there) await pusher.tag(await pusher.push(), "9.9.9", "latest");
  prod.setConfig(settings("v1.2.3"));
  await prod.upOk();
  await expectReleased(there);
  await commit("v1.2.4");
  await project.upOk();
  expect(await evil[0].digest("latest")).toBe(await evil[0].digest("1.2.4"));
});

describe("between preview and up", () => {
  test("what was moved meanwhile stops the release before any floating tag", async () => {
    const evil = at();
    const { exitCode, text } = await project.preview();
    expect(exitCode, text).toBe(0);
    await evil[1].tag(await evil[1].push({ annotations: await nextAnnotations() }), "1.2.3");
    await expectRefused(project.up(), "version-not-verified");
    await crane("delete", `${evil[1].repository}:1.2.3`);
    // Once more, while the image is being pushed.
    proxy.inject({
      method: "PUT",
      path: /\/manifests\/sha256:/,
      times: 1,
      fault: { kind: "call", run: async () => evil[1].tag(await evil[1].push(), "1.2.3", "latest") },
    });
    const failed = await project.up();
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toMatch(/1\.2\.3 is a version tag and already points to/);
    expect(await evil[0].client.headManifest(evil[0].path, "latest")).toBeUndefined();
    await expectNothingForgedIsSigned(evil);
    await crane("delete", `${evil[1].repository}:1.2.3`);
    expect(builds(await project.upOk())).toBe(true);
    await expectReleased(evil);
  });
});

describe("killed", () => {
  test.runIf(EVERY_CASE).each([
    ["right after the build", "GET", /\/manifests\/sha-/],
    ["right after the claim", "PUT", /\/manifests\/sha256-/],
    ["right after the commit's tag", "PUT", /\/manifests\/1\.2\.3$/],
  ])("%s, the same up converges and builds at most once more", async (_, method, at_) => {
    const evil = at();
    await upKilledAt(project, proxy, { method, path: at_, after: method === "GET" ? 1 : 0 });
    await project.pulumi("cancel", "--yes");
    await project.upOk();
    await expectReleased(evil);
    await plain.forget();
    expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect((await plain.writes()).map(({ path: at }) => at)).toEqual([]);
  });
});

describe("without the engine", () => {
  test("publish builds again what was forged, and adopts what is signed", async () => {
    const evil = at();
    for (const pusher of evil)
      await pusher.tag(
        await pusher.push({ annotations: await nextAnnotations() }),
        `sha-${(await head()).slice(0, 7)}`,
        "latest",
      );
    const first = await project.slipway("publish", "--stack", "stage");
    expect(first.exitCode, first.text).toBe(0);
    await expectReleased(evil);
    rmSync(path.join(project.dir, "artifacts"), { recursive: true });
    cli.forget();
    const again = await project.slipway("publish", "--stack", "stage");
    expect(again.exitCode, again.text).toBe(0);
    expect(cli.calls()).toEqual([]);
  });

  test("a platform's part that someone replaced is not merged", async () => {
    for (const platform of ["linux/amd64", "linux/arm64"]) {
      const built = await project.slipway("build", "--stack", "stage", "--platform", platform);
      expect(built.exitCode, built.text).toBe(0);
    }
    const evil = at();
    const annotations = await nextAnnotations();
    const part = { [PART_ANNOTATION]: annotations[CONTENT_KEY_ANNOTATION] ?? "" };
    for (const pusher of evil)
      await pusher.tag(
        await pusher.push({ annotations: { ...annotations, ...part }, architectures: ["arm64"] }),
        `sha-${(await head()).slice(0, 7)}`,
      );
    const merged = await project.slipway("merge", "--stack", "stage");
    expect(merged.exitCode, merged.text).toBe(0);
    expect(builds(await project.upOk())).toBe(false);
    await expectReleased(evil);
  });
});
