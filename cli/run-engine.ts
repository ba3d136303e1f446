import path from "node:path";
import { requireProviderPlugin } from "../config/provider-plugin";
import { isSetupStack } from "../config/read-setup";
import { readStackFile } from "../config/stack-file";
import { engineExcludes, SELECTED_VARIABLE } from "../plan/engine-excludes";
import { selectedImages } from "../plan/selection";
import { planText, refusalText } from "../report/plan-text";
import { writeFiles } from "../report/write-whole-file";
import { engineEnvironment } from "./engine-environment";
import { environmentSecrets, stackSecrets } from "./engine-secrets";
import { runInForeground } from "./foreground";
import { configOf, planStack } from "./plan-without-engine";
import { releaseCode } from "./program/run-program";
import { flagValue, isTelling, runRedacted } from "./quiet-engine";
import { stateResources } from "./state-resources";

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

/** Runs the engine on a stack, on some images only where they are selected; its exit code. */
export async function runEngine(run: EngineRun): Promise<number> {
  const given = { ...run.env, ...(run.services === undefined ? {} : { CI_SERVICES: run.services }) };
  const projectDir = path.resolve(run.cwd);
  const file = await readStackFile({ projectDir, stack: run.stack });
  const isSetup = isSetupStack(file.written);
  if (!isSetup) await requireProviderPlugin(projectDir);
  const code = await releaseCode(projectDir, file);
  // Mistakes in the settings are reported before anything is provided.
  const config = isSetup ? undefined : configOf({ projectDir, file, code, env: given });
  const env = await engineEnvironment({
    stack: run.stack,
    cwd: projectDir,
    env: given,
    code,
    services: true,
  });
  if (config === undefined) {
    // Without a refresh the engine would leave what was changed on GitHub.
    const args = [run.verb, "--stack", run.stack, "--refresh", ...run.args];
    return runPulumi(args, { stack: run.stack, cwd: projectDir, env });
  }
  const selected = selectedImages(config);
  if (config.push && selected === undefined) {
    const args = [run.verb, "--stack", run.stack, ...run.args];
    return runPulumi(args, { stack: run.stack, cwd: projectDir, env });
  }
  const planned = await planStack({ stack: run.stack, cwd: projectDir, env });
  if (!config.push) {
    for (const { plan } of planned) process.stdout.write(planText(plan));
    const refused = planned.filter(({ plan }) => plan.refusals.length > 0);
    if (refused.length > 0) throw new Error(refused.map(({ plan }) => refusalText(plan)).join("\n"));
    if (run.verb === "up") for (const { files } of planned) await writeFiles(projectDir, files);
    return 0;
  }
  const resources = await stateResources({ stack: run.stack, cwd: projectDir, env });
  const plans = planned.map(({ plan }) => plan);
  const excludes = engineExcludes(resources, plans).flatMap((urn) => ["--exclude", urn]);
  return runPulumi([run.verb, "--stack", run.stack, ...excludes, ...run.args], {
    stack: run.stack,
    cwd: projectDir,
    env: { ...env, [SELECTED_VARIABLE]: selected?.join(",") },
  });
}

/** In the person's own terminal; without one, and without secrets, where the engine is asked to log everything. */
async function runPulumi(
  args: readonly string[],
  options: { readonly stack: string; readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  if (!isTelling(args, options.env)) return runInForeground("pulumi", args, options);
  const configFile = flagValue(args, "--config-file");
  const secrets = [
    ...environmentSecrets(options.env),
    ...(await stackSecrets({ ...options, ...(configFile === undefined ? {} : { configFile }) })),
  ];
  return runRedacted("pulumi", args, { ...options, secrets });
}
