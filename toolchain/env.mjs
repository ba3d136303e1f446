#!/usr/bin/env node
// npm run --silent env: prints the variables for using the same pulumi, registry and builder in a shell.

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: eval "$(npm run --silent env)"
       eval "$(npm run --silent env -- --with github)"     with the GitHub provider, for the setup stack

Prints export lines for the toolchain: PATH, PULUMI_HOME, the stage stack's backend and passphrase file, the builder
and the local registry. Installs what is missing first, with its progress on standard error.
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
