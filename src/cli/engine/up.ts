import path from "node:path";
import { engineExcludes, isAllInRegistries, SELECTED_VARIABLE, selectedImages } from "../../plan/selection";
import { MANIFEST_FILE, readManifestFile } from "../../report/manifest-file";
import { planText, refusalText } from "../../report/plan-text";
import { releaseTable } from "../../report/release-table";
import { requireProviderPlugin } from "../../settings/project-file";
import { isSetupStack, readStackFile } from "../../settings/stack-file";
import { configOf, planStack } from "../plan/plan-stack";
import { releaseCode } from "../plan/run-program";
import { writeOwnFiles } from "../run-context";
import { engineEnvironment } from "./environment";
import { type EngineStack, environmentSecrets, stackSecrets, stateResources } from "./pulumi";
import { flagValue, isTelling, runEngineQuietly, runInForeground, runRedacted } from "./run-pulumi";

/** From so many images on, reading the state first costs less than writing it after each change. */
const MANY_IMAGES = 10;
/** The engine writes state once, at the end. */
const STATE_AT_END = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };

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
  if (config === undefined)
    return runPulumi([verb, "--stack", stack, "--refresh", ...rest], engine, runInForeground);
  const selected = selectedImages(config);
  const isLarge = verb === "up" && config.push && config.images.length >= MANY_IMAGES;
  const resources = isLarge || selected !== undefined ? await stateResources(engine) : [];
  if (isLarge && isAllInRegistries(resources)) Object.assign(env, STATE_AT_END);
  const run = [verb, "--stack", stack, "--suppress-outputs"];
  // In place of the stack's outputs, which say the same at length.
  const endingInTable = async (code: number): Promise<number> => {
    const isShown = !rest.some((argument) => /^--(?:json|help|preview-only)$/.test(argument));
    if (verb === "up" && code === 0 && isShown) {
      const released = await readManifestFile(path.join(projectDir, config.artifacts, MANIFEST_FILE));
      const images = released.images.filter(({ name }) => selected?.includes(name) ?? true);
      process.stdout.write(releaseTable({ ...released, images }));
    }
    return code;
  };
  if (config.push && selected === undefined) return endingInTable(await runPulumi([...run, ...rest], engine));
  const planned = await planStack(engine);
  const plans = planned.map(({ plan }) => plan);
  if (!config.push) {
    for (const plan of plans) process.stdout.write(planText(plan));
    const refused = plans.filter(({ refusals }) => refusals.length > 0);
    if (refused.length > 0) throw new Error(refused.map(refusalText).join("\n"));
    if (verb === "up") for (const release of planned) await writeOwnFiles(release);
    return 0;
  }
  const excludes = engineExcludes(resources, plans).flatMap((urn) => ["--exclude", urn]);
  const narrowed = { ...engine, env: { ...env, [SELECTED_VARIABLE]: selected?.join(",") } };
  return endingInTable(await runPulumi([...run, ...excludes, ...rest], narrowed));
}

/** In the user's own terminal; without one, and without secrets, where the engine is asked to log everything. */
async function runPulumi(
  args: readonly string[],
  engine: EngineStack,
  run: typeof runInForeground = runEngineQuietly,
): Promise<number> {
  if (!isTelling(args, engine.env)) return run("pulumi", args, engine);
  const configFile = flagValue(args, "--config-file");
  const secrets = [...environmentSecrets(engine.env), ...(await stackSecrets({ ...engine, configFile }))];
  return runRedacted("pulumi", args, { ...engine, secrets });
}
