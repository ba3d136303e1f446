import path from "node:path";
import type { Config } from "../plan/config";
import type { PlannedRelease } from "../plan/release-plan";
import type { Context } from "../release/operation";
import { diagnosed } from "../release/operation";
import { providerConfig } from "../release/provider-config";
import { Registries } from "../release/registries";
import { Signing } from "../release/signing";
import { writeFiles } from "../report/manifest-file";
import { endPassing, say, sayInPassing } from "./terminal";

export function runContext(config: Config, env: NodeJS.ProcessEnv, projectDir: string): Context {
  const { signing, ...connections } = providerConfig(config);
  // Relative to the current folder, which is not the project's with -C.
  const artifacts = path.relative("", path.resolve(projectDir, config.artifacts));
  return {
    registries: new Registries({ ...connections, artifacts }, env),
    signing: new Signing(signing, env, config.envPrefix),
    log: {
      status: async (image, text) => sayInPassing(image === "" ? text : `${image}: ${text}`),
      info: async (image, text) => say(`${image}: ${text}`),
      warn: async (image, text) => say(`${image}: warning: ${text}`),
    },
  };
}

/** Writes the files that the program made from its plan, and prints their paths. */
export async function writeOwnFiles({ projectDir, files }: PlannedRelease): Promise<void> {
  await writeFiles(projectDir, files);
  for (const file of files ?? []) say(`wrote ${file.path}`);
}

const INTERRUPTED = 130;

/**
 * Runs `work`, whose requests to registries Ctrl-C and SIGTERM cancel. If it fails on a registry, the last requests are
 * written to a file.
 *
 * @param operation the command's name, for that file
 * @param left printed after an interruption: what was written, and what to do next
 * @returns the exit code
 */
export async function untilInterrupted(
  context: Context,
  operation: string,
  left: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    stop.abort(new Error("interrupted"));
    context.registries.cancel();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    await diagnosed(context, { name: operation, preview: false }, () => work(stop.signal));
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say(`interrupted. ${left}`);
    return INTERRUPTED;
  } finally {
    endPassing();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
