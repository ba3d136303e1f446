import path from "node:path";
import { requireProviderPlugin } from "../config/provider-plugin";
import { isSetupStack } from "../config/read-setup";
import { readStackFile } from "../config/stack-file";
import { engineExcludes, SELECTED_VARIABLE } from "../plan/engine-excludes";
import { selectedImages } from "../plan/selection";
import { writeFiles } from "../report/manifest-file";
import { planText, refusalText } from "../report/plan-text";
import { engineEnvironment } from "./engine-environment";
import { flagValue, isTelling, runInForeground, runRedacted } from "./engine-process";
import { configOf, planStack } from "./plan-without-engine";
import { releaseCode } from "./program/run-program";
import { type EngineStack, environmentSecrets, stackSecrets, stateResources } from "./pulumi";

/** Runs the engine on a stack, on some images only where they are selected. */
export async function runEngine(
  verb: "up" | "preview",
  rest: readonly string[],
  { stack, cwd, env: given }: EngineStack,
): Promise<number> {
  const projectDir = path.resolve(cwd);
  const file = await readStackFile({ projectDir, stack });
  const isSetup = isSetupStack(file.written);
  if (!isSetup) await requireProviderPlugin(projectDir);
  const code = await releaseCode(projectDir, file);
  // Mistakes in the settings are reported before anything is provided.
  const config = isSetup ? undefined : configOf({ projectDir, file, code, env: given });
  const env = await engineEnvironment({ stack, cwd: projectDir, env: given, code, services: true });
  const engine = { stack, cwd: projectDir, env };
  // Without a refresh the engine would leave what was changed on GitHub.
  if (config === undefined) return runPulumi([verb, "--stack", stack, "--refresh", ...rest], engine);
  const selected = selectedImages(config);
  if (config.push && selected === undefined) return runPulumi([verb, "--stack", stack, ...rest], engine);
  const planned = await planStack(engine);
  const plans = planned.map(({ plan }) => plan);
  if (!config.push) {
    for (const plan of plans) process.stdout.write(planText(plan));
    const refused = plans.filter(({ refusals }) => refusals.length > 0);
    if (refused.length > 0) throw new Error(refused.map(refusalText).join("\n"));
    if (verb === "up") for (const { files } of planned) await writeFiles(projectDir, files);
    return 0;
  }
  const excludes = engineExcludes(await stateResources(engine), plans).flatMap((urn) => ["--exclude", urn]);
  return runPulumi([verb, "--stack", stack, ...excludes, ...rest], {
    ...engine,
    env: { ...env, [SELECTED_VARIABLE]: selected?.join(",") },
  });
}

/** In the user's own terminal; without one, and without secrets, where the engine is asked to log everything. */
async function runPulumi(args: readonly string[], engine: EngineStack): Promise<number> {
  if (!isTelling(args, engine.env)) return runInForeground("pulumi", args, engine);
  const configFile = flagValue(args, "--config-file");
  const secrets = [...environmentSecrets(engine.env), ...(await stackSecrets({ ...engine, configFile }))];
  return runRedacted("pulumi", args, { ...engine, secrets });
}
