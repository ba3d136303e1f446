import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { crane } from "../support/crane";
import { dockerCli } from "../support/docker-cli";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const TFVARS = "infra/terraform/environments/stage/stage.tfvars";
const NAMES = ["langgraph", "temporal-worker", "api"];

let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  project = await Project.fromExample({ example: "publish-services", stack: "stage" });
  await project.commit({});
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

/** The example's own script, to the registry's port in place of 5000. */
function deploy(env: Readonly<Record<string, string>> = {}) {
  const port = registry.host.replace("localhost:", "");
  return project.run({ SLIPWAY_REGISTRY_PORT: port, ...env }, "npm", "run", "--silent", "deploy:stage");
}

function write(file: string, text: string): void {
  writeFileSync(path.join(project.dir, file), text);
}

function text(file: string): string {
  return readFileSync(path.join(project.dir, file), "utf8");
}

test("a stack that cannot be made takes no number", async () => {
  await registry.forget();
  const { exitCode, text: output } = await deploy({ PULUMI_BACKEND_URL: "file:///dev/null/nowhere" });
  expect(exitCode, output).not.toBe(0);
  expect(existsSync(path.join(project.dir, ".buildnum"))).toBe(false);
  expect(await registry.log()).toEqual([]);
});

test("two at once release two numbers, and Terraform has the later one", async () => {
  write(".buildnum", "146\n");
  const before = `${text(TFVARS)}other = "$1 $& \\"x\\"" # glass_docker_tag = "old"\r\nno_newline = 1`;
  write(TFVARS, before);
  // Filters of the person's shell select nothing here: a deploy is of all services.
  const results = await Promise.all([deploy({ CI_SERVICES: "api" }), deploy({ CI_PUSH: "false" })]);
  for (const { exitCode, text: output } of results) expect(exitCode, output).toBe(0);
  expect(results.map((result) => result.text).join("")).toContain("waiting for the deploy of process");
  expect(text(".buildnum")).toBe("148\n");
  // All but the tag stays byte for byte.
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
  ...["", "one hundred\n", "-1", "1.5", "0x10", "99999999999", "147\n148\n"].map((wrong) => [
    ".buildnum",
    wrong,
    "is not a build number",
  ]),
  [TFVARS, 'nomad_address = "x"\nmy_glass_docker_tag = "1"\n', "has 0 lines"],
  [TFVARS, "glass_docker_tag = 146\n", "has 0 lines"],
  [TFVARS, 'glass_docker_tag = "1"\nglass_docker_tag = "2"\n', "has 2 lines"],
])("%s that is %j is refused before anything is released", async (file, wrong, message) => {
  const before = text(file);
  const number = text(".buildnum");
  await registry.forget();
  write(file, wrong);
  const { exitCode, text: output } = await deploy();
  expect(exitCode).toBe(1);
  expect(output).toContain(message);
  expect(await registry.log()).toEqual([]);
  expect(text(file)).toBe(wrong);
  write(file, before);
  expect(text(".buildnum")).toBe(number);
});

test("with CI_DOCKER_CLI that CLI releases, and no stack is needed", async () => {
  const cli = dockerCli();
  try {
    await project.commit({ "services/api/main.js": "// changed\n" });
    write(".buildnum", "199\n");
    const env = { CI_DOCKER_CLI: cli.program, PULUMI_BACKEND_URL: "file:///dev/null/nowhere" };
    const { exitCode, text: output } = await deploy(env);
    expect(exitCode, output).toBe(0);
    expect(cli.calls().map(({ args }) => args.join(" "))).toContainEqual(
      expect.stringMatching(/^build .*--target api /),
    );
    expect(text(TFVARS)).toContain('glass_docker_tag = "200"');
    expect(await crane("digest", `${registry.host}/api:200`)).toMatch(/^sha256:/);
  } finally {
    cli.remove();
  }
});

test("a release that fails leaves tfvars as it is", async () => {
  const before = text(TFVARS);
  // It listens, so that no registry is started there, and answers nothing.
  const broken = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(broken, "listening");
  const address = broken.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const { exitCode, text: output } = await deploy({ SLIPWAY_REGISTRY_PORT: port });
  broken.close();
  expect(exitCode, output).not.toBe(0);
  expect(text(TFVARS)).toBe(before);
});
