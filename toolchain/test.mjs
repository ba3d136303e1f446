#!/usr/bin/env node
// npm test: provides what is missing, then runs every test.

import { command } from "./node-version.mjs";

const usage = `Usage: npm test [-- <options of vitest, or parts of file names>]

Provides what is missing (as npm start does, and the tests' judges) and runs the tests, or those named. Of what is
slow a slice is run; npm run test:all runs all of it.
  npm test -- test/unit/toolchain        one folder
  npm test -- --project unit             one kind: unit, integration or e2e
  npm test -- -t 'port taken'            by name
`;

await command(usage, async (args) => {
  if (args.includes("--all")) process.env.SLIPWAY_TESTS = "all";
  const { runTests } = await import("./run-tests.mjs");
  return runTests(args.filter((arg) => arg !== "--all"));
});
