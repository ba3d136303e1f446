#!/usr/bin/env node

require("./load.cjs").load("src/settings/json-schema.ts").main(process.argv.slice(2));
