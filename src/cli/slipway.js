#!/usr/bin/env node

// The reader of a pipe may stop (`slipway --help | head -1`). That must not end a release in the middle or change the
// exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
  });
}

// Print an uncaught error of a command or of a project's program like any other error.
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
