import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { linkedExample } from "../../support/linked";

const SLIPWAY = join(__dirname, "../../../src/cli/slipway.js");
const linked = linkedExample("release-docker-image");

afterAll(() => rmSync(linked, { recursive: true, force: true }));

/** Runs a command whose reader is gone before the first output, as can happen with `| head -1`. */
function withClosedPipe(
  pipe: "stdout" | "stderr",
  args: readonly string[],
): Promise<{ code: number | null; other: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SLIPWAY, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child[pipe].destroy();
    let other = "";
    child[pipe === "stdout" ? "stderr" : "stdout"].on("data", (chunk) => {
      other += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, other }));
  });
}

test.each<["stdout" | "stderr", string[], number]>([
  ["stdout", ["--help"], 0],
  ["stdout", ["plan", "--help"], 0],
  ["stdout", ["workflows", "--print", "-C", linked], 0],
  ["stderr", ["--nonsense"], 2],
])("with a closed %s, %j ends quietly, with its own exit code", async (pipe, args, code) => {
  expect(await withClosedPipe(pipe, args)).toEqual({ code, other: "" });
});
