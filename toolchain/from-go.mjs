// @ts-check
// Third source of a part: the pinned Go module, built here. go.sum holds the sums of everything that goes in.

import { chmod, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { goModuleDir } from "./paths.mjs";
import { findOnPath, lastLines, run } from "./run.mjs";
import { isAtLeast, versionIn } from "./version.mjs";

/** Since 1.21 Go fetches the newer toolchain that a go.mod asks for, and checks it against Go's checksum database. */
const minimumGo = [1, 21, 0];

/**
 * @param {import('./pins.mjs').Part} part @param {string} target folder that gets the binaries
 * @param {(doing: string) => void} onProgress @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string | undefined>} why it could not be had
 */
export async function buildPart(part, target, onProgress, env = process.env) {
  if (part.go.length === 0) return "it is not a Go program";
  const go = findOnPath("go", env);
  if (!go) return "no go on the PATH";
  const version = versionIn((await run(go, ["version"], { env })).output);
  if (!version || !isAtLeast(version, minimumGo)) {
    return `${go} is version ${version?.join(".") ?? "unknown"}, not ${minimumGo.join(".")} or later`;
  }
  const suffix = process.platform === "win32" ? ".exe" : "";
  for (const build of part.go) {
    for (const [bin, source] of Object.entries(build.packages)) {
      onProgress(`building ${source === "." ? bin : source} from source`);
      const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false"];
      args.push(
        "-ldflags",
        `-s -w ${build.ldflags ?? ""}`.trim(),
        "-o",
        path.join(target, bin + suffix),
        source,
      );
      const { code, output } = await run(go, args, {
        cwd: goModuleDir(build.module),
        env: { ...env, GOWORK: "off", GOOS: "", GOARCH: "", ...build.env },
      });
      if (code !== 0) {
        return `\`go ${args.slice(0, 3).join(" ")} … ${source}\` in toolchain/go/${build.module} ended with:\n${lastLines(output)}`;
      }
      if (build.flags) await addFlags(path.join(target, bin), build.flags);
    }
  }
  return undefined;
}

/**
 * Puts a launcher in a language host's place that starts it with more flags in projects that say `typescript: false`;
 * the engine starts it in the project's folder. Windows has official downloads of every part.
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
