#!/usr/bin/env node
// npm test: installs what is missing, then runs the tests.

import { command } from "./node-version.mjs";

const usage = `Usage: npm test [-- <options of vitest, or parts of file names>]

Installs what is missing (as npm start does, and the tests' own tools) and runs all tests, or the named ones. It runs
only some of the slow cases; npm run test:all runs all of them.
  npm test -- test/unit/toolchain        one folder
  npm test -- --project unit             one kind: unit, integration or e2e
  npm test -- -t 'port taken'            by name
`;

await command(usage, async (args) => {
  if (args.includes("--all")) process.env.SLIPWAY_TESTS = "all";
  const { runTests } = await import("./run-tests.mjs");
  return runTests(args.filter((arg) => arg !== "--all"));
});
