import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { declaredCode } from "../../src/cli/plan/run-program";
import { readWorkflowStacks } from "../../src/inputs/workflow-stacks";
import { workflowFiles } from "../../src/workflows/generate";
import type { Job } from "../../src/workflows/model";
import { crane } from "../support/crane";
import { type DockerCli, dockerCli } from "../support/docker-cli";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";
import { type JobResult, removeRunner, runJob, type Started } from "../support/workflow-runner";

/** The runbook's generated workflows, their own scripts carried out by the real engine against a real registry. */
let registry: TestRegistry;
let cli: DockerCli;
let aionis: Project;
let repository: string;
const runners: JobResult[] = [];
const keys = newKeyPair();

beforeAll(async () => {
  registry = await startRegistry();
  cli = dockerCli();
  repository = `${registry.host}/cognary/aionis`;
  aionis = await Project.fromExample({
    example: "docker-release-runbook",
    stack: "main",
    env: { IMAGE_REPO: repository, CI_DOCKER_CLI: cli.program },
  });
  // The public key is in the repository, the private one a secret of the environment.
  const settings = path.join(aionis.dir, "Pulumi.main.yaml");
  writeFileSync(
    settings,
    readFileSync(settings, "utf8").replace("{ mode: none }", "{ mode: key, publicKeyFile: cosign.pub }"),
  );
  await aionis.commit({ "cosign.pub": keys.publicPem }, "docker-v0.2.1");
});

afterAll(async () => {
  runners.forEach(removeRunner);
  aionis?.remove();
  cli?.remove();
  await registry?.stop();
});

async function run(file: string, id: string, started: Started): Promise<JobResult> {
  const files = workflowFiles(await readWorkflowStacks(aionis.dir, (file) => declaredCode(aionis.dir, file)));
  const job: Job | undefined = files.find(({ path }) => path.endsWith(`/${file}`))?.workflow.jobs[id];
  if (job === undefined) throw new Error(`no job ${id} in ${file}`);
  const result = await runJob(aionis, job, started);
  runners.push(result);
  return result;
}

/** The jobs of a release, one after another: the commit that the first finds is checked out for the others. */
async function release(started: Started): Promise<JobResult & { readonly built: JobResult }> {
  const file = "docker-publish.yml";
  await aionis.git("update-ref", "refs/remotes/origin/main", "main");
  const values = {
    "github.event.repository.default_branch": "main",
    "secrets.COSIGN_PRIVATE_KEY": keys.privatePem,
    ...started.values,
  };
  const source = await run(file, "source", { ...started, values });
  expect(source.exitCode, source.text).toBe(0);
  await aionis.git("checkout", "--quiet", "--detach", source.outputs.replace("commit=", "").trim());
  const built = await run(file, "build", { ...started, values });
  expect(built.exitCode, built.text).toBe(0);
  expect(cli.calls().filter(({ env }) => "COSIGN_PRIVATE_KEY" in env)).toEqual([]);
  const artifacts = { parts: [path.join(built.temp, "parts")] };
  return { ...(await run(file, "release", { ...started, values, artifacts })), built };
}

async function head(): Promise<string> {
  return (await aionis.git("rev-parse", "HEAD")).trim();
}

async function event(name: string, ref: string): Promise<Record<string, string>> {
  return { GITHUB_EVENT_NAME: name, GITHUB_REF: ref, GITHUB_SHA: await head() };
}

const MAIN_ROW = {
  "matrix.stack": "main",
  "matrix.file": "Pulumi.main.yaml",
  "matrix.tags": "refs/tags/docker-v*",
};

function digest(tag: string): Promise<string> {
  return crane("digest", `${repository}:${tag}`);
}

async function writes(): Promise<string[]> {
  return (await registry.writes()).map(({ method, path: at }) => `${method} ${at}`);
}

describe("docker-publish.yml", () => {
  test("a git tag of the lane releases it, without a backend, a passphrase or a dirty tree", async () => {
    const env = await event("push", "refs/tags/docker-v0.2.1");
    const { exitCode, text, summary, built } = await release({ env });
    expect(exitCode, text).toBe(0);
    expect(built.text).not.toContain("pulumi");
    // The repository's own commands run where nothing can be signed.
    expect(built.text).toContain("check core gate: npm run gate:core");
    expect(text).not.toContain("core gate");
    expect(text).not.toMatch(/^building /m);
    expect(await digest("v0.2.1")).toBe(await digest("latest"));
    expect(summary).toContain("v0.2.1");
    expect(text).not.toContain("working tree is dirty");
  });

  test("a second run on another runner knows no state, and writes nothing", async () => {
    await aionis.git("checkout", "--quiet", "Pulumi.main.yaml");
    await registry.forget();
    const env = await event("push", "refs/tags/docker-v0.2.1");
    const { exitCode, text } = await release({ env });
    expect(exitCode, text).toBe(0);
    expect(await writes()).toEqual([]);
  });

  test("by hand, the version and the ref that were typed in are released", async () => {
    await aionis.git("checkout", "--quiet", "main");
    const started = await head();
    await aionis.commit({ "src/new.mjs": "export {};\n" });
    const ref = await head();
    const { exitCode, text } = await release({
      env: { GITHUB_EVENT_NAME: "workflow_dispatch", GITHUB_REF: "refs/heads/main", GITHUB_SHA: started },
      payload: { inputs: { version: "v0.2.2", ref } },
      values: { "inputs.version": "v0.2.2", "inputs.ref": ref },
    });
    expect(exitCode, text).toBe(0);
    expect(await digest("v0.2.2")).toBe(await digest("latest"));
    expect(await digest("v0.2.1")).not.toBe(await digest("latest"));
    await aionis.git("tag", "docker-v0.2.2");
  });
});

describe("preview.yml", () => {
  test("shows the plan, without an engine or a secret, and writes nothing", async () => {
    await registry.forget();
    const env = await event("pull_request", "refs/pull/7/merge");
    const { exitCode, text, summary } = await run("preview.yml", "preview", { env, values: MAIN_ROW });
    expect(exitCode, text).toBe(0);
    expect(text).toContain("    Release plan for main");
    expect(summary).toContain("    Release plan for main");
    expect(await writes()).toEqual([]);
  });
});

describe("drift.yml", () => {
  const drift = async () =>
    run("drift.yml", "versions", { env: await event("schedule", "refs/heads/main"), values: MAIN_ROW });

  test("is content with what was released", async () => {
    const { exitCode, text, outputs } = await drift();
    expect(exitCode, text).toBe(0);
    expect(outputs).toBe("tag=docker-v0.2.2\n");
  });

  test("fails where somebody moved a tag, and names it", async () => {
    const latest = await digest("latest");
    await crane("tag", `${repository}:v0.2.1`, "latest");
    const moved = await drift();
    expect(moved.exitCode).toBe(1);
    expect(moved.text).toContain(`${repository}:latest points to something else`);
    await crane("tag", `${repository}@${latest}`, "latest");
    expect((await drift()).exitCode).toBe(0);
  });
});
