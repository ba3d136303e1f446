import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import type { DesiredContent } from "../../../src/plan/resource-inputs";
import { content } from "../../../src/provider/resources/content";
import { imageCopy } from "../../../src/provider/resources/image-copy";
import { type Context, NO_LOG } from "../../../src/release/operation";
import { NO_CONFIG, type SigningConfig } from "../../../src/release/provider-config";
import { Registries } from "../../../src/release/registries";
import { Signing } from "../../../src/release/signing";
import { verifyImage } from "../../../src/signing/verify-image";
import { cosign, cosignKeyPair } from "../../support/cosign";
import { desiredContent, EngineCalls, type State } from "../../support/engine-calls";
import { type Olareg, startOlareg } from "../../support/olareg";
import { deleteManifest, startRegistry, type TestRegistry } from "../../support/registry";
import { SETTINGS_PROGRAM } from "../../support/settings-program";
import { type KeyPair, newKeyPair, pemPair, REVISION, SOURCE, statementOf } from "../../support/signed-image";
import { type Authorities, startAuthorities, token } from "../../support/sigstore";
import { clientOf, pushIndex } from "../registry/content";

const PASSWORD = "correct horse battery staple";
const STATEMENT = "https://slipway.dev/release/v1";
const ISSUER = "https://token.actions.githubusercontent.com";
const WORKFLOW = "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3";

let plain: TestRegistry;
let withApi: Olareg;
let folder: string;
let authorities: Authorities;
let encrypted: { readonly key: string; readonly pub: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-cosign-"));
  [plain, withApi, authorities, encrypted] = await Promise.all([
    startRegistry(),
    startOlareg(),
    startAuthorities(),
    cosignKeyPair(folder, PASSWORD),
  ]);
});

afterAll(async () => {
  await Promise.all([plain.stop(), withApi.stop(), authorities.stop()]);
  await rm(folder, { recursive: true });
});

function contextOf(signing: SigningConfig, env: Readonly<Record<string, string>> = {}): Context {
  const registries = new Registries(NO_CONFIG, { DOCKER_CONFIG: "/nonexistent" });
  return {
    registries,
    signing: new Signing(signing, env),
    log: NO_LOG,
  };
}

const OPERATION = { urn: "urn:pulumi:stage::app::slipway-registry:index:ImageCopy::app", preview: false };

interface Release {
  readonly digest: Digest;
  /** `host/path`: without and with the referrers API. */
  readonly repositories: readonly string[];
  readonly plan: DesiredContent;
  readonly state: State;
}

/** The same image in both registries, stated and signed. */
async function release(name: string, context: Context, sign: "key" | "keyless"): Promise<Release> {
  const { digest } = await pushIndex(clientOf(plain.host), `octo/${name}`);
  const repositories = [`${plain.host}/octo/${name}`, `${withApi.host}/octo/${name}`];
  await imageCopy.create(
    context,
    { image: name, source: repositories[0], digest, repositories, platforms: ["linux/amd64"] },
    OPERATION,
  );
  const plan = desiredContent({
    image: name,
    repositories,
    platforms: ["linux/amd64"],
    statement: statementOf({ image: name }),
    sign,
  });
  const state = await new EngineCalls(content, context).create({ digest }, plan);
  return { digest, repositories, plan, state };
}

const references = ({ repositories, digest }: Release) => repositories.map((each) => `${each}@${digest}`);

/** Every check of one image by cosign, with the flags that say who has to have signed. */
async function expectVerified(reference: string, ...who: string[]): Promise<void> {
  const image = await cosign(["verify", "--new-bundle-format", ...who, reference]);
  expect(image, `cosign verify ${reference}: ${image.stderr}`).toMatchObject({ exitCode: 0 });
  const statement = await cosign([
    "verify-attestation",
    "--new-bundle-format",
    "--type",
    STATEMENT,
    ...who,
    reference,
  ]);
  expect(statement, `cosign verify-attestation ${reference}: ${statement.stderr}`).toMatchObject({
    exitCode: 0,
  });
  expect(payloadOf(statement.stdout)).toMatchObject({
    predicateType: STATEMENT,
    predicate: { version: "1.2.3", revision: REVISION },
  });
}

function payloadOf(output: string): unknown {
  const { payload }: { payload: string } = JSON.parse(output.trim().split("\n")[0] ?? "");
  return JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
}

async function keyFlags(name: string, publicPem: string): Promise<string[]> {
  const file = join(folder, `${name}.pub`);
  await writeFile(file, publicPem);
  return ["--key", file, "--insecure-ignore-tlog=true"];
}

async function copied(context: Context, from: Release, name: string): Promise<Release> {
  const repositories = [`${plain.host}/prod/${name}`, `${withApi.host}/prod/${name}`];
  await imageCopy.create(
    context,
    {
      image: name,
      source: from.repositories[0],
      digest: from.digest,
      repositories,
      platforms: ["linux/amd64"],
    },
    OPERATION,
  );
  return { ...from, repositories };
}

describe("what a key signed, cosign verifies", () => {
  const ed25519: KeyPair = pemPair(generateKeyPairSync("ed25519"));
  const p256 = newKeyPair();
  const kinds: readonly [string, () => { signing: SigningConfig; pub: string }][] = [
    [
      "cosign's own encrypted key",
      () => ({ signing: { mode: "key", key: encrypted.key, password: PASSWORD }, pub: encrypted.pub }),
    ],
    ["pem-ec", () => ({ signing: { mode: "key", key: p256.privatePem }, pub: p256.publicPem })],
    ["pem-ed25519", () => ({ signing: { mode: "key", key: ed25519.privatePem }, pub: ed25519.publicPem })],
  ];

  test.each(kinds)(
    "%s, in both registries, and after promotion to two more repositories",
    async (kind, make) => {
      const { signing, pub } = make();
      const name = kind.replaceAll(/[^a-z0-9]+/g, "-");
      const context = contextOf(signing);
      const made = await release(name, context, "key");
      const who = await keyFlags(name, pub);
      for (const reference of references(made)) await expectVerified(reference, ...who);
      const prod = await copied(context, made, name);
      for (const reference of references(prod)) await expectVerified(reference, ...who);
      const rules = {
        signer: { kind: "key", publicKey: pub },
        predicates: ["signature", "statement"],
        platforms: ["linux/amd64"],
        image: name,
      } as const;
      const repositories = [...made.repositories, ...prod.repositories];
      const verdicts = await verifyImage(
        { repositories, digest: made.digest, rules },
        (host) => context.registries.connect(host).client,
        new Date(),
      );
      expect(verdicts.flatMap(({ problems }) => problems)).toEqual([]);
      expect(verdicts).toHaveLength(4);
    },
  );

  test("cosign refuses another key", async () => {
    const context = contextOf({ mode: "key", key: p256.privatePem });
    const made = await release("refused", context, "key");
    const who = await keyFlags("other", newKeyPair().publicPem);
    for (const reference of references(made)) {
      expect((await cosign(["verify", ...who, reference])).exitCode).not.toBe(0);
    }
  });

  test("what cosign signed, Slipway verifies, signs no second time, and copies whole", async () => {
    const { digest } = await pushIndex(clientOf(withApi.host), "octo/theirs");
    const repository = `${withApi.host}/octo/theirs`;
    const signed = await cosign(
      [
        "sign",
        "--key",
        "cosign.key",
        "--tlog-upload=false",
        "--use-signing-config=false",
        `${repository}@${digest}`,
      ],
      { cwd: folder, password: PASSWORD },
    );
    expect(signed).toMatchObject({ exitCode: 0 });
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const { client, path } = context.registries.at(repository);
    const before = await client.referrers(path, digest);
    const plan = desiredContent({ image: "theirs", repositories: [repository], platforms: [], sign: "key" });
    const { outputs } = await new EngineCalls(content, context).create({ digest }, plan);
    expect(outputs).toMatchObject({ referrers: before.map((each) => `${repository}@${each.digest}`) });
    expect(await client.referrers(path, digest)).toEqual(before);

    const repositories = [`${plain.host}/prod/theirs`, `${withApi.host}/prod/theirs`];
    const copy = { image: "theirs", source: repository, digest, repositories, platforms: ["linux/amd64"] };
    await imageCopy.create(context, copy, OPERATION);
    const who = await keyFlags("theirs", encrypted.pub);
    for (const each of repositories)
      expect(await cosign(["verify", ...who, `${each}@${digest}`])).toMatchObject({ exitCode: 0 });
  });
});

describe("what an identity signed", () => {
  test("cosign verifies by certificate, log and trusted root, in both registries", async () => {
    const { fulcio, rekor, trustedRoot } = authorities;
    const claims = { iss: ISSUER, sub: WORKFLOW, repository: "octo/app", sha: REVISION };
    const context = contextOf(
      { mode: "keyless", fulcio, rekor, trustedRoot },
      { SIGSTORE_ID_TOKEN: token(claims) },
    );
    const made = await release("keyless", context, "keyless");
    const root = join(folder, "trusted_root.json");
    await writeFile(root, trustedRoot);
    const who = [
      "--trusted-root",
      root,
      "--certificate-identity",
      WORKFLOW,
      "--certificate-oidc-issuer",
      ISSUER,
    ];
    for (const reference of references(made)) await expectVerified(reference, ...who);
    const wrong = who.map((flag) => (flag === WORKFLOW ? `${WORKFLOW}-other` : flag));
    expect((await cosign(["verify", ...wrong, references(made)[0] ?? ""])).exitCode).not.toBe(0);
    // The same identity, with another token and certificate: nothing is written.
    await plain.forget();
    await new EngineCalls(content, context).create({ digest: made.digest }, made.plan);
    expect(await plain.writes()).toEqual([]);
  });
});

describe("slipway verify", () => {
  interface Verification {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  function slipway(...args: string[]): Promise<Verification> {
    const program = join(__dirname, "../../../src/cli/slipway.js");
    const env = { PATH: process.env.PATH, HOME: folder, DOCKER_CONFIG: folder, NO_COLOR: "1" };
    return new Promise((resolve) => {
      execFile(process.execPath, [program, "verify", ...args], { env }, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      );
    });
  }

  test("a reference, and a manifest with every image in every registry", async () => {
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const made = await release("cli", context, "key");
    const key = join(folder, "cosign.pub");
    const [first = "", second = ""] = made.repositories;
    const one = await slipway(`${first}@${made.digest}`, "--key", key, "--image", "cli");
    expect(one).toMatchObject({ exitCode: 0, stderr: "" });
    expect(one.stdout).toMatch(/verified/);

    const image = {
      name: "cli",
      version: "1.2.3",
      digest: made.digest,
      contentKey: "",
      platforms: ["linux/amd64"],
      repositories: made.repositories,
      references: [],
      tags: [],
      attestations: [],
    };
    const manifest = {
      schema: 1,
      stack: "stage",
      revision: REVISION,
      images: [image],
      skipped: {},
      run: { tags: [] },
    };
    const file = join(folder, "release-manifest.json");
    await writeFile(file, JSON.stringify(manifest));
    const whole = await slipway(file, "--key", key, "--json");
    expect(whole).toMatchObject({ exitCode: 0, stderr: "" });
    expect(JSON.parse(whole.stdout)).toMatchObject({
      verdicts: [
        { repository: first, verified: true },
        { repository: second, verified: true },
      ],
    });

    await writeFile(file, JSON.stringify({ ...manifest, revision: REVISION.replaceAll("0", "f") }));
    const other = await slipway(file, "--key", key);
    expect(other.exitCode).toBe(1);
    expect(other.stdout).toMatch(/says revision 0123.+, not f123.+\[verify-revision\]/);
  });

  test("by the rules of a stack, which flags override", async () => {
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const made = await release("stack", context, "key");
    const [first = ""] = made.repositories;
    const project = join(folder, "project");
    await mkdir(project);
    const write = (stack: string, verify: object | undefined, policy: object = {}, sign: object = {}) =>
      writeFile(
        join(project, `Pulumi.${stack}.yaml`),
        JSON.stringify({
          config: {
            "slipway:registries": [{ host: plain.host, namespace: "octo" }],
            "slipway:images": [{ name: "stack" }],
            "slipway:promote": { from: "stage", ...(verify === undefined ? {} : { verify }) },
            "slipway:policy": policy,
            "slipway:sign": sign,
          },
        }),
      );
    await writeFile(join(project, "Pulumi.yaml"), "name: slipway\nruntime: nodejs\n");
    await writeFile(join(project, "index.js"), SETTINGS_PROGRAM);
    await writeFile(join(project, "cosign.pub"), encrypted.pub);
    await write("prod", { keyFile: "cosign.pub" });
    await write("strict", { keyFile: "cosign.pub", source: "https://github.com/octo/other" });
    await write("licences", { keyFile: "cosign.pub" }, { deniedLicences: { licences: ["GPL-3.0-only"] } });
    await write("open", undefined, {}, { mode: "none" });
    const verify = (...args: string[]) => slipway(`${first}@${made.digest}`, "--cwd", project, ...args);

    expect(await verify("--stack", "prod")).toMatchObject({ exitCode: 0, stderr: "" });
    const strict = await verify("--stack", "strict");
    expect(strict.exitCode).toBe(1);
    expect(strict.stdout).toMatch(/\[verify-source\]/);
    expect(await verify("--stack", "strict", "--source", SOURCE)).toMatchObject({ exitCode: 0 });
    const other = join(folder, "other.pub");
    await writeFile(other, newKeyPair().publicPem);
    expect((await verify("--stack", "prod", "--key", other)).stdout).toMatch(/\[verify-key\]/);
    for (const args of [["licences"], ["prod", "--deny-licence", "/A?GPL-.+/"]]) {
      const licences = await verify("--stack", ...args);
      expect(licences.exitCode).toBe(1);
      expect(licences.stdout).toMatch(/has no readable SBOM for linux\/amd64.+\[verify-licence\]/);
    }
    const open = await verify("--stack", "open");
    expect(open).toMatchObject({ exitCode: 1, stdout: "" });
    expect(open.stderr).toMatch(/the stack open requires no evidence of what it promotes \[verify-rules\]/);
  });

  test("refuses what another key signed, what nobody signed, and what is not there", async () => {
    const { digest } = await pushIndex(clientOf(plain.host), "octo/bare", { tag: "1.0.0" });
    const key = join(folder, "cosign.pub");
    const bare = await slipway(`${plain.host}/octo/bare:1.0.0`, "--key", key, "--json");
    expect(bare.exitCode).toBe(1);
    expect(JSON.parse(bare.stdout)).toMatchObject({
      verdicts: [{ digest, verified: false, problems: [{ code: "verify-unsigned" }] }],
    });
    const gone = await slipway(`${plain.host}/octo/bare:2.0.0`, "--key", key);
    expect(gone).toMatchObject({ exitCode: 1, stdout: "" });
    expect(gone.stderr).toMatch(/there is no such image \[verify-missing\]/);
  });

  test.each([
    ["nobody is named", []],
    ["two are named", ["--key", "a", "--subject", "b"]],
    ["an age without a unit", ["--key", "a", "--max-age", "30"]],
    ["a broken pattern", ["--subject", "/(/"]],
    ["no commit", ["--key", "a", "--revision", "main"]],
  ])("is used wrongly: %s", async (_, args) => {
    expect((await slipway("ghcr.io/octo/app:1.0.0", ...args)).exitCode).toBe(2);
  });
});

describe("the resource", () => {
  test("writes nothing the second time, and the same bundle everywhere", async () => {
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const made = await release("again", context, "key");
    await plain.forget();
    const { digest, plan, state } = made;
    const { outputs } = await new EngineCalls(content, context).create({ digest }, plan);
    expect(await plain.writes()).toEqual([]);
    expect(outputs).toEqual(state.outputs);
    const byRepository = made.repositories.map((repository) =>
      digestsIn(outputs, repository).map((each) => each.split("@")[1]),
    );
    expect(byRepository[0]).toHaveLength(3);
    expect(byRepository[1]).toEqual(byRepository[0]);
  });

  test("puts back what one registry lost, without signing anew", async () => {
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const made = await release("lost", context, "key");
    await deleteManifest(made.repositories[0] ?? "", made.digest.replace(":", "-"));
    const { digest, plan, state } = made;
    const calls = new EngineCalls(content, context);
    expect(await calls.diff(state, { digest }, plan)).toEqual({ changed: ["repositories"] });
    const after = await calls.update(state, { digest }, plan);
    expect(after).toEqual(state);
    expect(await calls.diff(after, { digest }, plan)).toEqual({ changed: [] });
  });

  test("another key is a diff; a preview tells of a key that does not open, and writes nothing", async () => {
    const context = contextOf({ mode: "key", key: encrypted.key, password: PASSWORD });
    const made = await release("rotated", context, "key");
    const { digest, plan, state } = made;
    const rotated = new EngineCalls(content, contextOf({ mode: "key", key: newKeyPair().privatePem }));
    expect(await rotated.diff(state, { digest }, plan)).toEqual({ changed: ["sign"] });
    const wrong = contextOf({ mode: "key", key: encrypted.key, password: "wrong horse" });
    await plain.forget();
    const failure = await new EngineCalls(content, wrong).create({ digest }, plan, { preview: true }).then(
      () => "no failure",
      (error: unknown) => String(error),
    );
    expect(failure).toMatch(/The key to sign with does not open with this password/);
    expect(failure).not.toMatch(/wrong horse|ENCRYPTED/);
    expect(await plain.writes()).toEqual([]);
  });
});

function digestsIn(outputs: object, repository: string): string[] {
  const referrers: unknown = "referrers" in outputs ? outputs.referrers : [];
  return (Array.isArray(referrers) ? referrers.map(String) : []).filter((each) =>
    each.startsWith(repository),
  );
}
