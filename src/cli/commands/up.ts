import { Command } from "commander";
import { type RunOptions, STACK_HELP, stackToUse, withServices } from "./flags";

const HELP = `
What follows -- goes to pulumi as it is:
  npx --no slipway up --services langgraph -- --yes

CI_SERVICES, CI_SERVICE_FILTER and SERVICES (the first that is set) select too;
--services wins. With CI_PUSH=false nothing is released: the plan is shown, and
\`up\` writes the program's own files. A release ends in its table; the stack's
outputs are shown with -- --suppress-outputs=false.

Exit codes: 0 done, 1 refused or failed, 2 used wrongly, 130 interrupted.
Those of pulumi pass through: 6 where the backend has no such stack.`;

export function upCommand(): Command {
  return engineCommand(
    "up",
    "Release with pulumi up; with --services only these, and nothing else is touched.",
  );
}

export function previewCommand(): Command {
  return engineCommand("preview", "Show what `slipway up` would do, by pulumi preview.");
}

function engineCommand(verb: "up" | "preview", description: string): Command {
  return new Command(verb)
    .description(description)
    .argument("[pulumi arguments...]", "after --")
    .option("--services <names>", "only these, separated by commas")
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .addHelpText("after", HELP)
    .action(async (rest: string[], options: RunOptions) => {
      const { runEngine } = await import("../engine/up.js");
      const { engineHint } = await import("../engine/pulumi.js");
      const { cwd, services } = options;
      const stack = await stackToUse(options);
      const code = await runEngine(verb, rest, { stack, cwd, env: withServices(process.env, services) });
      process.stderr.write(engineHint(code, { stack, cwd }) ?? "");
      process.exitCode = code;
    });
}
