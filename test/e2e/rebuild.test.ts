import { afterAll, beforeAll, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { pushSbomGenerator } from "../support/sbom-generator";
import { newKeyPair } from "../support/signed-image";

/** One team releases a base, another an image on it: the real engine, BuildKit with SBOMs, and a registry. */
const PATTERNS = ["{{version}}", "{{major}}.{{minor}}"];
const BUILDS = PATTERNS.map((pattern) => `type=semver,pattern=${pattern},slipway-suffix=build`);
const EXPECT = ["--read-only", "--expect-no-changes"];

let registry: TestRegistry;
let platform: Project;
let shop: Project;

beforeAll(async () => {
  registry = await startRegistry();
  const env = { COSIGN_PRIVATE_KEY: newKeyPair().privatePem };
  platform = await Project.create({ config: config("base", ["type=semver,pattern={{version}}"]), env });
  shop = await Project.create({ config: config("app", BUILDS), env });
});

afterAll(async () => {
  platform?.remove();
  shop?.remove();
  await registry?.stop();
});

function config(name: string, tags: readonly string[]) {
  return {
    registries: [{ host: registry.host, namespace: "octo" }],
    images: [{ name, context: name, platforms: ["linux/amd64"], sbom: generator(), tags }],
    sign: { mode: "key" },
  };
}

function generator(): string {
  return `${registry.host}/tools/scanner:1`;
}

/** A release of the base, in which the generator finds this version of OpenSSL. */
async function releaseBase(version: string, openssl: string): Promise<void> {
  const packages = [
    { name: "openssl", versionInfo: openssl },
    { name: "zlib1g", versionInfo: "1.2.13" },
  ];
  await pushSbomGenerator(generator(), { spdxVersion: "SPDX-2.3", name: "scan", packages });
  await platform.commit(
    { "base/Dockerfile": "FROM scratch\nCOPY openssl /openssl\n", "base/openssl": openssl },
    version,
  );
  await platform.upOk();
}

const digestOf = (reference: string) => crane("digest", `${registry.host}/octo/${reference}`);

async function layersOf(reference: string): Promise<string[]> {
  const image = `${registry.host}/octo/${reference}`;
  const manifest: { layers: { digest: string }[] } = JSON.parse(
    await crane("manifest", "--platform", "linux/amd64", image),
  );
  return manifest.layers.map(({ digest }) => digest);
}

test("a base that moves is named with what changed in it, and a rebuild of the version takes it", async () => {
  await releaseBase("v1.0.0", "3.0.11-1");
  const from = `${registry.host}/octo/base:latest`;
  await shop.commit(
    { "app/Dockerfile": `FROM ${from}\nCOPY app.txt /app.txt\n`, "app/app.txt": "one\n" },
    "v1.2.3",
  );
  await shop.upOk();
  const old = await digestOf("app:1.2.3");
  expect((await shop.slipway("plan", ...EXPECT, "--expect-current-bases")).exitCode).toBe(0);

  await releaseBase("v1.1.0", "3.0.13-1");
  expect((await shop.slipway("plan", ...EXPECT)).exitCode).toBe(0);
  const moved = await shop.slipway("plan", ...EXPECT, "--expect-current-bases");
  expect(moved.exitCode).toBe(1);
  expect(moved.text).toMatch(
    new RegExp(
      `base-moved app: ${from} sha256:\\w{12} → sha256:\\w{12} since 1\\.2\\.3 was built\\n    Release v1\\.2\\.3-r1 to rebuild it\\n`,
    ),
  );
  expect(moved.text).toMatch(
    new RegExp(`What changed in ${from}, .*:\\nlinux/amd64:\\n  ~ openssl  3\\.0\\.11-1 → 3\\.0\\.13-1\\n`),
  );
  expect((await shop.preview()).text).toContain("Release v1.2.3-r1 to rebuild it");

  await shop.git("tag", "v1.2.3-r1");
  expect(await shop.upOk()).toMatch(/Image release-app-build-\w+ created/);
  expect(await digestOf("app:1.2.3")).toBe(old);
  const rebuilt = await digestOf("app:1.2.3-r1");
  expect(rebuilt).not.toBe(old);
  expect([await digestOf("app:1.2"), await digestOf("app:latest")]).toEqual([rebuilt, rebuilt]);
  const [base] = await layersOf("base:1.1.0");
  expect((await layersOf("app:1.2.3-r1"))[0]).toBe(base);
  expect((await layersOf("app:1.2.3"))[0]).not.toBe(base);
  expect(await shop.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
});

test("the old version is still released as it was, and takes no tag back", async () => {
  const before = await digestOf("app:latest");
  await registry.forget();
  const again = await shop.slipwayWith(
    { RELEASE_TAG: "v1.2.3" },
    "plan",
    ...EXPECT,
    "--expect-current-bases",
  );
  expect(again.exitCode, again.text).toBe(0);
  expect(again.text).toMatch(
    /= latest +stays sha256:\w{12} \(1\.2\.3-r1\): 1\.2\.3-r1 exists and is newer than 1\.2\.3/,
  );
  const { exitCode, text } = await shop.pulumiWith(
    { RELEASE_TAG: "v1.2.3" },
    "up",
    "--yes",
    "--non-interactive",
    "--skip-preview",
  );
  expect(exitCode, text).toBe(0);
  expect(await digestOf("app:latest")).toBe(before);
  expect(await registry.writes()).toEqual([]);
});

test("two releases are compared by their SBOMs", async () => {
  const [old, now] = ["1.2.3", "1.2.3-r1"].map((tag) => `${registry.host}/octo/app:${tag}`);
  const { exitCode, text } = await shop.slipway("compare", old ?? "", now ?? "");
  expect(exitCode, text).toBe(0);
  expect(text).toBe("linux/amd64:\n  ~ openssl  3.0.11-1 → 3.0.13-1\n");
  const json = await shop.slipway("compare", old ?? "", old ?? "", "--json");
  expect(JSON.parse(json.text)).toEqual({ platforms: [{ platform: "linux/amd64", changes: [] }] });
  const missing = await shop.slipway("compare", old ?? "", `${registry.host}/octo/app:9.9.9`);
  expect([missing.exitCode, missing.text]).toEqual([
    1,
    expect.stringMatching(/app:9\.9\.9: there is no such image .*\[compare-sbom\]/s),
  ]);
  const without = await shop.slipway("compare", old ?? "", generator());
  expect(without.exitCode).toBe(1);
  expect(without.text).toContain("has one for linux/amd64, ");
});
