import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { crane } from "../support/crane";
import { dockerCli } from "../support/docker-cli";
import { type Olareg, startOlareg } from "../support/olareg";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { pushSbomGenerator, SPDX } from "../support/sbom-generator";
import { newKeyPair } from "../support/signed-image";

const SLSA = "https://slsa.dev/provenance/v1";
const IN_TOTO = "application/vnd.in-toto+json";

let plain: TestRegistry;
let withApi: Olareg;
let folder: string;
let stage: Project;
let prod: Project;
const keys = newKeyPair();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "slipway-attestations-"));
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  const env = { COSIGN_PRIVATE_KEY: keys.privatePem };
  stage = await Project.create({
    config: { registries: registries("staging"), images: [image()], sign: { mode: "key" } },
    env,
  });
  prod = await stage.stackBeside({
    stack: "prod",
    config: {
      registries: registries("prod"),
      images: [image()],
      promote: {
        from: "stage",
        verify: { key: keys.publicPem, predicates: ["signature", "provenance", "sbom"] },
      },
    },
  });
  await stage.commit(
    { "app/Dockerfile": "FROM scratch\nCOPY content.txt /content.txt\n", "app/content.txt": "content\n" },
    "v1.2.3",
  );
});

afterAll(async () => {
  stage?.remove();
  await Promise.all([plain?.stop(), withApi?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

function registries(namespace: string) {
  return [plain, withApi].map(({ host }) => ({ host, namespace }));
}

function image() {
  return {
    name: "app",
    context: "app",
    platforms: ["linux/amd64", "linux/arm64"],
    sbom: generator(),
    attestations: "referrers",
    tags: ["type=semver,pattern={{version}}", "type=sha"],
  };
}

function references(namespace: string): string[] {
  return [plain, withApi].map(({ host }) => `${host}/${namespace}/app:1.2.3`);
}

function pushGenerator(name: string): Promise<void> {
  return pushSbomGenerator(generator(), { spdxVersion: "SPDX-2.3", name, packages: [{ name: "left-pad" }] });
}

function generator(): string {
  return `${plain.host}/tools/scanner:1`;
}

/** What a registry lists about a platform: predicate type -> statement. By its own API or its fallback tag. */
async function statementsOf(repository: string, platform: string): Promise<Record<string, unknown>> {
  const [host = "", ...rest] = repository.split("/");
  const name = rest.join("/");
  const api = await fetch(`http://${host}/v2/${name}/referrers/${platform}`);
  const listing = api.ok
    ? await api.json()
    : JSON.parse(await crane("manifest", `${repository}:${platform.replace(":", "-")}`));
  const entries: { digest: string; artifactType: string }[] = listing.manifests;
  expect(entries.map(({ artifactType }) => artifactType)).toEqual([IN_TOTO, IN_TOTO]);
  const statements = await Promise.all(
    entries.map(async ({ digest }) => {
      const { layers } = JSON.parse(await crane("manifest", `${repository}@${digest}`));
      return JSON.parse(await crane("blob", `${repository}@${layers[0].digest}`));
    }),
  );
  return Object.fromEntries(statements.map((statement) => [statement.predicateType, statement]));
}

test("a generator that was named and is not there is an error of the plan", async () => {
  const { exitCode, text } = await stage.slipway("plan", "--stack", "stage");
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(
    /images\[0\]\.sbom: the SBOM generator localhost:\d+\/tools\/scanner:1 cannot be resolved: its registry does not have it .*\[sbom-generator\]/,
  );
});

test("a release has nothing but platforms in its index, and its statements beside it in both registries", async () => {
  await pushGenerator("first");
  await stage.upOk();
  for (const reference of references("staging")) {
    const index = JSON.parse(await crane("manifest", reference));
    const platforms: { digest: string; platform: { architecture: string } }[] = index.manifests;
    expect(platforms.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
    for (const { digest } of platforms) {
      const statements = await statementsOf(reference.replace(":1.2.3", ""), digest);
      const about = { digest: { sha256: digest.slice("sha256:".length) } };
      expect(statements).toMatchObject({
        [SPDX]: {
          predicate: { name: "first" },
          subject: expect.arrayContaining([expect.objectContaining(about)]),
        },
        [SLSA]: { subject: expect.arrayContaining([expect.objectContaining(about)]) },
      });
    }
  }
  const manifest = await stage.slipway("report", "--json");
  expect(manifest.text).toContain('"sbom": "attached"');
});

test("a second up writes nothing, not even for a newer generator under the same tag", async () => {
  await pushGenerator("second");
  await plain.forget();
  const text = await stage.upOk();
  expect(text).toMatch(/unchanged/);
  expect(text).not.toMatch(/created|updated|deleted/);
  expect(await plain.writes()).toEqual([]);
});

test("a promotion that asks for provenance and SBOM takes them along, and both registries verify", async () => {
  await prod.upOk();
  const key = path.join(folder, "key.pub");
  writeFileSync(key, keys.publicPem);
  for (const reference of references("prod")) {
    const wanted = ["signature", "provenance", "sbom"].flatMap((predicate) => ["--predicate", predicate]);
    const verified = await prod.slipway("verify", reference, "--key", key, ...wanted);
    expect(verified.exitCode, verified.text).toBe(0);
  }
});

test("slipway publish leaves the same: platforms in the index, statements beside it", async () => {
  const docker = dockerCli();
  const namespace = { registries: registries("cli"), images: [image()], sign: { mode: "key" } };
  const cli = await stage.stackBeside({
    stack: "cli",
    config: namespace,
    env: { COSIGN_PRIVATE_KEY: keys.privatePem, CI_DOCKER_CLI: docker.program },
  });
  try {
    const published = await cli.slipway("publish", "--stack", "cli");
    expect(published.exitCode, published.text).toBe(0);
    for (const reference of references("cli")) {
      const index = JSON.parse(await crane("manifest", reference));
      for (const { digest, platform } of index.manifests) {
        expect(platform.os).toBe("linux");
        const statements = await statementsOf(reference.replace(":1.2.3", ""), digest);
        expect(Object.keys(statements).sort()).toEqual([SLSA, SPDX]);
      }
    }
  } finally {
    docker.remove();
  }
});
