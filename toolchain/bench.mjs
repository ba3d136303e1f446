#!/usr/bin/env node
// npm run bench: installs what is missing, including the peers, and measures.

import path from "node:path";
import { childEnvironment } from "./environment.mjs";
import { command } from "./node-version.mjs";

const usage = `Usage: npm run bench [-- --quick] [-- parts of case names]

Measures Slipway beside docker buildx bake, crane and regctl on the same services, in turn, and writes
artifacts/bench.json and the table of docs/performance.md. Run nothing else at the same time.
  npm run bench -- --quick            each case once, in minutes, without the table
  npm run bench -- "10 images"        only the cases with this in their names
`;

await command(usage, async (args) => {
  const { prepare } = await import("./prepare.mjs");
  const { provideToolchain } = await import("./provide.mjs");
  const { projectDir } = await import("./paths.mjs");
  const { runInForeground } = await import("./run.mjs");
  const { env } = await prepare({ tests: true });
  const peers = await provideToolchain({ parts: ["buildx", "regctl"] });
  const search = [...peers.path, env.PATH].join(path.delimiter);
  const script = 'require("./toolchain/load.cjs").load("test/bench/run.ts").main(process.argv.slice(1))';
  return runInForeground(process.execPath, ["-e", script, "--", ...args], {
    cwd: projectDir,
    env: childEnvironment({ PATH: search }, env),
  });
});
