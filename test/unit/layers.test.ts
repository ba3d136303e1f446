import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Dependencies point one way: a room -> the rooms that it may import from, besides itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  config: ["plan"],
  registry: ["plan"],
  report: ["plan"],
  source: ["config", "plan", "registry"],
  trust: ["plan", "registry"],
  provider: ["config", "plan", "registry", "report", "trust"],
  components: ["config", "plan", "provider", "report", "source", "workflows"],
  workflows: ["plan"],
  testing: ["config", "plan", "registry", "report", "source"],
  cli: ["config", "plan", "provider", "registry", "report", "source", "trust", "workflows"],
};

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

/** Libraries that belong to one room, so that the others can be read and tested without them. */
const OWN_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "#toolchain": ["cli"],
  "@pulumi/pulumi": ["cli", "components", "config", "provider", "testing"],
  "@pulumi/docker": ["components"],
  "@pulumi/docker-build": ["components"],
  "@pulumi/github": ["components"],
  "@grpc/grpc-js": ["provider"],
  undici: ["registry"],
  "@sigstore/bundle": ["trust"],
  "@sigstore/protobuf-specs": ["trust"],
  "@sigstore/sign": ["trust"],
  "@sigstore/tuf": ["trust"],
  "@sigstore/verify": ["trust"],
  "libsodium-wrappers": ["source", "trust"],
  "write-file-atomic": ["report"],
  commander: ["cli"],
  "@inquirer/prompts": ["cli"],
  octokit: ["cli", "source"],
  yaml: ["cli", "config", "source", "workflows"],
};

const ROOT = path.join(__dirname, "../..");

interface Import {
  /** `plan/digest.ts`. */
  readonly file: string;
  /** `plan/manifest`, or a library's name. */
  readonly target: string;
  readonly local: boolean;
}

/** Every import of every source file: static, dynamic, of types, and required. */
function importsIn(root: string, rooms: readonly string[]): Import[] {
  return sourceFiles(root, rooms).flatMap((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, file), "utf8"), true, true);
    return importedFiles.map(({ fileName }) => {
      const local = fileName.startsWith(".");
      return { file, target: local ? path.posix.join(path.posix.dirname(file), fileName) : fileName, local };
    });
  });
}

function sourceFiles(root: string, rooms: readonly string[]): string[] {
  return rooms.flatMap((room) =>
    readdirSync(path.join(root, room), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.[cm]?[jt]s$/.test(name))
      .map((name) => path.posix.join(room, name.replaceAll(path.sep, "/"))),
  );
}

function roomOf(name: string): string {
  return name.split("/")[0] ?? "";
}

/** `plan/x.ts imports registry/client`, for each import that goes the wrong way. */
function wrongWay(imports: readonly Import[]): string[] {
  return imports
    .filter(({ file, target, local }) => local && roomOf(target) in ROOMS && roomOf(target) !== roomOf(file))
    .filter(({ file, target }) => !ROOMS[roomOf(file)]?.includes(roomOf(target)))
    .map(({ file, target }) => `${file} imports ${target}`);
}

function impureLibraries(imports: readonly Import[]): string[] {
  return imports
    .filter(
      ({ file, target, local }) => roomOf(file) === "plan" && !local && !PURE_LIBRARIES.includes(target),
    )
    .map(({ file, target }) => `${file} imports ${target}`);
}

function borrowedLibraries(imports: readonly Import[]): string[] {
  return imports.flatMap(({ file, target }) => {
    const library = Object.keys(OWN_LIBRARIES).find(
      (name) => target === name || target.startsWith(`${name}/`),
    );
    if (library === undefined || OWN_LIBRARIES[library]?.includes(roomOf(file))) return [];
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

const imports = importsIn(ROOT, Object.keys(ROOMS));

describe("dependencies point one way", () => {
  test("from room to room", () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(wrongWay(imports)).toEqual([]);
  });

  test("nothing imports the command line, the tests or, but for its lock, the toolchain", () => {
    const starters = [
      "cli/slipway.js",
      "config/write-json-schema.js",
      "provider/index.js",
      "testing/load.js",
    ];
    const outside = imports.filter(
      ({ file, target, local }) => local && !Object.hasOwn(ROOMS, roomOf(target)) && !starters.includes(file),
    );
    expect([...new Set(outside.map(({ target }) => target))].sort()).toEqual([
      "package.json",
      "toolchain/lock.mjs",
    ]);
    expect(imports.filter(({ file, target }) => roomOf(target) === "cli" && roomOf(file) !== "cli")).toEqual(
      [],
    );
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
    const used = new Set(imports.filter(({ file }) => roomOf(file) === "plan").map(({ target }) => target));
    expect(PURE_LIBRARIES.filter((library) => !used.has(library))).toEqual([]);
  });

  test.each(sourceFiles(ROOT, ["plan"]))(
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
      "plan/tag-rules/a.ts",
      'import type { X } from "../../registry/client";\nimport { b } from "../b";\n',
    );
    write("plan/b.ts", 'import { readFile } from "node:fs/promises";\nexport * from "./c";\n');
    write("registry/d.ts", 'const { main } = await import("../cli/main.js");\nimport "../plan/b";\n');
    write("report/e.js", 'const x = require("../source/git");\nconst y = require("undici/types");\n');
  });

  afterAll(() => rmSync(root, { recursive: true }));

  test("an import of any kind that goes the wrong way is found", () => {
    const found = importsIn(root, ["plan", "registry", "report"]);
    expect(wrongWay(found).sort()).toEqual([
      "plan/tag-rules/a.ts imports registry/client",
      "registry/d.ts imports cli/main.js",
      "report/e.js imports source/git",
    ]);
    expect(impureLibraries(found)).toEqual(["plan/b.ts imports node:fs/promises"]);
    expect(borrowedLibraries(found)).toEqual(["report/e.js imports undici/types"]);
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
