import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { onTerminal } from "../support/terminal";

/** The output of an engine that fails, through a pipe and on a terminal. */

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-quiet-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const COMPONENT = "urn:pulumi:stage::shop::slipway:index:Release$slipway:index:ImageRelease::release-api";
const URN =
  "urn:pulumi:stage::shop::slipway:index:Release$slipway:index:ImageRelease$docker-build:index:Image::release-api-build-01";
const EVENTS = [
  {
    resourcePreEvent: {
      metadata: {
        ...{ op: "create", urn: COMPONENT, type: "slipway:index:ImageRelease" },
        new: { custom: false, inputs: { image: "api" } },
      },
    },
  },
  {
    resourcePreEvent: {
      metadata: {
        ...{ op: "create", urn: URN, type: "docker-build:index:Image" },
        new: { custom: true, parent: COMPONENT },
      },
    },
  },
  { diagnosticEvent: { urn: URN, severity: "info", ephemeral: true, message: "#1 RUN make\n" } },
  { diagnosticEvent: { urn: URN, severity: "error", message: "failed to solve\n" } },
  { summaryEvent: { resourceChanges: { create: 2 }, durationSeconds: 3 } },
].map((event, sequence) => JSON.stringify({ sequence, timestamp: 0, ...event }));

/** Replaces pulumi: prints events if asked for them, and its own display without --json. */
const ENGINE = `
const { writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
const events = ${JSON.stringify(EVENTS)}.map((event) => event + "\\n").join("");
const at = args.indexOf("--event-log");
if (args.includes("--locked")) {
  process.stderr.write("error: the stack is currently locked by 1 lock(s). Delete the lock file\\n" +
    "  file:///x.json: created by ann@elsewhere (pid 7) at 2026-11-28T06:49:07Z\\n");
  process.exit(1);
}
if (at >= 0 && process.env.PULUMI_DEBUG_COMMANDS === "true") writeFileSync(args[at + 1], events);
process.stdout.write(args.includes("--json") ? events : "the engine's display, and its Duration: 3s\\n");
process.exitCode = args.includes("--well") ? 0 : 255;
`;

const LOAD = JSON.stringify(path.resolve(__dirname, "../../toolchain/load.cjs"));

function command(args: readonly string[]): string[] {
  const engine = path.join(dir, "engine.js");
  writeFileSync(engine, ENGINE);
  const script = `require(${LOAD}).load("src/cli/engine/run-pulumi.ts")
    .runQuietly(process.execPath, process.argv.slice(1), { cwd: ${JSON.stringify(dir)}, env: process.env })
    .then((code) => { process.exitCode = code; });`;
  return ["--eval", script, "--", engine, "up", ...args];
}

function inPipe(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command(args), (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });
}

const REASON = [
  "The log of api's build:",
  "  #1 RUN make",
  "error: api: the build failed: failed to solve",
  "No tag was written. Run the same command again: it finishes what is missing.",
];

test("through a pipe, the output is our log, and the reason comes last", async () => {
  const { code, out, err } = await inPipe([]);
  expect(out.split("\n")).toEqual(["building api", "Resources: 2 created (3 s)", ""]);
  expect(err.split("\n")).toEqual([...REASON, ""]);
  expect(code).toBe(255);
  expect(await inPipe(["--well"])).toMatchObject({ code: 0, err: "" });
});

test.each([
  ["--diff"],
  ["--json"],
  ["-jy"],
  ["--color=always"],
  ["--suppress-outputs=false"],
  ["--show-sames"],
])("through a pipe with %s, the output is the requested display", async (flag) => {
  const { code, out, err } = await inPipe([flag]);
  expect(out).toBe(
    flag === "--json" ? `${EVENTS.join("\n")}\n` : "the engine's display, and its Duration: 3s\n",
  );
  expect(err).toBe("");
  expect(code).toBe(255);
});

test.each<[string, readonly string[], Readonly<Record<string, string>>, readonly string[]]>([
  ["a terminal", [], {}, ["the engine's display, and its Duration: 3s", ...REASON]],
  ["and all went well", ["--well"], {}, ["the engine's display, and its Duration: 3s"]],
  [
    "and --non-interactive",
    ["--non-interactive"],
    {},
    ["building api", "Resources: 2 created (3 s)", ...REASON],
  ],
  ["and CI", [], { CI: "true" }, ["building api", "Resources: 2 created (3 s)", ...REASON]],
])("%s: the engine's display where it is updated, and the reason last", async (_, args, env, expected) => {
  const { PATH = "", HOME = "" } = process.env;
  const { code, terminal } = await onTerminal({
    argv: [process.execPath, ...command(args)],
    ...{ cwd: dir, columns: 100, rows: 30, env: { PATH, HOME, TERM: "xterm", TMPDIR: dir, ...env } },
  });
  expect(terminal.lines).toEqual(expected);
  expect(code).toBe(args.includes("--well") ? 0 : 255);
  // The events are gone.
  expect(readdirSync(dir)).toEqual(["engine.js"]);
});

test("a locked stack's owner replaces the engine's advice to delete a file, through a pipe and on a terminal", async () => {
  const args = ["--stack", "stage", "--locked"];
  const { PATH = "", HOME = "" } = process.env;
  const { code, out, err } = await inPipe(args);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^error: SLIPWAY_STACK_LOCKED: another release of the stack stage is running:\n/);
  expect(err).toContain("  ann@elsewhere (process 7) since 2026-11-28T06:49:07Z\n");
  const { terminal } = await onTerminal({
    argv: [process.execPath, ...command(args)],
    ...{ cwd: dir, columns: 120, rows: 30, env: { PATH, HOME, TERM: "xterm", TMPDIR: dir } },
  });
  expect(terminal.lines).toEqual(err.trimEnd().split("\n"));
});

const SAYING = `const { endPassing, say, sayInPassing } = require(${LOAD}).load("src/cli/terminal.ts");
  sayInPassing("api: copied 1 MB of 3 MB"); sayInPassing("api: copied 2 MB of 3 MB" + " and so on".repeat(9));
  say("api: copied 3 MB"); sayInPassing("writing latest"); endPassing(); console.error("error: no");`;

test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
  ["updated on a terminal", {}, ["api: copied 3 MB", "error: no"]],
  [
    "one after the other in CI",
    { CI: "true" },
    [
      "api: copied 1 MB of 3 MB",
      expect.stringMatching(/^api: copied 2 MB of 3 MB and so on/),
      ...[expect.any(String), "api: copied 3 MB", "writing latest", "error: no"],
    ],
  ],
])("a command's own progress is %s", async (_, env, expected) => {
  const { PATH = "", HOME = "" } = process.env;
  const { terminal } = await onTerminal({
    argv: [process.execPath, "--eval", SAYING],
    ...{ cwd: dir, columns: 80, rows: 30, env: { PATH, HOME, TERM: "xterm", ...env } },
  });
  expect(terminal.lines).toEqual(expected);
});
