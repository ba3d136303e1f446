#!/usr/bin/env node
// @ts-check
// npm run --silent env: prints what a shell needs to use the same pulumi, registry and builder by hand.

import { requireNode } from "./node-version.mjs";

requireNode();

const usage = `Usage: eval "$(npm run --silent env)"
       eval "$(npm run --silent env -- --with github)"     for the setup stack: with the GitHub provider

Prints export lines for the provided toolchain: PATH, PULUMI_HOME, the stage stack's backend and passphrase file,
the builder and the local registry. What is missing is provided first; its progress goes to standard error.
Then, for example:
  npm run services:up
  pulumi preview --stack stage --config-file "$SLIPWAY_STAGE_CONFIG"
`;

const args = process.argv.slice(2);
const isKnown = args.length === 0 || (args.length === 2 && args[0] === "--with" && args[1] === "github");
if (args.includes("--help")) {
  process.stdout.write(usage);
} else if (!isKnown) {
  process.stderr.write(`${args.join(" ")} is not known here.\n${usage}`);
  process.exitCode = 2;
} else {
  const { runCommand } = await import("./command.mjs");
  await runCommand(async () => {
    const { printEnvironment } = await import("./print-environment.mjs");
    await printEnvironment(args.slice(1));
  });
}
