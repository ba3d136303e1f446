import { Command, CommanderError, Help } from "commander";
import { version } from "../../package.json";
import { reasonOf } from "../plan/problem";
import { compareCommand } from "./commands/compare";
import { dispatchCommand } from "./commands/dispatch";
import { envCommand } from "./commands/env";
import { initCommand } from "./commands/init";
import { keysCommand } from "./commands/keys";
import { buildCommand, mergeCommand } from "./commands/parts";
import { planCommand } from "./commands/plan";
import { pruneCommand } from "./commands/prune";
import { publishCommand } from "./commands/publish";
import { reportCommand } from "./commands/report";
import { tagsCommand } from "./commands/tags";
import { previewCommand, upCommand } from "./commands/up";
import { verifyCommand } from "./commands/verify";
import { workflowsCommand } from "./commands/workflows";

/** The commands, in the order of the help. Their actions import what is slow to load. */
const COMMANDS: readonly ((secondMs?: number) => Command)[] = [
  initCommand,
  keysCommand,
  planCommand,
  previewCommand,
  upCommand,
  envCommand,
  publishCommand,
  buildCommand,
  mergeCommand,
  dispatchCommand,
  reportCommand,
  verifyCommand,
  compareCommand,
  pruneCommand,
  tagsCommand,
  workflowsCommand,
];

const USAGE_ERROR = 2;

/**
 * Runs the `slipway` command. Commands fail by throwing: `command.error(…)` for wrong flags or environment, any other
 * error for a failure. A command that has printed its failure itself sets `process.exitCode`.
 *
 * @param secondMs how long a second of waiting lasts, less in tests
 * @returns the exit code: 0 done, 1 failed, 2 used wrongly
 */
export async function main(argv: string[], secondMs?: number): Promise<number> {
  try {
    await buildProgram(secondMs).parseAsync(argv, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    // Commander has already printed its message, the help or the version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    if (process.env.SLIPWAY_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}

export function buildProgram(secondMs?: number): Command {
  const program = new Command("slipway")
    .description("Release container images: previewed, verified, then tagged.")
    .configureHelp({
      // Without arguments, so that the list fits a terminal.
      subcommandTerm: (command) => command.name(),
      optionDescription: (option) => new Help().optionDescription(option).replace(" (default: [])", ""),
    })
    .version(version, "--version", "print the version")
    .exitOverride()
    // After a command's name, --version is the command's own flag: the version to release.
    .enablePositionalOptions()
    .showHelpAfterError("(add --help for what is allowed)");
  for (const build of COMMANDS) program.addCommand(build(secondMs).copyInheritedSettings(program));
  return program;
}
