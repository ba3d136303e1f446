import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cosign, cosignKeyPair } from "../support/cosign";
import { crane } from "../support/crane";
import { type DockerCli, dockerCli } from "../support/docker-cli";
import { type Olareg, startOlareg } from "../support/olareg";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";
import { EVERY_CASE } from "../support/slices";

/** Stands in the stack's secret configuration, and has to stand nowhere else. */
const PASSWORD = "canary-7c1f-password-of-the-key";
const STATEMENT = "https://slipway.dev/release/v1";
const PLATFORMS = ["linux/amd64", "linux/arm64"];

/** Four registries: stage's two and prod's two, one of each without and one with the referrers API. */
let plain: TestRegistry;
let withApi: Olareg;
let prodPlain: TestRegistry;
let prodWithApi: Olareg;
let cli: DockerCli;
let folder: string;
let keys: { readonly key: string; readonly pub: string };
let stage: Project;
let prod: Project;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "slipway-trust-"));
  cli = dockerCli();
  [plain, withApi, prodPlain, prodWithApi, keys] = await Promise.all([
    startRegistry(),
    startOlareg(),
    startRegistry(),
    startOlareg(),
    cosignKeyPair(folder, PASSWORD),
  ]);
  stage = await Project.create({ config: stageConfig() });
  prod = await stage.stackBeside({ stack: "prod", config: prodConfig(newKeyPair().publicPem) });
  await stage.commit(
    {
      "app/Dockerfile": "FROM scratch\nCOPY content.txt /content.txt\n",
      "app/content.txt": "content\n",
      "cosign.key": keys.key,
    },
    "v1.2.3",
  );
});

afterAll(async () => {
  stage?.remove();
  cli?.remove();
  await Promise.all([plain, withApi, prodPlain, prodWithApi].map((registry) => registry?.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function hosts(stack: "stage" | "prod"): string[] {
  const both = stack === "stage" ? [plain, withApi] : [prodPlain, prodWithApi];
  return both.map(({ host }) => host);
}

function registries(stack: "stage" | "prod", namespace = "octo") {
  return hosts(stack).map((host) => ({ host, namespace }));
}

function images(tags = ["type=semver,pattern={{version}}"]) {
  return [
    {
      name: "app",
      context: "app",
      platforms: PLATFORMS,
      sbom: false,
      tags,
    },
  ];
}

function stageConfig(namespace?: string) {
  return {
    registries: registries("stage", namespace),
    images: images(),
    sign: { mode: "key", keyFile: "cosign.key" },
  };
}

function prodConfig(key: string, verify: object = {}) {
  return {
    registries: registries("prod"),
    images: images(),
    promote: {
      from: "stage",
      verify: { key, predicates: ["signature", "statement", "provenance"], maxAge: "1d", ...verify },
    },
  };
}

function references(stack: "stage" | "prod", namespace = "octo"): string[] {
  return hosts(stack).map((host) => `${host}/${namespace}/app:1.2.3`);
}

/** By cosign, which knows nothing of Slipway: the image, and its release statement. */
async function expectSigned(reference: string): Promise<void> {
  const who = ["--key", path.join(folder, "cosign.pub"), "--insecure-ignore-tlog=true"];
  const image = await cosign(["verify", ...who, reference]);
  expect(image.exitCode, `${reference}: ${image.stderr}`).toBe(0);
  const statement = await cosign(["verify-attestation", "--type", STATEMENT, ...who, reference]);
  expect(statement.exitCode, `${reference}: ${statement.stderr}`).toBe(0);
}

test("a password that is missing or wrong is told by the preview, before anything is built", async () => {
  const missing = await stage.preview();
  expect(missing.exitCode).not.toBe(0);
  expect(missing.text).toMatch(/The key to sign with is encrypted, and there is no password/);
  const wrong = await stage.pulumiWith({ COSIGN_PASSWORD: "wrong" }, "preview", "--non-interactive");
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.text).toMatch(/The key to sign with does not open with this password/);
  expect(await plain.writes()).toEqual([]);
});

test("a release is signed in both registries, and a second up writes nothing", async () => {
  await stage.pulumi("config", "set", "--secret", "--path", "slipway:sign.password", PASSWORD);
  const preview = await stage.preview();
  expect(preview.text).toMatch(/digests and statements are signed with a key/);
  const text = await stage.upOk();
  for (const reference of references("stage")) await expectSigned(reference);
  await plain.forget();
  const again = await stage.upOk();
  expect(await plain.writes()).toEqual([]);
  const { text: state } = await stage.pulumi("stack", "export");
  for (const output of [preview.text, text, again, state]) {
    expect(output).not.toContain(PASSWORD);
    expect(output).not.toContain(Buffer.from(PASSWORD).toString("base64"));
    expect(output).not.toMatch(/PRIVATE KEY/);
  }
});

test("a promotion that wants another key is refused before anything is copied, and says why", async () => {
  const { exitCode, text } = await prod.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/octo\/app: the bundle sha256:\w{12} is signed with the key .+ \[verify-key\]/);
  expect((await prod.up()).exitCode).not.toBe(0);
  expect(await prodPlain.writes()).toEqual([]);
});

test("so is one of another builder, and one that is too new", async () => {
  prod.setConfig(prodConfig(keys.pub, { minAge: "2h", builder: "https://ci.example" }));
  const { exitCode, text } = await prod.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/by a builder without a name, not by https:\/\/ci\.example \[verify-builder\]/);
  expect(text).toMatch(/made at .+ \(provenance\), less than 7200 s ago \[verify-too-new\]/);
});

test("what is proved is promoted, and proved in the third and fourth registry as in the first two", async () => {
  prod.setConfig(prodConfig(keys.pub));
  await prod.upOk();
  const [from] = references("stage");
  for (const reference of references("prod")) {
    expect(await crane("digest", reference)).toBe(await crane("digest", from ?? ""));
    await expectSigned(reference);
  }
  for (const reference of references("stage")) await expectSigned(reference);
  const digest = await crane("digest", from ?? "");
  const listed = [...hosts("stage"), ...hosts("prod")].map((host) =>
    fetch(`http://${host}/v2/octo/app/referrers/${digest}`).then(({ status }) => status),
  );
  expect(await Promise.all(listed), "without, with, without, with the referrers API").toEqual([
    404, 200, 404, 200,
  ]);
  // Whoever has the manifest verifies all of it by one command.
  const file = path.join(folder, "cosign.pub");
  writeFileSync(file, keys.pub);
  const verified = await prod.run(
    {},
    process.execPath,
    path.join(__dirname, "../../src/cli/slipway.js"),
    "verify",
    "artifacts/release-manifest.json",
    "--key",
    file,
  );
  expect(verified.exitCode, verified.text).toBe(0);
});

test.runIf(EVERY_CASE)(
  "a release without a version is promoted by its commit in the signed index",
  async () => {
    const bySha = { images: images(["type=sha"]) };
    stage.setConfig({ ...stageConfig(), ...bySha });
    await stage.commit({ "app/content.txt": "newer\n" });
    const env = { COSIGN_PASSWORD: PASSWORD };
    const up = await stage.pulumiWith(env, "up", "--yes", "--non-interactive", "--skip-preview");
    expect(up.exitCode, up.text).toBe(0);
    prod.setConfig({ ...prodConfig(keys.pub), ...bySha });
    const { exitCode, text } = await prod.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/app: no build, promoted from stage/);
  },
);

test("a release without engine is signed in both registries too", async () => {
  const published = await stage.stackBeside({
    stack: "published",
    config: stageConfig("published"),
  });
  await stage.git("checkout", "--quiet", "v1.2.3");
  const env = { CI_DOCKER_CLI: cli.program, COSIGN_PASSWORD: PASSWORD };
  const { exitCode, text } = await published.slipwayWith(env, "publish", "--stack", "published");
  expect(exitCode, text).toBe(0);
  expect(text).not.toContain(PASSWORD);
  for (const reference of references("stage", "published")) await expectSigned(reference);
});
