// Installs the project's packages from the lock file, and the sample image's static binaries for both platforms. npm
// alone would install only those for this machine's processor.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { makeWholeFolder } from "./files.mjs";
import { sha512Of } from "./from-download.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir, checkoutDir, projectDir } from "./paths.mjs";
import { sampleBinaries } from "./pins.mjs";
import { firstLines, lastLines, run, runNpm } from "./run.mjs";

/** @param {{ progress: import('./progress.mjs').Progress }} options */
export async function installPackages({ progress }) {
  if (areInstalled(projectDir)) return;
  const step = progress.step("npm packages", "npm ci");
  try {
    const cache = cacheDir();
    await withLock(path.join(cache, "locks", `npm-${path.basename(checkoutDir(cache))}.lock`), async () => {
      if (areInstalled(projectDir)) return;
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--include=dev"];
      const { code, output } = await runNpm(["ci", ...flags], { cwd: projectDir });
      if (code !== 0) {
        throw new Error(
          `SLIPWAY_NPM_FAILED: \`npm ci\` exited with code ${code}:\n${firstLines(output)}\n` +
            "What you can do: make sure that npm reaches a registry (`npm ping`), then run the same command again.",
        );
      }
    });
    step.done("npm ci");
  } catch (error) {
    step.fail();
    throw error;
  }
}

/**
 * Whether node_modules matches the lock file. npm writes its record there last, so an interrupted installation is
 * detected. File times are useless for this after a checkout.
 * @param {string} project
 */
export function areInstalled(project) {
  const record = path.join(project, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const locked = packagesIn(path.join(project, "package-lock.json"));
  const found = packagesIn(record);
  return Object.entries(locked).every(
    // A missing optional package is one for another platform.
    ([name, entry]) =>
      name === "" || (found[name] ? found[name].version === entry.version : entry.optional === true),
  );
}

/** @param {string} file @returns {Record<string, { version?: string, optional?: boolean }>} */
const packagesIn = (file) => JSON.parse(readFileSync(file, "utf8")).packages ?? {};

/**
 * Copies `linux-amd64/esbuild` and `linux-arm64/esbuild` to examples/sample/vendor.
 * @param {{ progress?: import('./progress.mjs').Progress }} [options]
 */
export async function provideSample({ progress } = {}) {
  const { version, packages } = sampleBinaries;
  const cache = cacheDir();
  const kept = path.join(cache, "parts", `sample-${version}`);
  if (!statSync(kept, { throwIfNoEntry: false })) {
    const step = progress?.step(`sample's binaries ${version}`, "npm pack");
    try {
      await withLock(path.join(cache, "locks", `sample-${version}.lock`), async () => {
        if (statSync(kept, { throwIfNoEntry: false })) return;
        await makeWholeFolder(kept, async (folder) => {
          const fetches = packages.map((pin) => fetchBinary(pin, version, path.join(folder, pin.platform)));
          await Promise.all(fetches);
        });
      });
      step?.done("from npm");
    } catch (error) {
      step?.fail("not available");
      throw error;
    }
  }
  for (const { platform } of packages) {
    const target = path.join(projectDir, "examples", "sample", "vendor", platform, "esbuild");
    placeBinary(path.join(kept, platform, "esbuild"), target);
  }
}

/** @param {{ package: string, integrity: string }} pin @param {string} version @param {string} target */
async function fetchBinary(pin, version, target) {
  mkdirSync(target);
  const spec = `${pin.package}@${version}`;
  const packed = await runNpm(["pack", spec, "--silent", "--pack-destination", target], { cwd: target });
  const [archive] = readdirSync(target).filter((name) => name.endsWith(".tgz"));
  if (packed.code !== 0 || !archive) {
    throw new Error(
      `SLIPWAY_PART_MISSING: the npm package ${spec}, which the sample image needs, is not available. ` +
        `\`npm pack ${spec}\` failed:\n${lastLines(packed.output)}\nWhat you can do: make sure that npm reaches ` +
        "a registry (`npm ping`), then run the same command again.",
    );
  }
  const file = path.join(target, archive);
  const found = sha512Of(file);
  if (found !== pin.integrity) throw new Error(`${spec}: npm gave ${found}, the pin is ${pin.integrity}`);
  const unpacked = await run("tar", ["-xf", file, "-C", target]);
  if (unpacked.code !== 0) throw new Error(`tar could not unpack ${archive}:\n${lastLines(unpacked.output)}`);
  copyFileSync(path.join(target, "package", "bin", "esbuild"), path.join(target, "esbuild"));
  for (const used of ["package", archive]) rmSync(path.join(target, used), { recursive: true });
}

/** The mode is part of the image's content and must not depend on the umask. @param {string} from @param {string} to */
function placeBinary(from, to) {
  const there = statSync(to, { throwIfNoEntry: false });
  const hasMode = there && (process.platform === "win32" || (there.mode & 0o777) === 0o755);
  if (hasMode && there.size === statSync(from).size) return;
  mkdirSync(path.dirname(to), { recursive: true });
  const temporary = `${to}.${process.pid}`;
  copyFileSync(from, temporary);
  chmodSync(temporary, 0o755);
  renameSync(temporary, to);
}
