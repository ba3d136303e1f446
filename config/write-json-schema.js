#!/usr/bin/env node

require("../toolchain/load.cjs").load("config/json-schema.ts").main(process.argv.slice(2));
