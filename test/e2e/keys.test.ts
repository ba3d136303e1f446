import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { cosign } from "../support/cosign";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";

let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  // Nothing says how to sign.
  project = await Project.create({ config: { ...settings(), sign: undefined } });
  await project.commit(
    {
      "app/Dockerfile": "FROM scratch\nCOPY content.txt /content.txt\n",
      "app/content.txt": "content\n",
      // As a person's would.
      ".gitignore": "Pulumi.*.yaml\ncosign*.pub\n",
    },
    "v1.2.3",
  );
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

function settings() {
  return {
    registries: [{ host: registry.host, namespace: "octo" }],
    images: [
      {
        name: "app",
        context: "app",
        platforms: ["linux/amd64"],
        sbom: false,
        tags: ["type=semver,pattern={{version}}"],
      },
    ],
  };
}

const text = (name: string) => readFileSync(path.join(project.dir, name), "utf8");

/** Files of the project or its state that contain a private key. */
function leaks(): string {
  const pattern = "BEGIN.*PRIVATE KEY|MIGHAgEAMBMGByqGSM49";
  const folders = [project.dir, String(project.env.PULUMI_BACKEND_URL).replace("file://", "")];
  try {
    return execFileSync("grep", ["-rElI", "--exclude-dir=node_modules", pattern, ...folders]).toString();
  } catch {
    return "";
  }
}

test("without a key a release is refused before anything is written, and two remedies are named", async () => {
  for (const { exitCode, text: said } of [
    await project.preview(),
    await project.up(),
    await project.slipway("plan"),
    await project.slipway("publish"),
  ]) {
    expect(exitCode).not.toBe(0);
    expect(said).toMatch(
      /there is none: neither COSIGN_PRIVATE_KEY nor sign\.key or sign\.keyFile.*\[sign-no-key\]/,
    );
    expect(said).toMatch(/slipway keys --stack stage\. Or set slipway:sign to \{ mode: none \}/);
  }
  expect(await registry.writes()).toEqual([]);
});

test("keys makes a pair: the public key is a file, the private one encrypted in the stack's settings", async () => {
  const { exitCode, text: said } = await project.slipway("keys", "--json");
  expect(exitCode, said).toBe(0);
  expect(JSON.parse(said)).toEqual({ stack: "stage", action: "created", publicKeyFile: "cosign.pub" });
  expect(text("cosign.pub")).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  const { config } = parse(text("Pulumi.stage.yaml"));
  expect(config["slipway:sign"]).toEqual({
    key: { secure: expect.stringMatching(/^v1:/) },
    publicKeyFile: "cosign.pub",
  });
  expect(leaks()).toBe("");
});

test("a second run changes nothing", async () => {
  const before = [text("cosign.pub"), text("Pulumi.stage.yaml")];
  const { exitCode, text: said } = await project.slipway("keys");
  expect(exitCode, said).toBe(0);
  expect(said).toBe("Nothing to do: stage has a key, and cosign.pub is its public half.\n");
  expect([text("cosign.pub"), text("Pulumi.stage.yaml")]).toEqual(before);
});

test("a public key that was lost is written again, the same", async () => {
  const before = text("cosign.pub");
  rmSync(path.join(project.dir, "cosign.pub"));
  const { exitCode, text: said } = await project.slipway("keys", "--json");
  expect(exitCode, said).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ action: "completed", publicKeyFile: "cosign.pub" });
  expect(text("cosign.pub")).toBe(before);
});

test("the release is signed, cosign verifies it by the file, and a second up writes nothing", async () => {
  await project.upOk();
  const reference = `${registry.host}/octo/app:1.2.3`;
  const { exitCode, stderr } = await cosign(
    ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", reference],
    { cwd: project.dir },
  );
  expect(exitCode, stderr).toBe(0);
  await registry.forget();
  expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
  expect(await registry.writes()).toEqual([]);
  expect(leaks()).toBe("");
});

test("a plan without the engine knows that there is a key; what signs without the engine needs it", async () => {
  expect((await project.slipway("plan")).exitCode).toBe(0);
  await project.commit({ "app/content.txt": "other\n" }, "v1.2.4");
  const { exitCode, text: said } = await project.slipway("publish");
  expect(exitCode).toBe(1);
  expect(said).toMatch(/sign\.key, which is encrypted: only the engine can read it \[sign-no-key\]/);
});

test("another private key than the one that the settings name is refused by the preview", async () => {
  const env = { COSIGN_PRIVATE_KEY: newKeyPair().privatePem };
  const { exitCode, text: said } = await project.pulumiWith(env, "preview", "--non-interactive");
  expect(exitCode).not.toBe(0);
  expect(said).toMatch(/does not match slipway:sign\.publicKey/);
});

test("a second stack gets a key of its own, and a file of its own", async () => {
  const beside = await project.stackBeside({ stack: "canary", config: { ...settings(), sign: undefined } });
  const { exitCode, text: said } = await beside.slipway("keys", "--stack", "canary", "--json");
  expect(exitCode, said).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ action: "created", publicKeyFile: "cosign.canary.pub" });
  expect(text("cosign.canary.pub")).not.toBe(text("cosign.pub"));
});

test("a private key of the environment stays there: its public half is all that is written", async () => {
  const pair = newKeyPair();
  const beside = await project.stackBeside({ stack: "ci", config: { ...settings(), sign: undefined } });
  const { exitCode, text: said } = await beside.slipwayWith(
    { COSIGN_PRIVATE_KEY: pair.privatePem },
    ...["keys", "--stack", "ci", "--public-key", "keys/ci.pub", "--json"],
  );
  expect(exitCode, said).toBe(0);
  expect(JSON.parse(said)).toEqual({ stack: "ci", action: "completed", publicKeyFile: "keys/ci.pub" });
  expect(text("keys/ci.pub")).toBe(pair.publicPem);
  expect(parse(text("Pulumi.ci.yaml")).config["slipway:sign"]).toEqual({ publicKeyFile: "keys/ci.pub" });
  const without = await beside.slipway("keys", "--stack", "ci");
  expect(without.exitCode).toBe(1);
  expect(without.text).toMatch(/ci names a public key, but its private key is not available \[keys-refused\]/);
});

test.each([
  ["promotes", { promote: { from: "stage" } }, /promotes what another stack signed, and signs nothing/],
  ["signs nothing", { sign: { mode: "none" } }, /say sign\.mode: none: it needs no key/],
])("a stack that %s needs none", async (_, more, message) => {
  const stack = `no-${message.source.length}`;
  const beside = await project.stackBeside({ stack, config: { ...settings(), sign: undefined, ...more } });
  const { exitCode, text: said } = await beside.slipway("keys", "--stack", stack);
  expect(exitCode).toBe(1);
  expect(said).toMatch(message);
});

test("a file of another key is not overwritten, and no key is left without its public half", async () => {
  const beside = await project.stackBeside({ stack: "other", config: { ...settings(), sign: undefined } });
  const first = await beside.slipway("keys", "--stack", "other", "--public-key", "cosign.pub");
  expect(first.exitCode).toBe(1);
  expect(first.text).toMatch(/cosign\.pub: already exists, with another key \[keys-refused\]/);
  const second = await beside.slipway("keys", "--stack", "other", "--json");
  expect(JSON.parse(second.text)).toMatchObject({ publicKeyFile: "cosign.other.pub" });
});

test("a replaced key's public half stays trusted while a new pair is made beside it", async () => {
  const sign = { trusted: [{ keyFile: "cosign.pub" }] };
  const beside = await project.stackBeside({ stack: "rotated", config: { ...settings(), sign } });
  const args = ["keys", "--stack", "rotated", "--public-key", "cosign.2.pub", "--json"];
  const { exitCode, text: said } = await beside.slipway(...args);
  expect(exitCode, said).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ action: "created", publicKeyFile: "cosign.2.pub" });
  expect(parse(text("Pulumi.rotated.yaml")).config["slipway:sign"]).toEqual({
    ...sign,
    key: { secure: expect.stringMatching(/^v1:/) },
    publicKeyFile: "cosign.2.pub",
  });
});

test("a stack that the backend does not have is named with the command that makes it", async () => {
  await project.commit({ "Pulumi.gone.yaml": "config: {}\n" });
  const { exitCode, text: said } = await project.slipway("keys", "--stack", "gone");
  expect(exitCode).toBe(1);
  expect(said).toMatch(/pulumi stack init gone/);
  expect(said).not.toMatch(/PRIVATE KEY/);
});
