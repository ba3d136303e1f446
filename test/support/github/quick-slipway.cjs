#!/usr/bin/env node
// The `slipway` command whose seconds of waiting last a few milliseconds.
"use strict";

const { load } = require("../../../toolchain/load.cjs");

load("src/cli/main.ts")
  .main(process.argv.slice(2), Number(process.env.TEST_SECOND_MS ?? 4))
  .then((/** @type {number} */ code) => {
    process.exitCode = code;
  });
