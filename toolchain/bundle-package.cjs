// @ts-check
// `npm pack` runs this first: what the package has in place of its sources, and the types of its components.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { bundled } = require("./load.cjs");

const root = path.resolve(__dirname, "..");
const types = path.join(root, "dist/types");

for (const entry of ["cli/main.ts", "components/index.ts", "provider/main.ts", "testing/index.ts"])
  bundled(entry);

fs.rmSync(types, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [require.resolve("typescript/bin/tsc"), "-p", "toolchain/tsconfig.types.json"],
  {
    cwd: root,
    stdio: ["ignore", 2, 2],
  },
);
