#!/usr/bin/env node

// The reader may stop (`slipway --help | head -1`). What runs goes on to its end: a release is not left half done for
// that, and the exit code stays its own.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
  });
}

require("../toolchain/load.cjs")
  .load("cli/main.ts")
  .main(process.argv.slice(2))
  .then((/** @type {number} */ code) => {
    process.exitCode = code;
  });
