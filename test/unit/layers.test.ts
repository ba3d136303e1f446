import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = path.join(__dirname, "../..");

/** Dependencies point one way: a folder -> the folders that it imports from, as docs/architecture.md says. */
const LAYERS = layersIn(readFileSync(path.join(ROOT, "docs/architecture.md"), "utf8"));

function layersIn(page: string): Record<string, string[]> {
  const [, table = ""] = page.split(/<!-- \/?layers -->/);
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  return Object.fromEntries(
    rows.map((row) => {
      const [folder = "", ...below] = [...row.matchAll(/`([\w/]+)\/`/g)].map(([, name]) => name ?? "");
      return [folder, below];
    }),
  );
}

/** What the plan may use of the world outside: functions of their arguments, and nothing that reads or waits. */
const PURE_LIBRARIES = [
  "@renovatebot/pep440",
  "csv-parse/sync",
  "fastest-levenshtein",
  "handlebars",
  "moment-timezone",
  "node:crypto",
  "node:util",
  "semver",
  "spdx-expression-parse",
];

/** Libraries that belong to one folder, so that the others can be read and tested without them. */
const OWN_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "#toolchain": ["cli"],
  "@pulumi/pulumi": ["cli", "components", "provider", "settings", "testing"],
  "@pulumi/docker": ["components"],
  "@pulumi/docker-build": ["components"],
  "@pulumi/github": ["components"],
  "@grpc/grpc-js": ["provider", "release"],
  undici: ["registry"],
  "@sigstore/bundle": ["signing"],
  "@sigstore/protobuf-specs": ["signing"],
  "@sigstore/sign": ["signing"],
  "@sigstore/tuf": ["signing"],
  "@sigstore/verify": ["signing"],
  "libsodium-wrappers": ["github", "signing"],
  "write-file-atomic": ["report"],
  commander: ["cli"],
  "@inquirer/prompts": ["cli"],
  octokit: ["cli", "github"],
  yaml: ["cli", "inputs", "settings", "workflows"],
};

interface Import {
  /** `src/plan/digest.ts`. */
  readonly file: string;
  /** `src/plan/manifest`, or a library's name. */
  readonly target: string;
  readonly local: boolean;
}

/** Every import of every source file: static, dynamic, of types, and required. */
function importsIn(root: string, folders: readonly string[]): Import[] {
  return sourceFiles(root, folders).flatMap((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, file), "utf8"), true, true);
    return importedFiles.map(({ fileName }) => {
      const local = fileName.startsWith(".");
      return { file, target: local ? path.posix.join(path.posix.dirname(file), fileName) : fileName, local };
    });
  });
}

function sourceFiles(root: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.[cm]?[jt]s$/.test(name))
      .map((name) => path.posix.join(folder, name.replaceAll(path.sep, "/"))),
  );
}

/** `src/plan/digest.ts` -> `src/plan`, `components/release.ts` -> `components`. */
function folderOf(name: string): string {
  return /^(?:src\/)?[^/]+/.exec(name)?.[0] ?? "";
}

/** A folder -> the others that it imports from. */
function layersOf(imports: readonly Import[]): Record<string, string[]> {
  const layers: Record<string, string[]> = {};
  for (const { file, target, local } of imports) {
    const [from, to] = [folderOf(file), folderOf(target)];
    layers[from] ??= [];
    if (local && to !== from && to in LAYERS && !layers[from].includes(to)) layers[from].push(to);
  }
  return layers;
}

/** `src/plan/x.ts imports src/registry/client`, for each import that goes the wrong way. */
function wrongWay(imports: readonly Import[]): string[] {
  return imports
    .filter(({ target, local }) => local && folderOf(target) in LAYERS)
    .filter(
      ({ file, target }) => ![folderOf(file), ...(LAYERS[folderOf(file)] ?? [])].includes(folderOf(target)),
    )
    .map(({ file, target }) => `${file} imports ${target}`);
}

function impureLibraries(imports: readonly Import[]): string[] {
  return imports
    .filter(
      ({ file, target, local }) =>
        folderOf(file) === "src/plan" && !local && !PURE_LIBRARIES.includes(target),
    )
    .map(({ file, target }) => `${file} imports ${target}`);
}

function borrowedLibraries(imports: readonly Import[]): string[] {
  return imports.flatMap(({ file, target }) => {
    const library = Object.keys(OWN_LIBRARIES).find(
      (name) => target === name || target.startsWith(`${name}/`),
    );
    if (library === undefined || OWN_LIBRARIES[library]?.includes(path.basename(folderOf(file)))) return [];
    return [`${file} imports ${target}`];
  });
}

const IMPURE_GLOBALS = new Set(
  "process console fetch globalThis performance setTimeout setInterval setImmediate queueMicrotask __dirname".split(
    " ",
  ),
);
const IMPURE_CALLS = new Set([
  "Date.now",
  "Math.random",
  "crypto.randomUUID",
  "moment.now",
  "moment.utc()",
  "moment()",
]);

/** What a text of the plan reads of the world by itself: clock, chance, environment, network. */
function impurities(file: string, text: string): string[] {
  const found: string[] = [];
  const say = (what: string) => found.push(`${file} uses ${what}`);
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;

  function visit(node: ts.Node): void {
    if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && isFree(node)) say(node.text);
    if (ts.isPropertyAccessExpression(node) && IMPURE_CALLS.has(node.getText())) say(node.getText());
    const isBareDate = ts.isNewExpression(node) && node.expression.getText() === "Date";
    if (isBareDate && (node.arguments?.length ?? 0) === 0) say("new Date()");
    if (ts.isCallExpression(node) && IMPURE_CALLS.has(node.getText())) say(node.getText());
    ts.forEachChild(node, visit);
  }
}

/** The name itself, not a property or key that happens to be called so. */
function isFree(node: ts.Identifier): boolean {
  const { parent } = node;
  const isProperty = ts.isPropertyAccessExpression(parent) && parent.name === node;
  return !isProperty && !ts.isPropertyAssignment(parent) && !ts.isPropertySignature(parent);
}

const imports = importsIn(ROOT, Object.keys(LAYERS));

describe("dependencies point one way", () => {
  test("as the table in docs/architecture.md says", () => {
    expect(wrongWay(imports)).toEqual([]);
    const actual = Object.entries(layersOf(imports)).map(([folder, below]) => [folder, below.sort()]);
    expect(Object.fromEntries(actual)).toEqual(LAYERS);
  });

  test("nothing imports the tests or, but for its lock, the toolchain", () => {
    const starters = ["src/cli/slipway.js", "src/provider/index.js"];
    const outside = imports.filter(
      ({ file, target, local }) =>
        local && !Object.hasOwn(LAYERS, folderOf(target)) && !starters.includes(file),
    );
    expect([...new Set(outside.map(({ target }) => target))].sort()).toEqual([
      "package.json",
      "toolchain/lock.mjs",
    ]);
  });

  test("a library that belongs to a room is used there alone", () => {
    expect(borrowedLibraries(imports)).toEqual([]);
  });
});

describe("the plan is pure", () => {
  test("it imports itself and libraries that read nothing", () => {
    expect(impureLibraries(imports)).toEqual([]);
  });

  test("every one of these libraries is still in use", () => {
    const used = new Set(
      imports.filter(({ file }) => folderOf(file) === "src/plan").map(({ target }) => target),
    );
    expect(PURE_LIBRARIES.filter((library) => !used.has(library))).toEqual([]);
  });

  test.each(sourceFiles(ROOT, ["src/plan"]))(
    "%s asks nobody for time, chance, environment or network",
    (file) => {
      expect(impurities(file, readFileSync(path.join(ROOT, file), "utf8"))).toEqual([]);
    },
  );
});

describe("these tests can fail", () => {
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), "slipway-layers-"));
    const write = (file: string, text: string) => {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    };
    write(
      "src/plan/tag-rules/a.ts",
      'import type { X } from "../../registry/client";\nimport { b } from "../b";\n',
    );
    write("src/plan/b.ts", 'import { readFile } from "node:fs/promises";\nexport * from "./c";\n');
    write("src/registry/d.ts", 'const { main } = await import("../cli/main.js");\nimport "../plan/b";\n');
    write("src/report/e.js", 'const x = require("../inputs/git");\nconst y = require("undici/types");\n');
  });

  afterAll(() => rmSync(root, { recursive: true }));

  test("an import of any kind that goes the wrong way is found", () => {
    const found = importsIn(root, ["src/plan", "src/registry", "src/report"]);
    expect(wrongWay(found).sort()).toEqual([
      "src/plan/tag-rules/a.ts imports src/registry/client",
      "src/registry/d.ts imports src/cli/main.js",
      "src/report/e.js imports src/inputs/git",
    ]);
    expect(impureLibraries(found)).toEqual(["src/plan/b.ts imports node:fs/promises"]);
    expect(borrowedLibraries(found)).toEqual(["src/report/e.js imports undici/types"]);
  });

  test.each([
    ["const at = new Date();", ["new Date()"]],
    ["const at = Date.now();", ["Date.now"]],
    ["const env = process.env.HOME;", ["process"]],
    ["const { env } = globalThis.process;", ["globalThis"]],
    ["await fetch(url); console.log(Math.random());", ["fetch", "console", "Math.random"]],
    ["const at = moment();", ["moment()"]],
    ["const at = new Date(text); const x = { process: 1 }; moment(at).format();", []],
  ])("%s", (text, expected) => {
    expect(impurities("x.ts", text)).toEqual(expected.map((what) => `x.ts uses ${what}`));
  });
});
