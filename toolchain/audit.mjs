#!/usr/bin/env node
// npm run audit: asks the npm registry for known vulnerabilities in the released packages, without devDependencies.

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: npm run audit

Asks the npm registry about every package that \`dependencies\` install. Exits with 1 if one has a known vulnerability of
severity high or critical, else with 0. Less severe ones are listed. If the registry does not answer, this is listed too,
and the exit code is 0, because many mirrors have no such service.
`;

await command(usage, async (args) => {
  if (args.length > 0) return unknownArguments(args, usage);
  const { auditPackages } = await import("./audit-packages.mjs");
  const { text, code } = await auditPackages();
  console.log(text);
  return code;
});
