import path from "node:path";
import { engineTargets, TARGETS_VARIABLE } from "../plan/engine-targets";
import { fleetImages } from "../plan/service-manifest";
import { planText, refusalText } from "../report/plan-text";
import { writeServiceManifest } from "../report/service-manifest";
import { runInForeground } from "./foreground";
import { planStack } from "./plan-without-engine";

export interface EngineRun {
  readonly verb: "up" | "preview";
  /** For pulumi. */
  readonly args: readonly string[];
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Names, separated by commas. Default: what the environment and the stack say. */
  readonly services?: string;
}

/** Runs the engine on a stack, on some services only where they are selected; its exit code. */
export async function runEngine(run: EngineRun): Promise<number> {
  const env = { ...run.env, ...(run.services === undefined ? {} : { CI_SERVICES: run.services }) };
  const projectDir = path.resolve(run.cwd);
  const { config, plan } = await planStack({ stack: run.stack, cwd: projectDir, env });
  if (!config.push) {
    process.stdout.write(planText(plan));
    if (plan.refusals.length > 0) throw new Error(refusalText(plan));
    const fleet = fleetImages(config, plan);
    if (run.verb === "up" && fleet !== undefined) {
      await writeServiceManifest(projectDir, config.artifacts, fleet);
    }
    return 0;
  }
  const selected = config.fleet?.selected;
  const targets = selected === undefined ? [] : engineTargets(config, plan);
  return runInForeground(
    "pulumi",
    [run.verb, "--stack", run.stack, ...targets.flatMap((target) => ["--target", target]), ...run.args],
    {
      cwd: projectDir,
      env: { ...env, ...(selected === undefined ? {} : { [TARGETS_VARIABLE]: selected.join(",") }) },
    },
  );
}
