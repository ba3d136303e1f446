#!/usr/bin/env node
// @ts-check
// npm test: provides what is missing, then runs every test.

import { requireNode } from "./node-version.mjs";

requireNode();

const usage = `Usage: npm test [-- <options of vitest, or parts of file names>]

Provides what is missing (as npm start does, and the tests' judges) and runs the tests, or those named. Of what is
slow a slice is run; npm run test:all runs all of it.
  npm test -- test/unit/toolchain        one folder
  npm test -- --project unit             one kind: unit, integration or e2e
  npm test -- -t 'port taken'            by name
`;

const args = process.argv.slice(2).filter((arg) => arg !== "--all");
if (process.argv.includes("--all")) process.env.SLIPWAY_TESTS = "all";
if (args.includes("--help") || args.includes("-h")) {
  process.stdout.write(usage);
} else {
  const { runCommand } = await import("./command.mjs");
  await runCommand(async () => {
    const { runTests } = await import("./run-tests.mjs");
    return runTests(args);
  });
}
