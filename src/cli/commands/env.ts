import { Command } from "commander";
import { STACK_HELP, type StackOptions, stackToUse } from "./flags";

const HELP = `
Provides what \`slipway up\` would provide for the stack, in pinned versions, in a
cache folder: the Pulumi engine and its plugins, if there is no pulumi on the
PATH; a builder and a registry, if the stack releases to localhost. Then runs
the command after --, or prints export lines for a shell (none if nothing is
missing). Progress goes to standard error.

Examples:
  $ npx --no slipway env -- pulumi login
  $ npx --no slipway env --stack stage -- pulumi stack output --json
  $ eval "$(npx --no slipway env)" && pulumi preview --stack stage

Exit codes: the command's own; 0 printed; 1 failed; 2 used wrongly.

Environment: SLIPWAY_CACHE (the cache folder), SLIPWAY_BUILDKIT_HOST (a BuildKit
of yours), SLIPWAY_DOCKER=off (no Docker engine), and what pulumi reads.`;

export function envCommand(): Command {
  return new Command("env")
    .description("Run a pulumi command as `slipway up` runs it, or print its environment for a shell.")
    .argument("[command...]", "after --; default: print")
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .addHelpText("after", HELP)
    .action(async ([program, ...args]: string[], options: StackOptions) => {
      const stack = await stackToUse(options);
      const { missingVariables } = await import("../engine/environment.js");
      const { childEnvironment, exportLines } = await import("#toolchain/project");
      const { env } = process;
      const { cwd } = options;
      const variables = await missingVariables({ stack, cwd, env, services: true, mayLogin: true });
      if (program === undefined) {
        const lines = exportLines(variables, []);
        process.stdout.write(lines === "" ? "" : `${lines}\n`);
        return;
      }
      const { runOnTerminal } = await import("../engine/run-pulumi.js");
      process.exitCode = await runOnTerminal(program, args, {
        cwd,
        env: childEnvironment(variables, env, []),
      });
    });
}
