import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ProblemError } from "../../../src/plan/problem";
import { Encrypted } from "../../../src/settings/secrets";
import { listStackFiles, readStackFile } from "../../../src/settings/stack-file";

let projectDir: string;

beforeEach(async () => {
  projectDir = await mkdtemp(join(tmpdir(), "slipway-stack-"));
  await writeFile(join(projectDir, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
});
afterEach(() => rm(projectDir, { recursive: true }));

async function stack(text: string | Buffer, name = "stage"): Promise<void> {
  await writeFile(join(projectDir, `Pulumi.${name}.yaml`), text);
}

async function failure(name = "stage"): Promise<string> {
  try {
    await readStackFile({ projectDir, stack: name });
  } catch (error) {
    if (error instanceof ProblemError) return error.message.replaceAll(projectDir, "<project>");
    throw error;
  }
  throw new Error("the stack file was accepted");
}

describe("a stack's file", () => {
  it("gives the settings under slipway:, with encrypted values marked", async () => {
    await stack(`
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  images: [not ours]
  slipway:requireTag: true
  slipway:registries:
    - host: ghcr.io
      password: { secure: v1:xyz }
  slipway:images: [{ name: app }]
`);
    expect(await readStackFile({ projectDir, stack: "organization/shop/stage" })).toEqual({
      project: "shop",
      stack: "stage",
      written: {
        requireTag: true,
        registries: [{ host: "ghcr.io", password: expect.any(Encrypted) }],
        images: [{ name: "app" }],
      },
      config: {
        "aws:region": "eu-central-1",
        "shop:images": ["not ours"],
        "slipway:requireTag": true,
        "slipway:registries": [{ host: "ghcr.io", password: expect.any(Encrypted) }],
        "slipway:images": [{ name: "app" }],
      },
      misplaced: [],
      secretKeys: ["registries"],
    });
  });

  it.each([
    [
      "a misspelt namespace",
      "config:\n  slipwya:lane: main\n",
      "slipwya:lane: is not a setting; did you mean `slipway:lane`?",
    ],
    [
      "no namespace",
      "config:\n  images: [{ name: app }]\n",
      "shop:images: is not in the namespace of Slipway; did you mean `slipway:images`?",
    ],
    [
      "no `config:` above",
      "slipway:requireTag: true\n",
      "slipway:requireTag: is not below `config:`, where settings are; did you mean `slipway:requireTag`?",
    ],
  ])("names a setting with %s", async (_, text, problem) => {
    await stack(text);
    const { misplaced } = await readStackFile({ projectDir, stack: "stage" });
    expect(misplaced.map(({ path, message }) => `${path}: ${message}`)).toEqual([problem]);
  });

  it("leaves a program's own settings alone", async () => {
    await stack("config:\n  version: v1\n  registries: [a, b]\n  aws:images: [x]\n  shipyard:lane: x\n");
    expect((await readStackFile({ projectDir, stack: "stage" })).misplaced).toEqual([]);
  });

  it("gives keys without a namespace to the project, and uses the project's values for all stacks", async () => {
    await writeFile(
      join(projectDir, "Pulumi.yaml"),
      `name: slipway
config:
  slipway:version: v0.0.1
  slipway:requireTag: { type: boolean, default: true }
  slipway:artifacts: { value: out }
`,
    );
    await stack("config:\n  images: [{ name: app }]\n  slipway:version: v1.0.0\n");
    const { written } = await readStackFile({ projectDir, stack: "stage" });
    expect(written).toEqual({
      version: "v1.0.0",
      requireTag: true,
      artifacts: "out",
      images: [{ name: "app" }],
    });
  });

  it("reads another file, and one without config", async () => {
    const configFile = join(projectDir, "copy.yaml");
    await writeFile(configFile, "# nothing yet\n");
    const { written } = await readStackFile({ projectDir, stack: "stage", configFile });
    expect(written).toEqual({});
  });
});

describe("a stack's file that cannot be read", () => {
  const title = "The configuration cannot be read:\n  ";

  it("names the stacks that have one", async () => {
    await stack("config: {}", "prod");
    await stack("config: {}", "stage");
    expect(await failure("stagge")).toBe(
      `${title}Pulumi.stagge.yaml: there is no such stack file; there are prod, stage [config-stack]\n    Name one of these: --stack <name>`,
    );
  });

  it("refuses a stack's name that leads elsewhere", async () => {
    expect(await failure("x/../..")).toBe(`${title}stack: "x/../.." is no stack's name [config-stack]`);
  });

  it("needs a project", async () => {
    await rm(join(projectDir, "Pulumi.yaml"));
    expect(await failure()).toContain(
      "Pulumi.yaml: there is no such file; is this the project's folder? [config-file]",
    );
  });

  it("names a project in a folder below", async () => {
    await rm(join(projectDir, "Pulumi.yaml"));
    await mkdir(join(projectDir, "release"));
    await writeFile(join(projectDir, "release/Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
    const hint = `There is a project in release: run it there, or with -C ${relative(process.cwd(), join(projectDir, "release"))}`;
    await expect(readStackFile({ projectDir, stack: "stage" })).rejects.toThrow(hint);
    await expect(listStackFiles(projectDir)).rejects.toThrow(hint);
  });

  it("names file and line of a mistake", async () => {
    await stack("config:\n  slipway:images: [\n  x: }\n");
    expect(await failure()).toMatch(/<project>\/Pulumi\.stage\.yaml:[34]: .+ \[config-file\]/);
  });

  it("names file and line of a repeated key", async () => {
    await stack("config:\n  slipway:version: v1\n  slipway:version: v2\n");
    expect(await failure()).toMatch(/Pulumi\.stage\.yaml:3: Map keys must be unique \[config-file\]/);
  });

  it.each([
    ["too deep in a mapping", "config:\n  a: 1\n   b: 2\n  c: 3\n", 3],
    ["too deep in a list", "config:\n  a:\n    - name: app\n        context: app\n", 4],
    ["too deep after blank lines", "config:\n  a: x\n\n\n     y: 1\n", 5],
    ["not deep enough", "config:\n  a: 1\n b: 2\n", 3],
    ["a quote", 'config:\n  a: "x\n  b: 1\n  c: 1\n', 2],
    ["a single quote", "config:\n  a: 1\n  b: 'x\n  c: 1\n", 3],
    ["a colon without a space", "config:\n  a:true\n  b: 1\n", 2],
    ["a missing colon", "config:\n  a: 1\n  b\n  c: 2\n", 3],
    ["two colons", "config:\n  a: b: c\n  d: 1\n", 2],
    ["a tab", "config:\n\ta: 1\n", 2],
    ["a reserved character", "config:\n  a: @octo\n", 2],
  ])("names the line of the mistake: %s", async (_, text, line) => {
    await stack(text);
    expect(await failure()).toContain(`Pulumi.stage.yaml:${line}: `);
  });

  it("names file and line of bytes that are not UTF-8", async () => {
    await stack(
      Buffer.concat([Buffer.from("config:\n  slipway:version: "), Buffer.from([0xff, 0xfe, 0x0a])]),
    );
    expect(await failure()).toBe(`${title}<project>/Pulumi.stage.yaml:2: is not UTF-8 [config-file]`);
  });

  it("refuses a file that is too large", async () => {
    await stack(`# ${"x".repeat(1024 * 1024)}\n`);
    expect(await failure()).toBe(`${title}<project>/Pulumi.stage.yaml: is larger than 1 MiB [config-file]`);
  });

  it("refuses a YAML bomb, quickly", async () => {
    const levels = Array.from({ length: 12 }, (_, index) => {
      const inner = index === 0 ? "lol" : `*l${index - 1}`;
      return `l${index}: &l${index} [${Array.from({ length: 10 }, () => inner).join(", ")}]`;
    });
    await stack(`${levels.join("\n")}\nconfig: { slipway:images: *l11 }\n`);
    const start = Date.now();
    expect(await failure()).toMatch(
      /Pulumi\.stage\.yaml: cannot be resolved: Excessive alias count.+ \[config-file\]/,
    );
    expect(Date.now() - start).toBeLessThan(5000);
  });

  it("refuses an alias of itself, and endless nesting", async () => {
    await stack("config: &a\n  slipway:images: [*a]\n");
    expect(await failure()).toContain("[config-file]");
    for (const nested of [
      "[".repeat(200_000),
      `\n  ${"- ".repeat(200_000)}`,
      `\n  ${"? ".repeat(200_000)}`,
    ]) {
      await stack(`config: ${nested}`);
      expect(await failure()).toMatch(/Pulumi\.stage\.yaml:[12]: is nested without end \[config-file\]/);
    }
  });

  it("refuses a file that is not a mapping", async () => {
    await stack("- a\n- b\n");
    expect(await failure()).toBe(`${title}Pulumi.stage.yaml: is not a mapping of settings [config-file]`);
  });
});
