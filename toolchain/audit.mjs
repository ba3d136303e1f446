#!/usr/bin/env node
// @ts-check
// npm run audit: asks the npm registry for known weaknesses in what is released (not in what only builds and checks).

import { requireNode } from "./node-version.mjs";

requireNode();

const usage = `Usage: npm run audit

Asks the npm registry about every package that \`dependencies\` bring in. Ends with 1 where one has a known weakness of
severity high or critical, with 0 where none has. Lesser ones are listed. A registry that does not say is listed too,
and is no failure: many mirrors have no such service.
`;

const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(usage);
} else if (args.length > 0) {
  process.stderr.write(`${args.join(" ")} is not known here.\n${usage}`);
  process.exitCode = 2;
} else {
  const { runCommand } = await import("./command.mjs");
  await runCommand(async () => {
    const { auditPackages } = await import("./audit-packages.mjs");
    const { text, code } = await auditPackages();
    console.log(text);
    return code;
  });
}
