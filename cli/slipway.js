#!/usr/bin/env node

require("../toolchain/load.cjs")
  .load("cli/main.ts")
  .main(process.argv.slice(2))
  .then((/** @type {number} */ code) => {
    process.exitCode = code;
  });
