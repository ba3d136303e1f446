import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readWorkflowStacks } from "../../src/inputs/workflow-stacks";
import { digestOf } from "../../src/plan/digest";
import { RegistryClient } from "../../src/registry/client";
import { OCI_INDEX } from "../../src/registry/manifests";
import { workflowFiles } from "../../src/workflows/generate";
import { crane } from "../support/crane";
import { type DockerCli, dockerCli } from "../support/docker-cli";
import { startFaultProxy } from "../support/fault-proxy";
import { type EngineResult, Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { newKeyPair } from "../support/signed-image";
import { EVERY_CASE } from "../support/slices";
import { type JobResult, removeRunner, runJob, type Started } from "../support/workflow-runner";

/** Each platform on a runner of its own: a checkout of its own, the same commit, two registries, and a merge. */
const PLATFORMS = ["linux/amd64", "linux/arm64"] as const;
const VERSION = "v1.2.3";
const SLIPWAY = path.resolve(__dirname, "../../src/cli/slipway.js");

let first: TestRegistry;
let second: TestRegistry;
let cli: DockerCli;
let main: Project;
let runners: { readonly amd64: Project; readonly arm64: Project };
/** Parts with a later build of one platform. */
let later: string;
/** Folders to remove. */
const kept: string[] = [];
const ended: JobResult[] = [];

beforeAll(async () => {
  [first, second] = await Promise.all([startRegistry(), startRegistry()]);
  cli = dockerCli();
  main = await Project.create({ config: config("octo"), env: env() });
  await main.commit(
    {
      "app/Dockerfile": "ARG TARGETARCH\nFROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /arch\n",
      "app/amd64": "Intel\n",
      "app/arm64": "Arm\n",
      "plain/Dockerfile": "FROM scratch\nCOPY file /file\n",
      "plain/file": "plain\n",
    },
    VERSION,
  );
  const clone = () => Project.create({ config: config("octo"), env: env() }, main);
  const [amd64, arm64] = [await clone(), await clone()];
  runners = { amd64, arm64 };
});

afterEach(() => cli.forget());

afterAll(async () => {
  for (const project of [main, runners?.amd64, runners?.arm64]) project?.remove();
  for (const folder of kept) rmSync(folder, { recursive: true, force: true });
  ended.forEach(removeRunner);
  cli?.remove();
  await Promise.all([first?.stop(), second?.stop()]);
});

function env(): Record<string, string> {
  return { CI_DOCKER_CLI: cli.program };
}

function config(namespace: string): Record<string, unknown> {
  const tags = ["type=semver,pattern={{version}}"];
  return {
    registries: [first, second].map(({ host }) => ({ host, namespace })),
    images: [
      { name: "app", context: "app", platforms: PLATFORMS, tags },
      // Without provenance a build is the same bytes again.
      { name: "plain", context: "plain", platforms: PLATFORMS, tags, provenance: false },
    ],
    requireTag: true,
    github: { workflows: { release: { on: ["tags"] }, runners: true, attest: true } },
  };
}

function ok({ exitCode, text }: EngineResult): string {
  expect(exitCode, text).toBe(0);
  return text;
}

function build(project: Project, ...args: string[]): Promise<EngineResult> {
  return project.slipway("build", "--stack", project.stack, ...args);
}

/** As an artifact would be, away from every checkout. */
function collected(...files: readonly (readonly [from: Project, platform: string])[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-parts-"));
  kept.push(folder);
  for (const [from, platform] of files) {
    const name = `${platform.replace("/", "-")}.json`;
    cpSync(path.join(from.dir, "artifacts/parts", name), path.join(folder, name));
  }
  return folder;
}

const both = () => collected([runners.amd64, "linux/amd64"], [runners.arm64, "linux/arm64"]);
const merge = (folder: string) => main.slipway("merge", folder, "--stack", main.stack);
const builds = () => cli.calls().filter(({ args }) => args[0] === "build").length;

async function writes(): Promise<string[]> {
  const entries = await Promise.all([first.writes(), second.writes()]);
  return entries.flat().map(({ method, path: at }) => `${method} ${at}`);
}

async function forget(): Promise<void> {
  await Promise.all([first.forget(), second.forget()]);
}

/** What both registries answer for a tag: one digest, or the test fails. */
async function digest(image: string, tag: string): Promise<string> {
  const [one = "", other] = await Promise.all(
    [first, second].map(({ host }) => crane("digest", `${host}/octo/${image}:${tag}`)),
  );
  expect(other).toBe(one);
  return one;
}

async function candidateTag(image: string): Promise<string> {
  const tags = (await crane("ls", `${first.host}/octo/${image}`)).split("\n");
  const [tag] = tags.filter((name) => name.startsWith("candidate-"));
  expect(tags).toEqual([tag]);
  return tag ?? "";
}

interface Descriptor {
  readonly digest: string;
  readonly platform: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Index {
  readonly annotations: Readonly<Record<string, string>>;
  readonly manifests: readonly Descriptor[];
}

async function indexOf(reference: string): Promise<Index> {
  return JSON.parse(await crane("manifest", reference));
}

/** The digest of an image's part, by its file. */
function digestIn(folder: string, platform: string, image: string): string {
  const file = path.join(folder, `${platform.replace("/", "-")}.json`);
  const { parts }: { parts: { image: string; digest: string }[] } = JSON.parse(readFileSync(file, "utf8"));
  return parts.find((part) => part.image === image)?.digest ?? "";
}

function partDigest(project: Project, platform: string, image: string): string {
  return digestIn(path.join(project.dir, "artifacts/parts"), platform, image);
}

describe("one platform a runner", () => {
  test("builds that platform alone, pushed by digest to every registry, without a tag", async () => {
    ok(await build(runners.amd64, "--platform", "linux/amd64"));
    ok(await build(runners.arm64, "--platform", "linux/arm64"));
    for (const { args } of cli.calls()) expect(args.join(" ")).toMatch(/--platform linux\/a[rm]*[md]*64 /);
    expect(builds()).toBe(4);
    const puts = (await writes()).filter((line) => line.startsWith("PUT") && line.includes("/manifests/"));
    expect(puts.length).toBeGreaterThan(0);
    expect(puts.filter((line) => !line.includes("/manifests/sha256:"))).toEqual([]);
    const part = await indexOf(`${second.host}/octo/app@${partDigest(runners.arm64, "linux/arm64", "app")}`);
    expect(part.annotations["dev.slipway.part-of"]).toMatch(/^[0-9a-f]{64}$/);
    expect(part.annotations).not.toHaveProperty("dev.slipway.content-key");
    expect(part.manifests.map(({ platform }) => platform.architecture)).toEqual(["arm64", "unknown"]);
  });

  test("again: what is built is found by the file, and not built again", async () => {
    await forget();
    expect(ok(await build(runners.arm64, "--platform", "linux/arm64"))).toContain("already in");
    expect(builds()).toBe(0);
  });

  test("a second build of a platform has times of its own", async () => {
    later = collected([runners.amd64, "linux/amd64"]);
    ok(await build(runners.arm64, "--platform", "linux/arm64", "--out", later));
    expect(builds()).toBe(2);
    expect(digestIn(later, "linux/arm64", "app")).not.toBe(partDigest(runners.arm64, "linux/arm64", "app"));
  });

  test("interrupted, it says so, and has written no file", async () => {
    const out = collected();
    const args = ["build", "--stack", "stage", "--platform", "linux/amd64", "--out", out];
    const child = spawn(process.execPath, [SLIPWAY, ...args], {
      cwd: runners.amd64.dir,
      env: { ...runners.amd64.env, SLIPWAY_TEST_HANG: "1" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let text = "";
    child.stderr.on("data", (data: Buffer) => {
      text += String(data);
      if (String(data).includes("hanging")) child.kill("SIGINT");
    });
    expect(await new Promise((resolve) => child.on("close", resolve)), text).toBe(130);
    expect(readdirSync(out)).toEqual([]);
  });

  test("where nothing is to be pushed, there are no parts", async () => {
    const { exitCode, text } = await main.slipwayWith({ CI_PUSH: "false" }, "merge", "--stack", "stage");
    expect(exitCode).toBe(1);
    expect(text).toContain(
      "slipway:push: nothing is to be pushed (CI_PUSH=false), so there are no parts [parts-not-built]",
    );
  });

  test("a platform that nothing is built for is refused by name", async () => {
    const { exitCode, text } = await build(main, "--platform", "linux/riscv64");
    expect(exitCode).toBe(1);
    expect(text).toContain(
      "--platform linux/riscv64: no image is built for it; expected one of linux/amd64, linux/arm64 [part-platform]",
    );
  });
});

describe("the merge", () => {
  test.each<[string, () => string, RegExp[]]>([
    [
      "a platform is missing",
      () => collected([runners.amd64, "linux/amd64"]),
      [
        /app linux\/arm64: no part is there \(there are parts for linux\/amd64\) \[part-missing\]/,
        /plain linux\/arm64: .*\[part-missing\]/,
        /slipway build --stack stage --platform linux\/arm64/,
      ],
    ],
    ["there is no folder", () => "/nowhere/at/all", [/\[parts-no-folder\]/]],
  ])("is refused where %s, and nothing is written", async (_, folder, expected) => {
    await forget();
    const { exitCode, text } = await merge(folder());
    expect(exitCode, text).toBe(1);
    for (const pattern of expected) expect(text).toMatch(pattern);
    expect(await writes()).toEqual([]);
  });

  test("is refused where the parts are of other content", async () => {
    const folder = both();
    const head = (await main.git("rev-parse", "HEAD")).trim();
    await main.commit({ "app/amd64": "other\n" }, "v9.9.9");
    await forget();
    const { exitCode, text } = await merge(folder);
    expect(exitCode, text).toBe(1);
    expect(text).toMatch(/app linux\/amd64: linux-amd64\.json is made of .* \[part-other-content\]/);
    expect(await writes()).toEqual([]);
    await main.git("tag", "--delete", "v9.9.9");
    await main.git("reset", "--quiet", "--hard", head);
  });

  test("that fails half-way leaves a candidate at most, and the next one goes on", async () => {
    // As if the second registry had been skipped where arm64 was built.
    const lost = partDigest(runners.arm64, "linux/arm64", "plain");
    const { manifests } = await indexOf(`${second.host}/octo/plain@${lost}`);
    for (const part of [lost, ...manifests.map((entry) => entry.digest)]) {
      await crane("delete", `${second.host}/octo/plain@${part}`);
    }
    const proxy = await startFaultProxy(second.host);
    proxy.inject({ method: "PUT", path: /\/manifests\/candidate-/, fault: { kind: "answer", status: 403 } });
    const { registries: _, ...settings } = config("octo");
    main.setConfig({
      ...settings,
      registries: [first, proxy].map(({ host }) => ({ host, namespace: "octo" })),
    });
    try {
      const { exitCode, text } = await merge(both());
      expect(exitCode, text).toBe(1);
      expect(text).toContain(`${proxy.host} answered 403`);
    } finally {
      main.setConfig(config("octo"));
      await proxy.stop();
    }
    const tag = await candidateTag("app");
    await expect(crane("digest", `${second.host}/octo/app:${tag}`)).rejects.toThrow();
    ok(await merge(both()));
    await digest("app", tag);
    await digest("plain", await candidateTag("plain"));
  });

  test("makes one index of all platforms, the same in every registry, with what attests each", async () => {
    const tag = await candidateTag("app");
    const reference = `${second.host}/octo/app@${await digest("app", tag)}`;
    const index = await indexOf(reference);
    const part = await indexOf(`${second.host}/octo/app@${partDigest(runners.arm64, "linux/arm64", "app")}`);
    expect(index.annotations["dev.slipway.content-key"]).toBe(part.annotations["dev.slipway.part-of"]);
    expect(index.annotations).not.toHaveProperty("dev.slipway.part-of");
    const [amd64, arm64, ...attestations] = index.manifests;
    // Attestations are no images for crane: of this index it judges each platform, of the other one the whole.
    for (const platform of [amd64, arm64]) {
      await crane("validate", "--remote", `${second.host}/octo/app@${platform?.digest}`);
    }
    for (const { host } of [first, second]) {
      await crane("validate", "--remote", `${host}/octo/plain:${await candidateTag("plain")}`);
    }
    expect([amd64, arm64].map((entry) => entry?.platform.architecture)).toEqual(["amd64", "arm64"]);
    expect(attestations.map(({ annotations }) => annotations?.["vnd.docker.reference.digest"])).toEqual([
      amd64?.digest,
      arm64?.digest,
    ]);
    for (const { digest: attestation } of attestations) {
      const { layers }: { layers: Descriptor[] } = JSON.parse(
        await crane("manifest", `${second.host}/octo/app@${attestation}`),
      );
      expect(layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"])).toEqual([
        expect.stringMatching(/slsa\.dev\/provenance/),
      ]);
    }
    expect(await archOf("amd64", tag)).toBe("Intel\n");
    expect(await archOf("arm64", tag)).toBe("Arm\n");
  });

  test("makes the very bytes that one machine would have made of the same content", async () => {
    const { github: _, ...settings } = config("whole");
    const whole = await main.stackBeside({ stack: "whole", config: settings, env: env() });
    ok(await whole.slipway("publish", "--stack", "whole"));
    expect(await digest("plain", await candidateTag("plain"))).toBe(
      await crane("digest", `${first.host}/whole/plain:1.2.3`),
    );
  });

  test("says that the whole lacks its SBOM where one part does, whatever this machine reaches", async () => {
    const { github: _, ...required } = config("lacking");
    const settings = { ...required, policy: { missingSbom: "off" } };
    const beside = await main.stackBeside({ stack: "lacking", config: settings, env: env() });
    const folder = collected();
    ok(await build(beside, "--platform", PLATFORMS.join(","), "--out", folder));
    // As BuildKit would have pushed it, had the plan there not reached the generator.
    const whole = digestIn(folder, "linux/arm64", "app");
    const index = await indexOf(`${first.host}/lacking/app@${whole}`);
    const annotations = { ...index.annotations, "dev.slipway.sbom": "unavailable" };
    const bytes = Buffer.from(JSON.stringify({ ...index, annotations }));
    for (const { host } of [first, second]) {
      await new RegistryClient({ host, plainHttp: true }).putManifest(
        "lacking/app",
        digestOf(bytes),
        bytes,
        OCI_INDEX,
      );
    }
    const file = path.join(folder, "linux-arm64.json");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(whole, digestOf(bytes)));

    ok(await beside.slipway("merge", folder, "--stack", "lacking"));
    const told = async (image: string) => {
      const tags = (await crane("ls", `${second.host}/lacking/${image}`)).split("\n");
      return (await indexOf(`${second.host}/lacking/${image}:${tags[0]}`)).annotations;
    };
    const note = { "dev.slipway.sbom": "unavailable", "dev.slipway.merged": "parts" };
    expect(await told("app")).toMatchObject(note);
    expect(Object.keys(await told("plain")).filter((key) => key in note)).toEqual([]);
  });

  test("signs what it merged with the key of the stack's file, which the build does not have", async () => {
    const { github: _, ...settings } = config("signed");
    const keys = newKeyPair();
    const sign = { mode: "key", publicKey: keys.publicPem };
    const beside = await main.stackBeside({ stack: "signed", config: { ...settings, sign }, env: env() });
    const key = ["--secret", "--path", "slipway:sign.key", "--", keys.privatePem];
    ok(await beside.run({}, "pulumi", "config", "set", "--stack", "signed", ...key));
    const folder = collected();
    const passphrase = { PULUMI_CONFIG_PASSPHRASE: "wrong" };
    const args = ["--stack", "signed", "--platform", PLATFORMS.join(","), "--out", folder];
    ok(await beside.slipwayWith(passphrase, "build", ...args));
    const refused = await beside.slipwayWith(passphrase, "merge", folder, "--stack", "signed");
    expect(refused.text).toContain("the stack's signing key cannot be read");
    expect(ok(await beside.slipway("merge", folder, "--stack", "signed"))).toContain("app: is merged as");
    // Found by another machine, which has the public key alone, and adopted: its claim verifies.
    cli.forget();
    ok(await beside.slipwayWith(passphrase, "build", ...args));
    expect(builds()).toBe(0);
  });

  test("a second merge writes nothing, nor one with a later build of a platform", async () => {
    const before = await digest("app", await candidateTag("app"));
    await forget();
    ok(await merge(both()));
    ok(await merge(later));
    expect(await writes()).toEqual([]);
    expect(await digest("app", await candidateTag("app"))).toBe(before);
  });

  test("gives back what a registry has lost", async () => {
    const tag = await candidateTag("app");
    const before = await digest("app", tag);
    await crane("delete", `${second.host}/octo/app@${before}`);
    ok(await merge(both()));
    expect(await digest("app", tag)).toBe(before);
  });

  test("a platform that is built again afterwards finds the whole", async () => {
    expect(ok(await build(runners.arm64, "--platform", "linux/arm64,linux/amd64"))).toContain(
      "linux/arm64: nothing has to be built",
    );
    expect(builds()).toBe(0);
  });

  test("is what the engine releases: nothing is built, the digest is the merged one", async () => {
    const merged = await digest("app", await candidateTag("app"));
    await forget();
    const text = await main.upOk();
    expect(text).not.toContain("docker-build:index:Image");
    const content = [
      merged,
      ...(await indexOf(`${first.host}/octo/app@${merged}`)).manifests.map((m) => m.digest),
    ];
    expect((await writes()).filter((line) => content.some((part) => line.includes(part)))).toEqual([]);
    for (const tag of ["1.2.3", "latest"]) expect(await digest("app", tag)).toBe(merged);
  });
});

describe.each(EVERY_CASE ? ["a base and its variants"] : [])("%s", () => {
  let project: Project;

  beforeAll(async () => {
    const image = { name: "box", platforms: PLATFORMS, tags: ["type=semver,pattern={{version}}"] };
    project = await Project.create({
      config: {
        registries: [first, second].map(({ host }) => ({ host, namespace: "octo" })),
        images: [{ ...image, labels: "none" }],
        base: { include: ["rootfs/**"] },
        variants: [{ suffix: "" }, { suffix: "-big", buildArgs: { SIZE: "big" } }],
      },
      env: env(),
    });
    await project.commit(
      {
        ".dockerignore": "*\n!rootfs\n",
        "Dockerfile.base": "FROM scratch\nCOPY rootfs /\n",
        Dockerfile: "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nARG SIZE=small\nENV SIZE=$SIZE\n",
        "rootfs/file": "base\n",
      },
      VERSION,
    );
  });

  afterAll(() => project?.remove());

  test("are built for one platform FROM the base's part of it, merged, and released without a build", async () => {
    for (const platform of PLATFORMS) ok(await build(project, "--platform", platform));
    expect(builds()).toBe(6);
    for (const platform of PLATFORMS) {
      const base = partDigest(project, platform, "box-base");
      const calls = cli.calls().filter(({ args }) => args.includes(platform));
      const from = calls.map(({ args }) => args.find((arg) => arg.endsWith(`/octo/box@${base}`)));
      expect(from.filter((arg) => arg !== undefined)).toHaveLength(2);
    }
    cli.forget();
    ok(await project.slipway("merge", "--stack", "stage"));
    ok(await project.slipway("publish", "--stack", "stage"));
    expect(cli.calls()).toEqual([]);
    expect(await digest("box", "1.2.3")).not.toBe(await digest("box", "1.2.3-big"));
    const layers = async (tag: string) =>
      JSON.parse(await crane("manifest", "--platform", "linux/arm64", `${second.host}/octo/box:${tag}`));
    const base = await layers("base-latest");
    expect((await layers("1.2.3-big")).layers.slice(0, 1)).toEqual(base.layers);
  });
});

describe("the generated workflow", () => {
  /** A job's own scripts in a checkout, as a runner would. */
  async function run(project: Project, id: string, started: Started): Promise<JobResult> {
    const [file] = workflowFiles(await readWorkflowStacks(project.dir));
    const job = file?.workflow.jobs[id];
    if (job === undefined) throw new Error(`no job ${id}`);
    const ref = { GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/tags/v1.2.4" };
    const result = await runJob(project, job, { ...started, env: ref });
    ended.push(result);
    expect(result.exitCode, result.text).toBe(0);
    return result;
  }

  test("releases the next version: a job for each platform, and one that merges and releases", async () => {
    await main.commit({ "app/arm64": "Arm, again\n" }, "v1.2.4");
    for (const project of [runners.amd64, runners.arm64]) {
      await project.git("pull", "--quiet", "--tags", main.dir, "main");
    }
    const on = (project: Project, platform: string) =>
      run(project, "build", { values: { "matrix.platform": platform } });
    const built = [await on(runners.amd64, "linux/amd64"), await on(runners.arm64, "linux/arm64")];
    const release = () =>
      run(main, "release", {
        values: { "secrets.PULUMI_CONFIG_PASSPHRASE": "test" },
        artifacts: { parts: built.map(({ temp }) => path.join(temp, "parts")) },
      });
    const { text, summary, outputs } = await release();
    expect(text).toContain("app: is merged as");
    expect(text).not.toMatch(/^building /m);
    expect(await digest("app", "latest")).toBe(await digest("app", "1.2.4"));
    expect(summary).toContain("1.2.4");
    expect(await archOf("arm64", "1.2.4")).toBe("Arm, again\n");
    // GitHub attests what this run built: each image of the release, and nothing when the same is released again.
    expect(subjectsIn(outputs).map(({ image, digest: built }) => [image, built])).toEqual([
      ["app", await digest("app", "1.2.4")],
      ["plain", await digest("plain", "1.2.4")],
    ]);
    expect(subjectsIn((await release()).outputs)).toEqual([]);
  });

  function subjectsIn(outputs: string): { image: string; digest: string }[] {
    return JSON.parse(outputs.replace("subjects=", ""));
  }
});

/** What the image of one architecture has in /arch. */
async function archOf(architecture: string, tag: string): Promise<string> {
  const reference = `${first.host}/octo/app:${tag}`;
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-image-"));
  kept.push(folder);
  const archive = path.join(folder, "image.tar");
  await crane("export", "--platform", `linux/${architecture}`, reference, archive);
  return execFileSync("tar", ["--extract", "--to-stdout", "--file", archive, "arch"], { encoding: "utf8" });
}
