import path from "node:path";
import type { Config } from "../../plan/config";
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
import { type EngineStack, stateResources } from "./pulumi";
import { environmentSecrets, logsSecrets, runRedacted, stackSecrets } from "./redacted-log";
import { flagValue, runOnTerminal, runQuietly } from "./run-pulumi";

/** With this many images, reading the state first costs less than writing it after each change. */
const MANY_IMAGES = 10;
/** The engine writes state only once, at the end. */
const STATE_AT_END = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };

/** Runs `pulumi up` or `pulumi preview` on a stack, only for some images if they are selected. */
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
  // Report mistakes in the settings before anything is downloaded or started.
  const config = isSetup ? undefined : configOf({ projectDir, file, code, env: given });
  const env = await engineEnvironment({ stack, cwd: projectDir, env: given, code, services: true });
  const engine = { stack, cwd: projectDir, env };
  // Without a refresh, changes made on GitHub would stay.
  if (config === undefined)
    return runPulumi([verb, "--stack", stack, "--refresh", ...rest], engine, runOnTerminal);
  const selected = selectedImages(config);
  const isLarge = verb === "up" && config.push && config.images.length >= MANY_IMAGES;
  const resources = isLarge || selected !== undefined ? await stateResources(engine) : [];
  if (isLarge && isAllInRegistries(resources)) Object.assign(env, STATE_AT_END);
  const run = [verb, "--stack", stack, "--suppress-outputs"];
  if (!config.push || selected !== undefined) {
    const planned = await planStack(engine);
    const plans = planned.map(({ plan }) => plan);
    if (!config.push) {
      for (const plan of plans) process.stdout.write(planText(plan));
      const refused = plans.filter(({ refusals }) => refusals.length > 0);
      if (refused.length > 0) throw new Error(refused.map(refusalText).join("\n"));
      if (verb === "up") for (const release of planned) await writeOwnFiles(release);
      return 0;
    }
    run.push(...engineExcludes(resources, plans).flatMap((urn) => ["--exclude", urn]));
    env[SELECTED_VARIABLE] = selected?.join(",");
  }
  const exitCode = await runPulumi([...run, ...rest], engine, runQuietly);
  const isShown = !rest.some((argument) => /^--(?:json|help|preview-only)$/.test(argument));
  if (verb === "up" && exitCode === 0 && isShown) await printTable(config, projectDir, selected);
  return exitCode;
}

/** Runs pulumi on the user's terminal, or, if its log would contain secrets, redacted and without one. */
async function runPulumi(
  args: readonly string[],
  engine: EngineStack,
  run: typeof runQuietly,
): Promise<number> {
  if (!logsSecrets(args, engine.env)) return run("pulumi", args, engine);
  const configFile = flagValue(args, "--config-file");
  const secrets = [...environmentSecrets(engine.env), ...(await stackSecrets({ ...engine, configFile }))];
  return runRedacted("pulumi", args, { ...engine, secrets });
}

/** Replaces the stack's outputs, which say the same at length. */
async function printTable(
  { artifacts }: Config,
  projectDir: string,
  selected: readonly string[] | undefined,
): Promise<void> {
  const released = await readManifestFile(path.join(projectDir, artifacts, MANIFEST_FILE));
  const images = released.images.filter(({ name }) => selected?.includes(name) ?? true);
  process.stdout.write(releaseTable({ ...released, images }));
}
