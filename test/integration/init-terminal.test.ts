import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { onTerminal, type Step } from "../support/terminal";

/** `slipway init` at a terminal writes nothing before the last question is confirmed. */

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-init-terminal-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main"], { cwd: dir });
  execFileSync("git", ["remote", "add", "origin", "git@github.com:octo/app.git"], { cwd: dir });
  for (const file of ["Dockerfile", "Dockerfile.dev"]) writeFileSync(path.join(dir, file), "FROM scratch\n");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** GitHub and Pulumi's backend do not answer. */
const OFFLINE = { GITHUB_API_URL: "http://127.0.0.1:9", PULUMI_BACKEND_URL: "file:///no/such/folder" };
const ENTER = "\r";
const throughQuestions: readonly Step[] = [
  { when: "Dockerfiles to release", type: ENTER },
  { when: "Registries", type: ENTER },
  { when: "Registry of stage", type: ENTER },
  { when: "Workflow files for", type: ENTER },
  { when: "Sign releases with", type: ENTER },
];

test.each<[string, readonly Step[], number]>([
  ["Ctrl-C at the first question", [{ when: "Dockerfiles to release", type: "\u0003" }], 130],
  ["Ctrl-C at the last one", [...throughQuestions, { when: "Write these", type: "\u0003" }], 130],
  ["SIGTERM at a question", [{ when: "Dockerfiles to release", signal: "SIGTERM" }], 143],
  ["no at the last one", [...throughQuestions, { when: "Write these", type: `n${ENTER}` }], 1],
  ["yes at the last one", [...throughQuestions, { when: "Write these", type: ENTER }], 0],
])("%s", async (_, steps, code) => {
  const { PATH = "", HOME = "" } = process.env;
  const ended = await onTerminal({
    argv: [process.execPath, path.resolve(__dirname, "../../src/cli/slipway.js"), "init"],
    ...{ cwd: dir, env: { PATH, HOME, TERM: "xterm-256color", ...OFFLINE }, columns: 80, rows: 24, steps },
    isDrawn: false,
  });
  expect(ended.raw).toContain(code === 0 ? "Next:" : "Nothing was written.");
  expect(ended.code).toBe(code);
  const files = readdirSync(dir).sort();
  if (code !== 0) expect(files).toEqual([".git", "Dockerfile", "Dockerfile.dev"]);
  else expect(files).toContain("release");
});
