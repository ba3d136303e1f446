// @ts-check
// A program that its publisher ships as a Python wheel: fetched by pip, which knows the machine's own index, and checked
// against the pinned hash. Nothing of it is installed, and no Python code of it runs.

import { chmod, copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { findOnPath, lastLines, run } from "./run.mjs";

/**
 * @param {import('./pins.mjs').Part} part @param {import('./platform.mjs').Platform} platform
 * @param {string} target folder that gets the binaries @param {(doing: string) => void} onProgress
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string | undefined>} why it could not be had
 */
export async function unpackWheel(part, platform, target, onProgress, env = process.env) {
  const { wheel } = part;
  if (!wheel) return "it is not a wheel";
  const file = wheel.files[`${platform.os}/${platform.arch}`];
  if (!file) return `no wheel is pinned for ${platform.os}/${platform.arch}`;
  const python = findOnPath("python3", env) ?? findOnPath("python", env);
  if (!python) return "no python3 on the PATH, whose pip would fetch it";
  const work = path.join(target, ".wheel");
  const unpacked = path.join(work, "unpacked");
  const requirements = path.join(work, "requirements.txt");
  try {
    await mkdir(unpacked, { recursive: true });
    await writeFile(requirements, `${wheel.project}==${part.version} --hash=sha256:${file.sha256}\n`);
    onProgress(`fetching ${wheel.project} ${part.version} by pip`);
    const args = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    args.push("--only-binary", ":all:", "--platform", file.tag, "--require-hashes");
    const fetched = await run(python, [...args, "--dest", work, "--requirement", requirements], { env });
    if (fetched.code !== 0) return `\`${python} -m pip download\` ended with:\n${lastLines(fetched.output)}`;
    const name = (await readdir(work)).find((entry) => entry.endsWith(".whl"));
    if (!name) return "pip fetched no wheel";
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
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
