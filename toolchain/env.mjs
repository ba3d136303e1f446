#!/usr/bin/env node
// @ts-check
// npm run --silent env: prints what a shell needs to use the same pulumi, registry and builder by hand.

import { requireNode } from "./node-version.mjs";

requireNode();

const usage = `Usage: eval "$(npm run --silent env)"

Prints export lines for the provided toolchain: PATH, PULUMI_HOME, the stage stack's backend and passphrase file,
the builder and the local registry. What is missing is provided first; its progress goes to standard error.
Then, for example:
  npm run services:up
  pulumi preview --stack stage --config-file "$SLIPWAY_STAGE_CONFIG"
`;

if (process.argv.includes("--help")) {
  process.stdout.write(usage);
} else {
  const { runCommand } = await import("./command.mjs");
  await runCommand(async () => {
    const { printEnvironment } = await import("./print-environment.mjs");
    await printEnvironment();
  });
}
