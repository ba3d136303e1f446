import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const EXAMPLE = path.resolve(__dirname, "../../examples/publish-services");
const TFVARS = "infra/terraform/environments/stage/stage.tfvars";
const NAMES = ["langgraph", "temporal-worker", "api"];

let registry: TestRegistry;
let project: Project;

/** The example's own files, as a person has them. */
function exampleFiles(folder: string, at = ""): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path.join(folder, at)).flatMap((name) => {
      const file = path.posix.join(at, name);
      if (statSync(path.join(folder, file)).isDirectory()) return Object.entries(exampleFiles(folder, file));
      const isProject = /^(Pulumi.*\.yaml|program\.js|package\.json|\.buildnum.*)$/.test(name);
      return isProject ? [] : [[file, readFileSync(path.join(folder, file), "utf8")]];
    }),
  );
}

function stackConfig(): Record<string, unknown> {
  const { config } = parse(readFileSync(path.join(EXAMPLE, "Pulumi.stage.yaml"), "utf8"));
  return Object.fromEntries(
    Object.entries<unknown>(config).map(([key, value]) => [key.replace("slipway:", ""), value]),
  );
}

beforeAll(async () => {
  registry = await startRegistry();
  project = await Project.create({ config: stackConfig() });
  await project.commit(exampleFiles(EXAMPLE));
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

function deploy(env: Readonly<Record<string, string>> = {}) {
  return project.slipwayWith(env, "deploy-stage", "--registry", registry.host);
}

function write(file: string, text: string): void {
  writeFileSync(path.join(project.dir, file), text);
}

function text(file: string): string {
  return readFileSync(path.join(project.dir, file), "utf8");
}

test("two at once release two numbers, and Terraform has the later one", async () => {
  write(".buildnum", "146\n");
  const before = text(TFVARS);
  // Filters of the person's shell select nothing here: a deploy is of the whole fleet.
  const results = await Promise.all([deploy({ CI_SERVICES: "api" }), deploy()]);
  for (const { exitCode, text: output } of results) expect(exitCode, output).toBe(0);
  expect(text(".buildnum")).toBe("148\n");
  expect(text(TFVARS)).toBe(before.replace('"0"', '"148"'));
  for (const name of NAMES) {
    const digest = await crane("digest", `${registry.host}/${name}:147`);
    expect(await crane("digest", `${registry.host}/${name}:148`)).toBe(digest);
  }
  expect(JSON.parse(text("artifacts/docker/service-image-manifest.json"))).toEqual({
    registry: registry.host,
    tag: "148",
    push: true,
    images: NAMES.map((name) => ({ name, image: `${registry.host}/${name}:148` })),
  });
});

test("a failing apply.sh leaves images and tfvars, and says so", async () => {
  const script = "infra/terraform/environments/stage/apply.sh";
  const before = text(script);
  write(script, "#!/bin/sh\necho no terraform today >&2\nexit 3\n");
  const { exitCode, text: output } = await deploy();
  write(script, before);
  expect(exitCode).toBe(3);
  expect(output).toContain("The images of 149 are released");
  expect(text(TFVARS)).toContain('glass_docker_tag = "149"');
  expect(await crane("digest", `${registry.host}/api:149`)).toMatch(/^sha256:/);
});

test.each([
  [".buildnum", "one hundred\n", "[buildnum-corrupt]"],
  [TFVARS, 'nomad_address = "x"\n', "[tfvars-key]"],
])("a wrong %s is refused before anything is released", async (file, wrong, code) => {
  const before = text(file);
  const number = text(".buildnum");
  await registry.forget();
  write(file, wrong);
  const { exitCode, text: output } = await deploy();
  expect(exitCode).toBe(1);
  expect(output).toContain(code);
  expect(await registry.log()).toEqual([]);
  expect(text(file)).toBe(wrong);
  write(file, before);
  expect(text(".buildnum")).toBe(number);
});

test("a release that fails leaves tfvars as it is", async () => {
  const before = text(TFVARS);
  const { exitCode, text: output } = await project.slipwayWith(
    {},
    "deploy-stage",
    "--registry",
    "localhost:1",
  );
  expect(exitCode, output).not.toBe(0);
  expect(text(TFVARS)).toBe(before);
});
