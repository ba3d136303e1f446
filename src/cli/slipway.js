#!/usr/bin/env node

// The reader may stop (`slipway --help | head -1`). What runs goes on to its end: a release is not left half done for
// that, and the exit code stays its own.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
  });
}

// What a command or a project's program leaves uncaught: its message, as for any other error.
process.on("uncaughtException", (/** @type {unknown} */ error) => {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: "" };
  process.stderr.write(`error: ${message}\n${process.env.SLIPWAY_DEBUG ? `${stack}\n` : ""}`);
  process.exit(1);
});

require("../../toolchain/load.cjs")
  .load("src/cli/main.ts")
  .main(process.argv.slice(2))
  .then((/** @type {number} */ code) => {
    process.exitCode = code;
  });
