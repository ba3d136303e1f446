// @ts-check
// What every command of this folder has in common: one clear error, and nothing left running after Ctrl-C.

import { endChildren } from "./run.mjs";

/** @param {() => Promise<number | void>} main its result is the exit code */
export async function runCommand(main) {
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      endChildren();
      process.exit(code);
    });
  }
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    endChildren();
    console.error(`\n${error instanceof Error ? error.message : error}`);
    if (process.env.SLIPWAY_DEBUG && error instanceof Error) console.error(error.stack);
    process.exitCode = 1;
  }
}
