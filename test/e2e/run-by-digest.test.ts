import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../../toolchain/run.mjs";
import { binary } from "../support/binaries";
import { crane } from "../support/crane";
import { type DockerEngine, startDockerEngine } from "../support/docker-engine";
import { Project } from "../support/project";
import { freePort, startRegistry, type TestRegistry } from "../support/registry";

/**
 * The example as it is, with a Docker engine: `StageRegistry` runs the registry, the release goes there, and a container
 * runs what was released. Only its base image and the registry's are from here, not from Docker Hub.
 */
const ROOT = path.resolve(__dirname, "../..");
const DOCKERFILE = `FROM scratch
ARG TARGETOS
ARG TARGETARCH
COPY vendor/\${TARGETOS}-\${TARGETARCH}/esbuild /esbuild
COPY site/ /site/
ENTRYPOINT ["/esbuild", "--servedir=/site", "--serve=0.0.0.0:8000", "--watch=forever"]
`;

let engine: DockerEngine | string;
let images: TestRegistry;
let project: Project;
let host: string;
let port: number;
const name = `slipway-test-${process.pid}`;

beforeAll(async () => {
  engine = await startDockerEngine();
  if (typeof engine === "string") return console.warn(`skipped: ${engine}`);
  images = await startRegistry();
  port = await freePort();
  host = `localhost:${await freePort()}`;
  project = await Project.fromExample({
    example: "run-by-digest",
    stack: "stage",
    registries: [{ host }],
    env: { DOCKER_HOST: engine.host },
  });
  cpSync(path.join(ROOT, "examples/sample/vendor"), path.join(project.dir, "vendor"), { recursive: true });
  const program = path.join(project.dir, "registry/index.ts");
  // The machine's engine may have a container and a volume of the example's name.
  writeFileSync(program, readFileSync(program, "utf8").replace('"registry"', JSON.stringify(name)));
  await project.commit({ Dockerfile: DOCKERFILE, ".dockerignore": "*\n!site\n!vendor\n" }, "v1.0.0");
  await ok(project.pulumi("stack", "init"));
  await ok(project.pulumi("config", "set", "port", String(port)));
  await ok(registry("stack", "init"));
  await ok(registry("config", "set", "port", host.replace("localhost:", "")));
  await ok(registry("config", "set", "image", await registryImage()));
}, 1_800_000);

beforeEach((context) => context.skip(typeof engine === "string", String(engine)));

afterAll(async () => {
  if (engine === undefined || typeof engine === "string") return;
  await project?.pulumi("destroy", "--yes");
  await registry("destroy", "--yes");
  await engine.call("DELETE", `/volumes/${name}-content`);
  await engine.stop();
  await images?.stop();
  project?.remove();
});

/** The example's other program. */
const registry = (...args: string[]) =>
  project.run({}, "pulumi", "--cwd", "registry", ...args, "--stack", "local");

async function ok(result: ReturnType<Project["pulumi"]>): Promise<string> {
  const { exitCode, text } = await result;
  expect(exitCode, text).toBe(0);
  return text;
}

/** Docker Hub's registry image, as far as StageRegistry needs it: the toolchain's binary where no engine can pull. */
async function registryImage(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-registry-image-"));
  const image = `${images.host}/registry:3.1.2`;
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: "/var/lib/registry" } },
    http: { addr: ":5000" },
  };
  cpSync(binary("registry"), path.join(folder, "registry"));
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  await run("tar", ["cf", "layer.tar", "registry", "config.json"], { cwd: folder });
  await crane("append", "--new_layer", path.join(folder, "layer.tar"), "--new_tag", image);
  await crane(
    "mutate",
    image,
    "--set-platform",
    `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
    "--entrypoint",
    "/registry",
    "--cmd",
    "serve,/config.json",
    "--tag",
    image,
  );
  rmSync(folder, { recursive: true });
  return image;
}

/** The image that the site's container was made of, and what it serves. */
async function running(): Promise<{ image: unknown; page: string }> {
  const containers = typeof engine === "string" ? [] : await engine.call("GET", "/containers/json");
  const images = (Array.isArray(containers) ? containers : []).map((container) => container.Image);
  return {
    image: images.find((image) => String(image).startsWith(`${host}/site@`)),
    page: await (await answer(`http://localhost:${port}/`)).text(),
  };
}

/** A container's program may take a moment to listen. */
async function answer(url: string): Promise<Response> {
  for (const end = Date.now() + 20_000; Date.now() < end; await delay(100)) {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) return response;
  }
  throw new Error(`${url} does not answer`);
}

const released = async (tag: string) => `${host}/site@${await crane("digest", `${host}/site:${tag}`)}`;

test("StageRegistry runs a registry", async () => {
  await ok(registry("up", "--yes"));
  expect((await answer(`http://${host}/v2/`)).status).toBe(200);
  expect(JSON.parse(await ok(registry("stack", "output", "--json")))).toEqual({ host });
});

test("what was released runs by its digest", async () => {
  await ok(project.pulumi("up", "--yes"));
  expect(await running()).toEqual({
    image: await released("1.0.0"),
    page: expect.stringContaining("Version 1"),
  });
  expect(await ok(project.pulumi("up", "--yes"))).toMatch(/Resources:\n +\d+ unchanged\n/);
});

test("the next release replaces the container, as its preview shows", async () => {
  const first = await released("1.0.0");
  await project.commit({ "site/index.html": "<h1>Version 2</h1>\n" }, "v1.1.0");
  expect(await ok(project.preview("--diff"))).toMatch(/\+-docker:index\/container:Container: \(replace\)/);
  expect(await running()).toEqual({ image: first, page: expect.stringContaining("Version 1") });
  await ok(project.pulumi("up", "--yes"));
  const second = await released("1.1.0");
  expect(second).not.toBe(first);
  expect(await running()).toEqual({ image: second, page: expect.stringContaining("Version 2") });
});

test("a release that fails leaves the container as it is", async () => {
  const before = await running();
  await project.commit({ Dockerfile: "FROM scratch\nCOPY nowhere /\n" }, "v1.2.0");
  expect((await project.up()).exitCode).not.toBe(0);
  expect(await running()).toEqual(before);
});

test("the registry's content stays when its container goes", async () => {
  const before = await released("1.1.0");
  await ok(registry("destroy", "--yes"));
  await expect(fetch(`http://${host}/v2/`)).rejects.toThrow();
  await ok(registry("up", "--yes"));
  await answer(`http://${host}/v2/`);
  expect(await released("1.1.0")).toBe(before);
});
