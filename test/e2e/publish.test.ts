import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { crane } from "../support/crane";
import { type DockerCli, dockerCli } from "../support/docker-cli";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry";
import { type EngineResult, Project } from "../support/project";
import { startRegistry, TEST_USER, type TestRegistry } from "../support/registry";
import { SETTINGS_PROGRAM } from "../support/settings-program";
import { EVERY_CASE } from "../support/slices";

const SLIPWAY = path.resolve(__dirname, "../../src/cli/slipway.js");

let registry: TestRegistry;
let npm: NpmRegistry;
let cli: DockerCli;
const projects: Project[] = [];

beforeAll(async () => {
  const versions = { "oh-my-opencode-slim": "1.4.2", "@mariozechner/pi-coding-agent": "0.10.2" };
  [registry, npm] = await Promise.all([startRegistry(), startNpmRegistry(versions)]);
  cli = dockerCli();
});

afterEach(() => cli.forget());

afterAll(async () => {
  for (const project of projects) project.remove();
  cli?.remove();
  await Promise.all([registry?.stop(), npm?.stop()]);
});

interface Example {
  readonly example: string;
  readonly stack: string;
  readonly namespace?: string;
  /** The git tag of the release. */
  readonly tag?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: string;
}

async function projectOf({
  example,
  stack,
  namespace = "octo",
  tag,
  env = {},
  host,
}: Example): Promise<Project> {
  const project = await Project.fromExample({
    example,
    stack,
    registries: [{ host: host ?? registry.host, namespace }],
    env: { CI_DOCKER_CLI: cli.program, ...env },
  });
  projects.push(project);
  // It writes the stack's salt into its file, which is committed like the rest.
  ok(await project.pulumi("stack", "init"));
  await project.commit({ ".npmrc": npm.npmrc }, tag);
  return project;
}

function publish(project: Project, ...args: string[]): Promise<EngineResult> {
  return project.slipway("publish", "--stack", project.stack, ...args);
}

function ok({ exitCode, text }: EngineResult): string {
  expect(exitCode, text).toBe(0);
  return text;
}

async function tagsOf(image: string): Promise<Record<string, string>> {
  const names = (await crane("ls", `${registry.host}/${image}`)).split("\n").sort();
  const tags = names.filter((name) => !/^(candidate-|sha256-|base-[0-9a-f]{12}|sha-)/.test(name));
  const digests = await Promise.all(
    tags.map(async (name) => [name, await crane("digest", `${registry.host}/${image}:${name}`)] as const),
  );
  return Object.fromEntries(digests);
}

function file(project: Project, name: string) {
  return JSON.parse(readFileSync(path.join(project.dir, "artifacts", name), "utf8"));
}

const builds = () => cli.calls().filter(({ args }) => args[0] === "build").length;
const writes = async () => (await registry.writes()).map(({ method, path: at }) => `${method} ${at}`);

interface Case extends Example {
  readonly image: string;
  readonly builds: number;
  readonly tags: readonly string[];
}

const CASES: readonly Case[] = [
  {
    example: "docker-release-runbook",
    stack: "main",
    namespace: "main",
    tag: "docker-v0.2.1",
    image: "main/aionis",
    builds: 1,
    tags: ["latest", "v0.2.1"],
  },
  {
    example: "docker-release-runbook",
    stack: "standalone",
    namespace: "standalone",
    tag: "standalone-v0.2.1",
    image: "standalone/aionis",
    builds: 1,
    tags: ["standalone-latest", "standalone-v0.2.1"],
  },
  {
    example: "manual-host-publish",
    stack: "prod",
    tag: "v1.15.12",
    env: { RELEASE_TAG: "v1.15.12" },
    image: "octo/opencode-devbox",
    builds: 3,
    tags: ["base-latest", "latest", "latest-omos", "v1.15.12", "v1.15.12-omos"],
  },
  {
    example: "pi-devbox",
    stack: "prod",
    tag: "v0.10.2",
    image: "octo/pi-devbox",
    builds: 1,
    tags: ["latest", "v0.10.2"],
  },
  {
    example: "publish-container",
    stack: "release",
    tag: "v1.2.3",
    image: "octo/container",
    builds: 1,
    tags: ["1", "1.2", "1.2.3", "latest"],
  },
  {
    example: "release-docker-image",
    stack: "release",
    tag: "v1.2.3",
    image: "octo/agent-workspace-launcher",
    builds: 1,
    tags: ["latest", "v1.2.3"],
  },
];

describe.each(EVERY_CASE ? CASES : CASES.filter(({ builds }) => builds > 1))(
  "$example, $stack",
  (example) => {
    let project: Project;

    beforeAll(async () => {
      project = await projectOf(example);
    });

    test("--print shows the commands, runs none and writes nothing", async () => {
      await registry.forget();
      const text = ok(await publish(project, "--print"));
      const commands = text.split("\n").filter((line) => line.includes(`${cli.program} build `));
      expect(commands).toHaveLength(example.builds);
      expect(cli.calls()).toEqual([]);
      expect(await writes()).toEqual([]);
      expect(existsSync(path.join(project.dir, "artifacts"))).toBe(false);
    });

    test("is released: built by the CLI, tagged, stated, and told in the manifest", async () => {
      ok(await publish(project));
      expect(builds()).toBe(example.builds);
      const tags = await tagsOf(example.image);
      expect(Object.keys(tags)).toEqual(example.tags);
      const { run, ...manifest } = file(project, "release-manifest.json");
      const told = JSON.stringify(manifest);
      for (const digest of Object.values(tags)) expect(told).toContain(digest);
      expect(told).not.toContain('"build"');
      expect(run.build).toMatchObject({ builder: "docker-alike", driver: "unknown" });
      expect(run.build.images).toHaveLength(example.builds);
      const { annotations = {} } = JSON.parse(
        await crane("manifest", `${registry.host}/${example.image}:${example.tags.at(-1)}`),
      );
      expect(annotations["dev.slipway.content-key"]).toMatch(/^[0-9a-f]{64}$/);
    });

    test("again: nothing is built and nothing is written", async () => {
      await registry.forget();
      const text = ok(await publish(project));
      expect(text).toContain("Nothing changed");
      expect(cli.calls()).toEqual([]);
      expect(await writes()).toEqual([]);
    });

    test("the engine takes it over: no build, no tag is written", async () => {
      const before = await tagsOf(example.image);
      await registry.forget();
      const text = await project.upOk();
      expect(text).not.toContain("docker-build:index:Image");
      expect((await writes()).filter((line) => line.includes("/manifests/"))).toEqual([]);
      expect(await tagsOf(example.image)).toEqual(before);
    });
  },
);

describe("publish-services", () => {
  const NAMES = readFileSync(
    path.resolve(__dirname, "../../examples/publish-services/infra/docker/services.list"),
    "utf8",
  )
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  let secured: TestRegistry;
  let project: Project;
  const credentials = { CI_REGISTRY_USERNAME: TEST_USER.username, CI_REGISTRY_PASSWORD: TEST_USER.password };

  beforeAll(async () => {
    secured = await startRegistry({ auth: "htpasswd" });
    project = await projectOf({
      example: "publish-services",
      stack: "stage",
      namespace: "",
      host: secured.host,
    });
  });

  afterAll(() => secured?.stop());

  function release(env: Readonly<Record<string, string>>, ...args: string[]): Promise<EngineResult> {
    return project.slipwayWith({ ...credentials, ...env }, "publish", ...args);
  }

  const images = (tagOf: (name: string) => string) =>
    NAMES.map((name) => ({ name, image: `${secured.host}/${name}:${tagOf(name)}` }));

  test("unknown services are refused before anything else", async () => {
    await secured.forget();
    const { exitCode, text } = await release({ CI_IMAGE_TAG: "1" }, "--services", "api,web");
    expect(exitCode).toBe(1);
    expect(text).toMatch(/^error: Unknown service\(s\) requested: web\n/);
    expect(await secured.log()).toEqual([]);
  });

  /** The example's own script. */
  const script = (env: Readonly<Record<string, string>>) =>
    project.run({ ...credentials, ...env }, "npm", "run", "--silent", "docker:publish:services");

  test.each([["CI_DOCKER_CLI"], ["DOCKER_CLI"]])(
    "CI_PUSH=false with a %s that only logs its calls: nothing is run or asked, the manifest is written and named",
    async (variable) => {
      await secured.forget();
      const stub = path.join(project.dir, "artifacts/stub.sh");
      mkdirSync(path.dirname(stub), { recursive: true });
      writeFileSync(stub, `#!/bin/sh\necho "$@" >>"$0.log"\n`, { mode: 0o755 });
      const env = { CI_IMAGE_TAG: "1", CI_PUSH: "false", CI_DOCKER_CLI: "", [variable]: stub };
      const text = ok(await script(env));
      expect(text).toContain("# push: false (CI_PUSH): no registry was asked");
      expect(text).toContain(`${stub} build `);
      expect(text).toMatch(/\? 1 +not asked/);
      expect(text).not.toContain("new →");
      expect(text).toContain("wrote artifacts/docker/service-image-manifest.json");
      expect(existsSync(`${stub}.log`)).toBe(false);
      expect(await secured.log()).toEqual([]);
      expectManifest();
    },
  );

  function expectManifest(): void {
    expect(file(project, "docker/service-image-manifest.json")).toEqual({
      registry: secured.host,
      tag: "1",
      push: false,
      images: images(() => "1"),
    });
    rmSync(path.join(project.dir, "artifacts"), { recursive: true });
  }

  test("--print names the password and does not show it", async () => {
    const text = ok(await release({ CI_IMAGE_TAG: "2025.11.0" }, "--print"));
    expect(text).toContain(
      `${cli.program} login ${secured.host} --username slipway --password-stdin < (password of slipway from ` +
        "environment variables CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD)",
    );
    expect(text).not.toContain(TEST_USER.password);
    expect(cli.calls()).toEqual([]);
  });

  test("--print finds that docker has no builder that can push, and shows how it is made", async () => {
    const env = { CI_IMAGE_TAG: "2025.11.0", CI_DOCKER_CLI: "docker", BUILDX_CONFIG: "/nowhere" };
    const text = ok(await release(env, "--print"));
    expect(text).toContain(
      "docker buildx create --name slipway --driver docker-container --driver-opt network=host\n",
    );
    expect(text).toContain("BUILDX_BUILDER=slipway docker buildx build ");
  });

  test("a build that fails says so, and no tag has moved", async () => {
    const { exitCode, text } = await release({
      CI_IMAGE_TAG: "2025.11.0",
      SLIPWAY_TEST_FAIL: "--target api",
    });
    expect(exitCode).toBe(1);
    expect(text).toContain("[cli-failed]");
    expect(text).toContain("exit code 17");
    expect(text).toContain("ERROR: the disk is full");
    expect(text).toContain("no tag has moved");
    const [diagnostics = ""] = /artifacts\/diagnostics-\S+\.json/.exec(text) ?? [];
    expect(file(project, path.basename(diagnostics))).toMatchObject({
      operation: "publish",
      message: expect.stringContaining("ERROR: the disk is full"),
      requests: expect.arrayContaining([expect.objectContaining({ host: secured.host })]),
    });
    const put = (await secured.writes()).filter(({ path: at }) => at.endsWith("/manifests/2025.11.0"));
    expect(put).toEqual([]);
  });

  test("the fleet is released; the password goes by standard input and nowhere else", async () => {
    const text = ok(await script({ CI_IMAGE_TAG: "2025.11.0" }));
    expect(text).not.toContain(TEST_USER.password);
    const [login, ...rest] = cli.calls();
    expect(login?.args).toEqual(["login", secured.host, "--username", "slipway", "--password-stdin"]);
    expect(login?.stdin).toBe(TEST_USER.password);
    for (const { args, env } of [login, ...rest].filter((call) => call !== undefined)) {
      expect(JSON.stringify([args, env])).not.toContain(TEST_USER.password);
      expect(existsSync(env.DOCKER_CONFIG ?? "")).toBe(false);
    }
    expect(file(project, "docker/service-image-manifest.json")).toEqual({
      registry: secured.host,
      tag: "2025.11.0",
      push: true,
      images: images(() => "2025.11.0"),
    });
  });

  test("unchanged services get the next tag without CLI; a subset keeps the others' entries", async () => {
    ok(await release({ CI_IMAGE_TAG: "148" }, "--services", "api"));
    expect(cli.calls()).toEqual([]);
    expect(file(project, "docker/service-image-manifest.json")).toMatchObject({
      tag: "148",
      images: images((name) => (name === "api" ? "148" : "2025.11.0")),
    });
  });

  test("--json prints the release manifest alone", async () => {
    const { stdout } = await runJson(project, { ...credentials, CI_IMAGE_TAG: "148" });
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, stack: "stage" });
  });

  test("after the engine's release there is nothing to do", async () => {
    const env = { ...credentials, CI_IMAGE_TAG: "149" };
    ok(await project.pulumiWith(env, "up", "--yes", "--non-interactive", "--skip-preview"));
    await secured.forget();
    expect(ok(await release({ CI_IMAGE_TAG: "149" }))).toContain("Nothing changed");
    expect((await secured.writes()).map(({ path: at }) => at)).toEqual([]);
    expect(cli.calls()).toEqual([]);
  });

  test("a CLI that does not exist is told before any tag", async () => {
    await project.commit({ "services/api/main.js": "// changed\n" });
    const { exitCode, text } = await release({ CI_IMAGE_TAG: "150", CI_DOCKER_CLI: "no-such-docker" });
    expect(exitCode).toBe(1);
    expect(text).toContain("no-such-docker: there is no such program [cli-not-found]");
  });
});

async function runJson(project: Project, env: Readonly<Record<string, string>>): Promise<{ stdout: string }> {
  const { text } = await project.run(
    env,
    "sh",
    "-c",
    '"$0" "$@" 2>/dev/null',
    process.execPath,
    SLIPWAY,
    "publish",
    "--json",
  );
  return { stdout: text };
}

describe("what is there already", () => {
  const release = {
    images: [
      { name: "app", context: "app", platforms: ["linux/amd64"], tags: ["type=semver,pattern=v{{version}}"] },
    ],
  };
  let stage: Project;

  beforeAll(async () => {
    stage = await Project.create({
      config: { ...release, registries: [{ host: registry.host, namespace: "stage" }] },
      env: { CI_DOCKER_CLI: cli.program },
    });
    projects.push(stage);
  });

  const digest = (reference: string) => crane("digest", `${registry.host}/${reference}`);

  test("an interrupted build ends with 130 and leaves no tag and no folder", async () => {
    await stage.commit({ "app/Dockerfile": "FROM scratch\nCOPY app /app\n", "app/app": "one\n" }, "v1.0.0");
    const child = spawn(process.execPath, [SLIPWAY, "publish", "--stack", stage.stack], {
      cwd: stage.dir,
      env: { ...stage.env, SLIPWAY_TEST_HANG: "1" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let text = "";
    child.stderr.on("data", (data: Buffer) => {
      text += String(data);
      if (String(data).includes("hanging")) child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code, text).toBe(130);
    expect(text).toContain("run the same command again, and it completes the release");
    expect(existsSync(cli.calls()[0]?.env.DOCKER_CONFIG ?? "")).toBe(false);
    await expect(digest("stage/app:v1.0.0")).rejects.toThrow();
  });

  test("a release can be promoted without engine and without CLI", async () => {
    ok(await publish(stage));
    expect(builds()).toBe(1);
    cli.forget();
    const prod = await stage.stackBeside({
      stack: "prod",
      env: { CI_DOCKER_CLI: cli.program },
      config: {
        ...release,
        registries: [{ host: registry.host, namespace: "prod" }],
        promote: { statement: "v1.0.0", registry: { host: registry.host, namespace: "stage" } },
        // Nothing is signed here, and a promotion takes nothing on the registry's word by default.
        policy: { unverifiedContent: "warn" },
      },
    });
    ok(await publish(prod));
    expect(cli.calls()).toEqual([]);
    expect(await digest("prod/app:v1.0.0")).toBe(await digest("stage/app:v1.0.0"));
    expect(await digest("prod/app:latest")).toBe(await digest("stage/app:v1.0.0"));
  });

  test("a rollback too", async () => {
    await stage.commit({ "app/app": "two\n" }, "v1.0.1");
    ok(await publish(stage));
    expect(await digest("stage/app:latest")).toBe(await digest("stage/app:v1.0.1"));
    cli.forget();
    stage.setConfig({
      ...release,
      registries: [{ host: registry.host, namespace: "stage" }],
      rollback: { to: "v1.0.0", bad: ["v1.0.1"] },
    });
    ok(await publish(stage));
    expect(cli.calls()).toEqual([]);
    expect(await digest("stage/app:latest")).toBe(await digest("stage/app:v1.0.0"));
  });
});

test("a project in a folder below the repository's root releases what stands above it", async () => {
  const project = await Project.create({ config: {}, env: { CI_DOCKER_CLI: cli.program } });
  projects.push(project);
  const settings = {
    "slipway:root": "..",
    "slipway:sign": { mode: "none" },
    "slipway:registries": [{ host: registry.host, namespace: "below" }],
    "slipway:images": [
      {
        ...{ name: "app", context: ".", platforms: ["linux/amd64"] },
        buildArgs: { KIT: { file: "VERSIONS.env" } },
        tags: ["type=semver,pattern={{version}}"],
      },
    ],
  };
  await project.commit(
    {
      Dockerfile: "FROM scratch\nARG KIT\nLABEL kit=$KIT\nCOPY hello /hello\n",
      ...{ hello: "hello\n", "VERSIONS.env": "KIT=v0.9.2\n" },
      // As `slipway init` writes it: the project is no part of the image.
      ".dockerignore": "release\nnode_modules\n",
      "release/Pulumi.yaml": "name: app\nruntime: nodejs\n",
      "release/index.js": SETTINGS_PROGRAM,
      "release/Pulumi.prod.yaml": stringify({ config: settings }),
    },
    "v1.2.3",
  );
  const inFolder = ["publish", "-C", "release", "--stack", "prod"];
  ok(await project.slipway(...inFolder));
  const tags = await tagsOf("below/app");
  expect(Object.keys(tags)).toEqual(["1.2.3", "latest"]);
  const labels = JSON.parse(await crane("config", `${registry.host}/below/app:1.2.3`)).config.Labels;
  expect(labels.kit).toBe("v0.9.2");
  const manifest = readFileSync(path.join(project.dir, "release/artifacts/release-manifest.json"), "utf8");
  expect(manifest).toContain(tags["1.2.3"]);
  cli.forget();
  ok(await project.slipway(...inFolder));
  expect(builds()).toBe(0);
});
