import path from "node:path";
import { Command } from "commander";
import type { StackFile } from "../../settings/stack-file";
import {
  addReleaseFlags,
  type ReleaseOptions,
  releaseFlags,
  STACK_HELP,
  type StackOptions,
  stackToUse,
} from "./flags";

interface PlanOptions extends ReleaseOptions, StackOptions {
  readonly json?: true;
  readonly readOnly?: true;
  readonly expectNoChanges?: true;
  readonly expectCurrentBases?: true;
}

async function showSetup(
  file: StackFile,
  options: Pick<PlanOptions, "cwd" | "json" | "expectNoChanges">,
): Promise<number> {
  const { planSetup, setupPlanJson } = await import("../plan/plan-setup.js");
  const { setupRefusalText, setupText } = await import("../../report/plan-text.js");
  const planned = await planSetup({ file, projectDir: options.cwd, env: process.env });
  const { plan, unknownOwnership } = planned;
  if (unknownOwnership !== undefined) {
    process.stderr.write(
      `warning: what the stack created is not known (${unknownOwnership}): everything that exists counts as adopted\n`,
    );
  }
  process.stdout.write(options.json ? setupPlanJson(planned) : setupText(plan));
  const isChanged = Object.values(plan.items).some(
    ({ action, note }) => action !== "managed" || note !== undefined,
  );
  if (plan.problems.length > 0) process.stderr.write(`${setupRefusalText(plan)}\n`);
  if (options.expectNoChanges && isChanged) process.stderr.write("No changes were expected.\n");
  return plan.problems.length > 0 || (options.expectNoChanges && isChanged) ? 1 : 0;
}

export function planCommand(): Command {
  const command = new Command("plan")
    .description("Show what a release would build, copy and tag. Reads the registries, writes nothing.")
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--config-file <file>", "default Pulumi.<stack>.yaml");
  return addReleaseFlags(command)
    .option("--read-only", "need no credentials and no push rights: the plan will not be carried out")
    .option("--expect-no-changes", "fail if anything would be built, copied or tagged")
    .option("--expect-current-bases", "fail if a base moved since the release was built")
    .option("--json", "print the plan as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 planned, 1 refused or failed, or something that was not expected,\n2 used wrongly.",
    )
    .action(async (options: PlanOptions) => {
      const { cwd, configFile, readOnly } = options;
      const stack = await stackToUse(options);
      const { isSetupStack, readStackFile } = await import("../../settings/stack-file.js");
      const file = await readStackFile({ projectDir: path.resolve(cwd), stack, configFile });
      if (isSetupStack(file.written)) {
        process.exitCode = await showSetup(file, options);
        return;
      }
      const { planText, refusalText } = await import("../../report/plan-text.js");
      const { changesIn } = await import("../../plan/release-plan.js");
      const { planStack } = await import("../plan/plan-stack.js");
      const planned = await planStack({ stack, cwd, configFile, flags: releaseFlags(options), readOnly });
      const plans = planned.map(({ plan }) => plan);
      const json = plans.length === 1 ? plans[0] : plans;
      process.stdout.write(
        options.json ? `${JSON.stringify(json, undefined, 2)}\n` : plans.map(planText).join("\n"),
      );
      if (!options.json && plans.some(({ movedBases }) => movedBases !== undefined)) {
        const { movedBaseText } = await import("../compare.js");
        process.stdout.write(await movedBaseText(planned, process.env));
      }
      const refused = plans.filter(({ refusals }) => refusals.length > 0);
      const changes = options.expectNoChanges === true ? plans.flatMap(changesIn) : [];
      for (const plan of refused) process.stderr.write(`${refusalText(plan)}\n`);
      if (changes.length > 0)
        process.stderr.write(`${["No changes were expected:", ...changes].join("\n  ")}\n`);
      const moved = options.expectCurrentBases === true ? plans.flatMap((plan) => plan.movedBases ?? []) : [];
      if (moved.length > 0) {
        const bases = [...new Set(moved.map(({ base }) => base))];
        process.stderr.write(`Bases were expected to be current: ${bases.join(", ")} moved\n`);
      }
      if (refused.length + changes.length + moved.length > 0) process.exitCode = 1;
    });
}
