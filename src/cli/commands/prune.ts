import { Command, InvalidArgumentError } from "commander";
import { duration, STACK_HELP, type StackOptions, stackToUse } from "./flags";

interface PruneOptions extends StackOptions {
  readonly olderThan?: number;
  readonly yes?: true;
  readonly json?: true;
}

const HELP = `
What goes: candidate- tags whose content a version or sha- tag has, or that no
release took; sha256- tags (lists of signatures) of digests that are gone. With
--older-than also tags of branches and pull requests, and of releases that were
begun and not finished. What a tag, an index, a signature or a release statement
needs stays.

Untagged manifests are not looked for: a registry's API has no list of them.

Examples:
  $ npx --no slipway prune --stack stage
  $ npx --no slipway prune --stack stage --yes
  $ npx --no slipway prune --stack stage --older-than 30d --yes
  $ npx --no slipway prune --stack prod --json

Exit codes: 0 listed or removed, 1 a registry cannot be read or deletes nothing,
2 used wrongly, 130 interrupted.`;

export function pruneCommand(): Command {
  return new Command("prune")
    .description(
      "List, and with --yes remove, tags that no release needs: candidates, lists of lost signatures.",
    )
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--config-file <file>", "default Pulumi.<stack>.yaml")
    .option("--older-than <duration>", "also branches and pull requests, not built since: 30d, 8w", age)
    .option("--yes", "remove what is listed")
    .option("--json", "print the plan and its outcome as JSON")
    .addHelpText("after", HELP)
    .action(async (options: PruneOptions) => {
      const { prune } = await import("../prune.js");
      const { pruneText } = await import("../../report/prune-text.js");
      const { cwd, configFile, olderThan } = options;
      const { code, results } = await prune({
        stack: await stackToUse(options),
        cwd,
        configFile,
        env: process.env,
        now: new Date(),
        olderThan,
        yes: options.yes === true,
      });
      const json = `${JSON.stringify({ repositories: results }, undefined, 2)}\n`;
      process.stdout.write(options.json ? json : pruneText(results));
      process.exitCode = code;
    });
}

function age(value: string): number {
  const seconds = duration(value);
  if (seconds === 0) throw new InvalidArgumentError("expected a time above 0");
  return seconds;
}
