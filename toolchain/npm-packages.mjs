// The project's npm packages, exactly as the lock file has them.

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
import { firstLines, lastLines, npmCommand, run } from "./run.mjs";

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

/**
 * @param {{ progress?: import('./progress.mjs').Progress, cache?: string, project?: string }} [options]
 * @returns {Promise<string>} the folder with `linux-amd64/esbuild` and `linux-arm64/esbuild`
 */
export async function provideSample({ progress, cache = cacheDir(), project = projectDir } = {}) {
  const { version, packages } = sampleBinaries;
  const kept = path.join(cache, "parts", `sample-${version}`);
  if (!statSync(kept, { throwIfNoEntry: false })) {
    const step = progress?.step(`sample's binaries ${version}`, "npm pack");
    try {
      await withLock(path.join(cache, "locks", `sample-${version}.lock`), async () => {
        if (statSync(kept, { throwIfNoEntry: false })) return;
        await makeWholeFolder(kept, async (folder) => {
          await Promise.all(
            packages.map((wanted) => fetchBinary(wanted, version, path.join(folder, wanted.platform))),
          );
        });
      });
      step?.done("from npm");
    } catch (error) {
      step?.fail("can't be had");
      throw error;
    }
  }
  const vendor = path.join(project, "sample", "vendor");
  for (const { platform } of packages)
    placeBinary(path.join(kept, platform, "esbuild"), path.join(vendor, platform, "esbuild"));
  return vendor;
}

/** @param {{ package: string, integrity: string }} wanted @param {string} version @param {string} target */
async function fetchBinary(wanted, version, target) {
  mkdirSync(target);
  const spec = `${wanted.package}@${version}`;
  const npm = npmCommand();
  const packed = await run(
    npm.program,
    [...npm.args, "pack", spec, "--silent", "--pack-destination", target],
    { cwd: target },
  );
  const [archive] = readdirSync(target).filter((name) => name.endsWith(".tgz"));
  if (packed.code !== 0 || !archive) {
    throw new Error(
      `SLIPWAY_PART_MISSING: the npm package ${spec}, which the sample image is made of, can't be had. ` +
        `\`npm pack ${spec}\` ended with:\n${lastLines(packed.output)}\nWhat you can do: make sure that npm reaches ` +
        "a registry (`npm ping`), then run the same command again.",
    );
  }
  const file = path.join(target, archive);
  const found = sha512Of(file);
  if (found !== wanted.integrity)
    throw new Error(`${spec}: npm gave ${found}, the pin is ${wanted.integrity}`);
  const unpacked = await run("tar", ["-xf", file, "-C", target]);
  if (unpacked.code !== 0) throw new Error(`tar could not unpack ${archive}:\n${lastLines(unpacked.output)}`);
  copyFileSync(path.join(target, "package", "bin", "esbuild"), path.join(target, "esbuild"));
  for (const used of ["package", archive]) rmSync(path.join(target, used), { recursive: true });
}

/** The mode is part of what is built, and must not depend on this machine's umask. @param {string} from @param {string} to */
function placeBinary(from, to) {
  const there = statSync(to, { throwIfNoEntry: false });
  if (
    there &&
    there.size === statSync(from).size &&
    (process.platform === "win32" || (there.mode & 0o777) === 0o755)
  )
    return;
  mkdirSync(path.dirname(to), { recursive: true });
  const temporary = `${to}.${process.pid}`;
  copyFileSync(from, temporary);
  chmodSync(temporary, 0o755);
  renameSync(temporary, to);
}
