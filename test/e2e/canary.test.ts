import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Scene } from "../support/canary/scene";
import { cosignKeyPair } from "../support/cosign";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { type StandInHub, startHub } from "../support/hub";
import { upKilledAt } from "../support/killed-engine";
import { type EngineResult, Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";
import { EVERY_CASE } from "../support/slices";

// Secrets are planted wherever a person may put one, a release goes its whole way and fails in every way, and then none
// of them may be found in anything that others can read.

/** As much as a bare engine may tell; from 9 on it prints what it hands to docker-build (docs/secrets.md). */
const TELLING = ["--debug", "--diff", "--logtostderr", "--logflow", "-v=8"];
/** As much as it can, cleaned by `slipway`. */
const ALL = ["--yes", "--debug", "--diff", "--logflow", "-v=11"];
const USER = "me";
/** In Docker's configuration. */
const HELPED = "helped";

const scene = new Scene();
const { canaries } = scene;
const secrets = {
  environment: canaries.plant("registry password in the environment"),
  config: canaries.plant("registry password in the stack's configuration"),
  rotated: canaries.plant("registry password in the stack's configuration, rotated"),
  helper: canaries.plant("registry password of a credential helper"),
  hub: canaries.plant("Docker Hub's description token", { before: "dckr_pat_", after: "" }),
  build: canaries.plant("build secret"),
  keyPassword: canaries.plant("password of the signing key"),
  passphrase: canaries.plant("passphrase of the state"),
  remote: canaries.plant("token in the git remote's address", { before: "ghp_", after: "" }),
  proxy: canaries.plant("password in the proxy's address"),
  wrongPassword: canaries.plant("registry password that is refused"),
  wrongKeyPassword: canaries.plant("key password that is wrong"),
  github: canaries.plant("GitHub token", { before: "ghp_", after: "" }),
};
const keyPair = newKeyPair();
canaries.add("signing key in the environment", keyPair.privatePem.replace(/-----[A-Z ]+-----/g, ""));

/** What the second registry takes, and the stack's configuration has. */
const configured: Record<string, string> = { [USER]: secrets.config, [HELPED]: secrets.helper };

let behind: TestRegistry;
let first: FaultProxy;
let second: TestRegistry;
let third: TestRegistry;
let hub: StandInHub;
/** Git's commands of the test itself, which see no secret. */
let repository: Project;
let stage: Project;
let prod: Project;

beforeAll(async () => {
  // Nothing is read from these without a password, by a refresh neither.
  const start = (users: Record<string, string>) =>
    startRegistry({
      auth: "token",
      tokens: {
        users,
        grant: (user, _, actions) => (user === undefined ? [] : actions),
      },
    });
  [behind, second, third, hub] = await Promise.all([
    start({ [USER]: secrets.environment, [HELPED]: secrets.helper }),
    start(configured),
    start({ [HELPED]: secrets.helper }),
    startHub(),
  ]);
  first = await startFaultProxy(behind.host);
  hub.accounts.push({ username: USER, token: secrets.hub, scope: "Read, Write, Delete" });
  hub.repositories.set("octo/app", { description: null, full_description: null });
  scene.dockerHelper([first.host, second.host, third.host], HELPED, secrets.helper);
  const keys = await cosignKeyPair(scene.outside, secrets.keyPassword);
  const env = {
    ...scene.env,
    CI_REGISTRY_USERNAME: USER,
    CI_REGISTRY_PASSWORD: secrets.environment,
    DOCKERHUB_USERNAME: USER,
    HUB_PAT: secrets.hub,
    GITHUB_TOKEN: secrets.github,
    HTTPS_PROXY: `http://${USER}:${encodeURIComponent(secrets.proxy)}@127.0.0.1:9`,
    NO_PROXY: "localhost,127.0.0.1",
    PULUMI_CONFIG_PASSPHRASE: secrets.passphrase,
    // For --event-log.
    PULUMI_DEBUG_COMMANDS: "true",
  };
  repository = await Project.create({ stack: "unused", config: {} });
  stage = await repository.stackBeside({ stack: "stage", config: stageConfig(), env });
  prod = await repository.stackBeside({
    stack: "prod",
    config: prodConfig(keys.pub),
    env: { ...env, CI_REGISTRY_USERNAME: "", CI_REGISTRY_PASSWORD: "" },
  });
  await secretConfig(stage);
  const remote = `[remote "origin"]\n\turl = https://octo:${secrets.remote}@github.com/octo/app.git\n`;
  appendFileSync(path.join(repository.dir, ".git/config"), remote);
  await commit("v1.0.0", { "cosign.key": keys.key, "HUB.md": "# app\n" });
});

afterAll(async () => {
  repository?.remove();
  await first?.stop();
  await Promise.all([behind?.stop(), second?.stop(), third?.stop(), hub?.stop()]);
  scene.remove();
});

function images() {
  const tags = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}"];
  const description = { file: "HUB.md" };
  return [{ name: "app", context: "app", platforms: ["linux/amd64"], sbom: false, tags, description }];
}

function stageConfig(more: object = {}) {
  return {
    registries: [
      { host: first.host, namespace: "octo", hub: hub.url },
      { host: second.host, namespace: "octo", username: USER },
    ],
    images: images(),
    sign: { mode: "key", keyFile: "cosign.key" },
    ...more,
  };
}

function prodConfig(key: string) {
  return {
    registries: [{ host: third.host, namespace: "prod" }],
    images: images().map(({ description: _, ...image }) => image),
    promote: { from: "stage", verify: { key, predicates: ["signature", "statement"] } },
  };
}

/** By standard input: arguments are for everybody to see. */
async function secretConfig(project: Project): Promise<void> {
  for (const [at, value] of [
    ["registries[1].password", configured[USER] ?? ""],
    ["images[0].secrets.TOKEN", secrets.build],
    ["sign.password", secrets.keyPassword],
  ] as const) {
    await new Promise<void>((resolve, reject) => {
      const args = ["config", "set", "--stack", project.stack, "--secret", "--path", `slipway:${at}`];
      const child = spawn("pulumi", args, {
        cwd: project.dir,
        env: project.env,
        stdio: ["pipe", "ignore", "inherit"],
      });
      child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`config set ${at}: ${code}`))));
      child.stdin.end(value);
    });
  }
}

async function configure(more: object): Promise<void> {
  stage.setConfig(stageConfig(more));
  await secretConfig(stage);
}

function commit(version: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const dockerfile = "FROM scratch\nCOPY app.txt /\n";
  return repository.commit({ "app/Dockerfile": dockerfile, "app/app.txt": version, ...files }, version);
}

/** Keeps what a command printed, and what came of it. */
function seen(what: string, { exitCode, text }: EngineResult, fails: boolean): string {
  scene.look(what, text);
  expect(exitCode !== 0, `${what}:\n${text.slice(-3000)}`).toBe(fails);
  return text;
}

const works = (what: string, result: EngineResult) => seen(what, result, false);
const fails = (what: string, result: EngineResult) => seen(what, result, true);
const events = (name: string) => ["--event-log", path.join(scene.dir, "logs", `${name}.json`)];

describe("a release goes its way", () => {
  test("preview", async () => {
    const text = works("preview", await stage.preview(...TELLING));
    expect(text).toMatch(/Marshaling property for RPC|eventSink::/);
    works("preview as JSON", await stage.preview("--json"));
    works("plan", await stage.slipway("plan", "--stack", "stage", "--json"));
    expect(second.tokenServer?.requests.some(({ user }) => user === USER)).toBe(true);
  });

  test("up by slipway, with everything that the engine can tell", async () => {
    const text = works("slipway up -v=11", await stage.slipway("up", "--", ...ALL));
    // What it would have told is in there, cleaned.
    expect(text).toMatch(/RegisterResource\(docker-build:index:Image.*password=\{\[secret\]\}/);
    expect(text).toMatch(/TOKEN=\{\[secret\]\}/);
    expect(hub.repositories.get("octo/app")?.full_description).toBe("# app\n");
  });

  test("up again, signed by a key in the environment, with a password that was rotated", async () => {
    configured[USER] = secrets.rotated;
    await secretConfig(stage);
    await commit("v1.0.1");
    const env = { COSIGN_PRIVATE_KEY: keyPair.privatePem };
    const args = ["up", "--yes", "--non-interactive", "--skip-preview", ...events("up"), ...TELLING];
    works("up", await stage.pulumiWith(env, ...args));
  });

  test("rollback", async () => {
    await configure({ rollback: { to: "v1.0.0", bad: ["v1.0.1"] } });
    works("rollback", await stage.up(...events("rollback"), ...TELLING));
    await configure({});
  });

  test("promotion of what it proves", async () => {
    await repository.git("checkout", "--quiet", "v1.0.0");
    await configure({});
    works("stage at v1.0.0", await stage.up(...TELLING));
    works("promotion", await prod.up("-v=11", "--debug", "--logtostderr", "--logflow"));
    works("report", await prod.slipway("report"));
    await repository.git("checkout", "--quiet", "main");
  });

  test("refresh, for which no program runs: the stack is asked for its password", async () => {
    const requests = second.tokenServer?.requests ?? [];
    const before = requests.length;
    works("refresh", await stage.pulumi("refresh", "--yes", "--non-interactive", ...TELLING));
    expect(requests.slice(before).map(({ user }) => user)).toContain(USER);
  });
});

describe("and it fails", () => {
  test("where a registry refuses a password (401)", async () => {
    await commit("v1.1.0");
    const env = { CI_REGISTRY_PASSWORD: secrets.wrongPassword };
    fails(
      "401",
      await stage.pulumiWith(env, "up", "--yes", "--non-interactive", "--skip-preview", ...TELLING),
    );
  });

  test("where a registry refuses the push and tells what it was sent (403)", async () => {
    const token = first.requests
      .map(({ headers }) => String(headers.authorization))
      .filter((value) => value.startsWith("Bearer"))
      .at(-1);
    const body = JSON.stringify({
      errors: [{ code: "DENIED", message: `you sent ${token} ${secrets.environment}` }],
    });
    const mend = first.inject({
      method: "POST",
      path: /\/blobs\/uploads\//,
      fault: { kind: "answer", status: 403, body },
    });
    const text = fails("403", await stage.up(...TELLING));
    mend();
    expect(text).toMatch(/403/);
  });

  test("where a tag cannot be written, with a file of diagnostics", async () => {
    const mend = first.inject({
      method: "PUT",
      path: /\/manifests\/1\.1\.0$/,
      fault: { kind: "answer", status: 400, body: `no: ${secrets.environment}` },
    });
    const text = fails("400 at a tag", await stage.up(...TELLING));
    mend();
    expect(text).toMatch(/artifacts\/diagnostics-/);
  });

  test("where the key's password is wrong", async () => {
    const env = { COSIGN_PASSWORD: secrets.wrongKeyPassword };
    const text = fails(
      "wrong key password",
      await stage.pulumiWith(env, "preview", "--non-interactive", ...TELLING),
    );
    expect(text).toMatch(/does not open with this password/);
  });

  test("where a build fails", async () => {
    await commit("v1.2.0", { "app/Dockerfile": "FROM scratch\nCOPY absent.txt /\n" });
    const text = fails("failing build", await stage.up(...TELLING));
    expect(text).toMatch(/absent\.txt/);
  });

  test.runIf(EVERY_CASE)("where it is killed at a tag, and the next run finishes", async () => {
    await commit("v1.3.0");
    const at = { method: "PUT", path: /\/manifests\/1\.3\.0$/ };
    const killed = await upKilledAt(stage, first, at, { args: TELLING });
    fails("killed", killed);
    await stage.pulumi("cancel", "--yes");
    works("after the kill", await stage.up(...TELLING));
  });
});

test("destroy", async () => {
  works(
    "destroy",
    await stage.pulumi("destroy", "--yes", "--non-interactive", "-v=8", "--debug", "--logtostderr"),
  );
});

test("no canary is in anything that others can read", async () => {
  // Tokens that registries gave are secrets too, as long as they live.
  for (const { headers } of first.requests) {
    const signature = /^Bearer [^.]+\.[^.]+\.(.+)$/.exec(String(headers.authorization))?.[1];
    if (signature !== undefined) canaries.add("token that a registry gave", signature.replace(/[-_]/g, "x"));
  }
  for (const project of [stage, prod]) {
    scene.look("state", (await project.pulumi("stack", "export")).text);
    scene.look("outputs", (await project.pulumi("stack", "output", "--json")).text);
    scene.look("history", (await project.pulumi("stack", "history", "--json")).text);
  }
  scene.lookBelow("surroundings", scene.dir);
  scene.lookBelow("project", path.join(stage.dir, "artifacts"));
  for (const name of ["stage", "prod"]) {
    scene.look(`Pulumi.${name}.yaml`, readFileSync(path.join(stage.dir, `Pulumi.${name}.yaml`), "utf8"));
  }
  scene.lookBelow("state's folder", new URL(stage.env.PULUMI_BACKEND_URL ?? "").pathname);
  for (const [name, { dir }] of Object.entries({ behind, second, third })) {
    // Its signed blobs, manifests, statements and layers; not the configuration of the server itself.
    scene.lookBelow(`registry ${name}`, path.join(dir, "storage"));
  }
  expect(scene.lookAtPrograms()).toEqual(
    expect.arrayContaining(["git-arguments", "git-environment", "helper-arguments"]),
  );
  const { leaks, looked, processes } = scene.found;
  expect(leaks).toEqual([]);
  // The search has looked at something, and at processes while they ran.
  expect(looked).toBeGreaterThan(200);
  expect(processes).toBeGreaterThan(50);
});
