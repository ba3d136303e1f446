import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const DESCRIPTION = 'Small, fast and "quoted"; 100 % true';

let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  project = await Project.create({ config: config() });
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

function config() {
  return {
    registries: [{ host: registry.host, namespace: "octo" }],
    images: [
      {
        name: "base",
        context: "base",
        platforms: ["linux/amd64"],
        labels: "none",
        tags: ["type=semver,pattern={{version}}", "type=raw,value=stable"],
      },
      {
        name: "app",
        context: "app",
        platforms: ["linux/amd64"],
        extraLabels: [`org.opencontainers.image.description=${DESCRIPTION}`],
        tags: ["type=semver,pattern={{version}}"],
      },
    ],
  };
}

function digestOf(reference: string): Promise<string> {
  return crane("digest", `${registry.host}/octo/${reference}`);
}

async function release(files: Record<string, string>, version: string): Promise<string> {
  await project.commit(files, version);
  return project.upOk();
}

const FILES = {
  "base/Dockerfile": "FROM scratch\nCOPY base.txt /base.txt\n",
  "base/base.txt": "one\n",
  "app/Dockerfile": "FROM scratch\nCOPY app.txt /app.txt\n",
  "app/app.txt": "one\n",
};

test("labels with commas and quotes reach the image and the index", async () => {
  await release(FILES, "v1.0.0");
  const reference = `${registry.host}/octo/app:1.0.0`;
  const { annotations } = JSON.parse(await crane("manifest", reference));
  expect(annotations).toMatchObject({
    "org.opencontainers.image.description": DESCRIPTION,
    "org.opencontainers.image.version": "1.0.0",
  });
  const { config: image } = JSON.parse(await crane("config", "--platform", "linux/amd64", reference));
  expect(image.Labels).toMatchObject({ "org.opencontainers.image.description": DESCRIPTION });
});

test("unchanged content without release labels gets the new version without a build", async () => {
  const text = await release({ "app/app.txt": "two\n" }, "v1.1.0");
  expect(text).not.toMatch(/Image release-base-build-\w+ creat/);
  expect(text).toMatch(/Image release-app-build-\w+ created/);
  expect(await digestOf("base:1.1.0")).toBe(await digestOf("base:1.0.0"));
  expect(await digestOf("base:stable")).toBe(await digestOf("base:1.1.0"));
});

test("links reach the image as they are, wherever they lead", async () => {
  const links = { "etc/localtime": "/usr/share/zoneinfo/UTC", "etc/up": "../../../secret", "etc/self": "." };
  await mkdir(path.join(project.dir, "app/rootfs/etc"), { recursive: true });
  for (const [name, target] of Object.entries(links))
    await symlink(target, path.join(project.dir, "app/rootfs", name));
  await release({ "app/Dockerfile": "FROM scratch\nCOPY rootfs /\n" }, "v1.1.1");
  const repository = `${registry.host}/octo/app`;
  const manifest = await crane("manifest", "--platform", "linux/amd64", `${repository}:1.1.1`);
  const [layer] = JSON.parse(manifest).layers;
  const blob = await fetch(`http://${registry.host}/v2/octo/app/blobs/${layer.digest}`);
  const input = Buffer.from(await blob.arrayBuffer());
  const { stdout } = await execa("tar", ["--list", "--verbose", "--gzip"], { input, lines: true });
  for (const [name, target] of Object.entries(links))
    expect(stdout.map((line) => line.split(/ (?=etc\/)/)[1])).toContain(`${name} -> ${target}`);
});

test("FROM means the digest that its tag had when the release was planned", async () => {
  const from = `${registry.host}/octo/base:stable`;
  const files = { "app/Dockerfile": `FROM ${from}\nCOPY app.txt /app.txt\n`, "base/base.txt": "three\n" };
  const before = await digestOf("base:stable");
  await release(files, "v1.2.0");
  expect(await digestOf("base:stable")).not.toBe(before);
  // Built on the base of 1.1.0: the base of 1.2.0 did not exist when 1.2.0 was planned.
  const layers = async (reference: string) =>
    JSON.parse(await crane("manifest", "--platform", "linux/amd64", `${registry.host}/octo/${reference}`))
      .layers;
  const [appBase] = await layers("app:1.2.0");
  expect([appBase]).toEqual(await layers("base:1.1.0"));
});

test("content that every registry lost is built again", async () => {
  await registry.stop();
  registry = await startRegistry({ port: registry.port });
  const files = { "app/Dockerfile": FILES["app/Dockerfile"] };
  await project.commit(files, "v2.0.0");
  await project.upOk();
  const old = await digestOf("app:2.0.0");
  await registry.stop();
  registry = await startRegistry({ port: registry.port });
  const text = await project.upOk();
  expect(text).toMatch(/Image release-app-build-\w+-1 created/);
  expect(await digestOf("app:2.0.0")).toMatch(/^sha256:/);
  expect(await digestOf("app:2.0.0")).not.toBe(old);
});
