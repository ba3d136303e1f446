import { Command } from "commander";
import { addReleaseFlags, type ReleaseOptions, releaseFlags } from "./release-flags";

interface PlanOptions extends ReleaseOptions {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly json?: true;
}

/** `slipway plan`: the release plan that `pulumi preview` shows, without an engine. */
export function planCommand(): Command {
  const command = new Command("plan")
    .description("Show what a release would build, copy and tag. Reads the registries, writes nothing.")
    .option("-s, --stack <name>", "the stack whose configuration is read", "stage")
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--config-file <file>", "default Pulumi.<stack>.yaml");
  return addReleaseFlags(command)
    .option("--json", "print the plan as JSON")
    .addHelpText("after", "\nExit codes: 0 planned, 1 refused or failed, 2 used wrongly.")
    .action(async ({ stack, cwd, configFile, ...options }: PlanOptions) => {
      const { planText, refusalText } = await import("../../report/plan-text.js");
      const { planWithoutEngine } = await import("../plan-without-engine.js");
      const plan = await planWithoutEngine({
        stack,
        cwd,
        flags: releaseFlags(options),
        ...(configFile === undefined ? {} : { configFile }),
      });
      process.stdout.write(options.json ? `${JSON.stringify(plan, undefined, 2)}\n` : planText(plan));
      if (plan.refusals.length === 0) return;
      process.stderr.write(`${refusalText(plan)}\n`);
      process.exitCode = 1;
    });
}
