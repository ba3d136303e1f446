// @ts-check
// The project's npm packages, exactly as the lock file has them.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { withLock } from "./lock.mjs";
import { cacheDir, checkoutDir, projectDir } from "./paths.mjs";
import { firstLines, npmCommand, run } from "./run.mjs";

/**
 * @param {{ progress?: import('./progress.mjs').Progress, cache?: string, project?: string }} [options]
 */
export async function installPackages({ progress, cache = cacheDir(), project = projectDir } = {}) {
  if (areInstalled(project)) return;
  const step = progress?.step("npm packages", "npm ci");
  try {
    const lock = path.join(cache, "locks", `npm-${path.basename(checkoutDir(cache, project))}.lock`);
    await withLock(lock, async () => {
      if (areInstalled(project)) return;
      const npm = npmCommand();
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--include=dev"];
      const args = [...npm.args, "ci", ...flags];
      const { code, output } = await run(npm.program, args, { cwd: project });
      if (code !== 0) {
        throw new Error(
          `SLIPWAY_NPM_FAILED: \`npm ci\` ended with code ${code}:\n${firstLines(output)}\n` +
            "What you can do: make sure that npm reaches a registry (`npm ping`), then run the same command again.",
        );
      }
    });
    step?.done("npm ci");
  } catch (error) {
    step?.fail();
    throw error;
  }
}

/**
 * Whether node_modules holds what the lock file names. npm writes its own record there when it has finished, so an
 * interrupted installation shows; times of files say nothing after a checkout.
 * @param {string} project
 */
export function areInstalled(project) {
  const record = path.join(project, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const wanted = packagesIn(path.join(project, "package-lock.json"));
  const found = packagesIn(record);
  return Object.entries(wanted).every(
    // An optional package is for another platform, if it is not there.
    ([name, entry]) =>
      name === "" || (found[name] ? found[name].version === entry.version : entry.optional === true),
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesIn(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}
