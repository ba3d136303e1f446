// Runs vitest on the toolchain, and prints the number of passed and failed tests last.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { projectDir } from "./paths.mjs";
import { prepare } from "./prepare.mjs";
import { processesLeft, runInForeground } from "./run.mjs";
import { servicesDown } from "./services.mjs";

/** All processes that the tests start inherit this variable, with a value that is unique to this run. */
const MARK = "SLIPWAY_TEST_RUN";

/** @param {string[]} args for vitest @returns {Promise<number>} the exit code */
export async function runTests(args) {
  const { env, services } = await prepare({ tests: true });
  const dir = mkdtempSync(path.join(tmpdir(), "slipway-test-"));
  const report = path.join(dir, "report.json");
  try {
    const vitest = path.join(projectDir, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await runInForeground(
      process.execPath,
      [vitest, "run", "--config", "test/vitest.config.mts", ...reporters, ...args],
      {
        cwd: projectDir,
        env: { ...env, [MARK]: dir },
      },
    );
    const left = await processesLeft(`${MARK}=${dir}`, { withinMs: 10_000 });
    for (const { pid, command } of left) {
      console.log(`ending a process that the tests left running: ${pid} ${command}`);
      process.kill(pid, "SIGKILL");
    }
    const counts = countTests(
      existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : { testResults: [] },
    );
    if (code !== 0 && counts.failed === 0) {
      console.log(`vitest ended with code ${code} although no test failed: see its errors above`);
    }
    console.log(summaryLine(counts));
    const isGood = counts.failed === 0 && counts.passed > 0 && left.length === 0;
    return code === 0 && !isGood ? 1 : code;
  } finally {
    rmSync(dir, { recursive: true, force: true });
    // Keep the builder for the next run, except in CI.
    const isOurs = services.some((service) => service.name === "builder" && service.state === "started");
    if (process.env.CI && isOurs) await servicesDown({ only: "builder" });
  }
}

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ testResults: { status?: string, assertionResults?: { status: string }[] }[] }} Report
 */

/** @param {Report} report @returns {Counts} */
export function countTests({ testResults }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults = [] } of testResults) {
    for (const { status: outcome } of assertionResults) {
      if (outcome === "passed") counts.passed += 1;
      else if (outcome === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
    // Count a file that could not be loaded, or whose set-up failed, as one failure.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) counts.failed += 1;
  }
  return counts;
}

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
