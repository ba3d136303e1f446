#!/usr/bin/env node
// npm run audit: asks the npm registry for known weaknesses in what is released (not in what only builds and checks).

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: npm run audit

Asks the npm registry about every package that \`dependencies\` bring in. Ends with 1 where one has a known weakness of
severity high or critical, with 0 where none has. Lesser ones are listed. A registry that does not say is listed too,
and is no failure: many mirrors have no such service.
`;

await command(usage, async (args) => {
  if (args.length > 0) return unknownArguments(args, usage);
  const { auditPackages } = await import("./audit-packages.mjs");
  const { text, code } = await auditPackages();
  console.log(text);
  return code;
});
