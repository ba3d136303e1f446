// Runs before `npm pack`: makes the bundles that replace the sources in the package, and the components' types.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { bundled } = require("./load.cjs");

const root = path.resolve(__dirname, "..");
const types = path.join(root, "dist/types");

for (const entry of [
  "components/index.ts",
  "src/cli/main.ts",
  "src/provider/main.ts",
  "src/testing/index.ts",
])
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

// Leave out declarations that no entry imports: they name packages that a consumer may not have.
/** @type {Set<string>} */
const needed = new Set();
for (const entry of ["components", "src/testing"])
  declarations(path.join(types, entry, "index.d.ts"), needed);
for (const name of fs.readdirSync(types, { recursive: true, encoding: "utf8" })) {
  const file = path.join(types, name);
  if (file.endsWith(".d.ts") && !needed.has(file)) fs.rmSync(file);
}

/** Adds a file, and what it imports. @param {string} file @param {Set<string>} found */
function declarations(file, found) {
  if (found.has(file)) return;
  found.add(file);
  for (const [, target = ""] of fs.readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)) {
    const next = path.join(path.dirname(file), target.replace(/\.js$/, ""));
    declarations(fs.existsSync(`${next}.d.ts`) ? `${next}.d.ts` : path.join(next, "index.d.ts"), found);
  }
}
