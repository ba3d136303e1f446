#!/usr/bin/env node
// npm run --silent env: prints what a shell needs to use the same pulumi, registry and builder by hand.

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: eval "$(npm run --silent env)"
       eval "$(npm run --silent env -- --with github)"     for the setup stack: with the GitHub provider

Prints export lines for the provided toolchain: PATH, PULUMI_HOME, the stage stack's backend and passphrase file,
the builder and the local registry. What is missing is provided first; its progress goes to standard error.
Then, for example:
  npm run services:up
  pulumi preview --stack stage --config-file "$SLIPWAY_STAGE_CONFIG"
`;

await command(usage, async (args) => {
  const isKnown = args.length === 0 || args.join(" ") === "--with github";
  if (!isKnown) return unknownArguments(args, usage);
  const { printEnvironment } = await import("./prepare.mjs");
  await printEnvironment(args.slice(1));
});
