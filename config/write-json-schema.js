#!/usr/bin/env node

require("../toolchain/load.cjs").load("config/write-json-schema.ts").main(process.argv.slice(2));
