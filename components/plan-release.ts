import * as pulumi from "@pulumi/pulumi";
import { projectFiles } from "../src/inputs/project-files";
import type { Config } from "../src/plan/config";
import { manifestAmong, parseManifest, writtenRepositories } from "../src/plan/manifest";
import { ProblemError } from "../src/plan/problem";
import { type PlannedRelease, type PlanOptions, type ReleasePlan, withFiles } from "../src/plan/release-plan";
import { SELECTED_VARIABLE, selectedImages } from "../src/plan/selection";
import { isMissingBuilder } from "../src/release/builder";
import { type PlanReleaseInput, planRelease } from "../src/release/plan-release";
import { programHost } from "../src/release/program-host";
import { registryReader } from "../src/release/registry-reader";
import { checkPlan } from "../src/release/run-checks";
import { planText, refusalText } from "../src/report/plan-text";
import type { Environment } from "../src/settings/environment";
import { requireProviderPlugin } from "../src/settings/project-file";
import { readPulumiConfig } from "../src/settings/pulumi-config";
import type { ReleaseArgs } from "./args";
import { planError, resourceOutputs, runError } from "./engine";
import { resolveArgs } from "./settings";

/** The names of the images in the arguments; `string` if images are a list, or only in the settings. */
export type ImagesOf<Args> = Args extends {
  readonly images: Readonly<Record<infer Image extends string, unknown>>;
}
  ? Image
  : string;

/**
 * Reads arguments, stack settings, environment, git, files and registries, and plans the release. It registers and
 * writes nothing; in an `up` it also runs the project's checks.
 *
 * @throws pulumi.RunError with every problem and every refusal
 */
export async function planOfProgram<Args extends ReleaseArgs>(
  args: Args,
  options: PlanOptions = {},
): Promise<PlannedRelease<ImagesOf<Args>>> {
  try {
    const code = await resolveArgs("Release.plan", args);
    const host = programHost();
    if (host !== undefined) {
      const { image: _, ...planned } = await host.planRelease(code, options);
      return planned;
    }
    const projectDir = process.cwd();
    await requireProviderPlugin(projectDir);
    const config = await readPulumiConfig(process.env, projectDir, projectFiles(projectDir), code);
    refuseWithoutCommand(config, process.env);
    const registries = registryReader(config, process.env);
    const images = config.images.map(({ name }) => name);
    const input: PlanReleaseInput = {
      config,
      stack: pulumi.getStack(),
      projectDir,
      env: process.env,
      now: new Date(),
      signs: !pulumi.runtime.isDryRun(),
      previous: parseManifest(await stackManifest(images, pulumi.getStack())),
      stackManifest: (other) => stackManifest(images, other),
      registries,
    };
    const plan = await planRelease(input);
    if (pulumi.runtime.isDryRun()) {
      await pulumi.log.info(planText(plan));
      await warnOfBuilder(plan, config.builder.name);
    }
    if (plan.refusals.length > 0) throw runError(refusalText(plan));
    const written = writtenRepositories(plan);
    if (!pulumi.runtime.isDryRun() && written.length > 0) {
      await checkPlan({
        plan,
        config,
        projectDir,
        say: (text) => pulumi.log.info(text),
        again: () => planRelease(input),
      });
      await registries.verifyPush(written);
    }
    const { image: _, ...planned } = withFiles({ plan, config, projectDir }, options);
    return planned;
  } catch (error) {
    throw planError(error);
  }
}

/**
 * Refuses what only `slipway up` can do: a dry run, and a release of some images alone, for which the engine has to leave
 * all other resources as they are. A program cannot ask the engine for either.
 *
 * @throws ProblemError `services-need-targets`, `push-off`
 */
function refuseWithoutCommand(config: Config, env: Environment): void {
  if (!config.push) {
    throw new ProblemError("The settings ask for a dry run, but the engine can only release:", [
      {
        code: "push-off",
        path: "push",
        message: "false (CI_PUSH) is a dry run",
        hint: "Run `npx --no slipway up`, which then only plans; or unset CI_PUSH.",
      },
    ]);
  }
  const selected = selectedImages(config)?.join(",");
  if (selected === undefined || env[SELECTED_VARIABLE] === selected) return;
  throw new ProblemError("Only `slipway up` can release a selection of images:", [
    {
      code: "services-need-targets",
      path: "only",
      message: `for ${selected} alone, the engine would delete the resources of all other images`,
      hint: `Run: npx --no slipway up --services ${selected}  (or: npx --no slipway preview --services ${selected}); for all images, clear CI_SERVICES, CI_SERVICE_FILTER and SERVICES.`,
    },
  ]);
}

/** The manifest of a stack's last successful run, as it is in that stack's state; undefined if it was never released. */
async function stackManifest(images: readonly string[], stack: string): Promise<unknown> {
  return manifestAmong(await resourceOutputs(stack), images);
}

/** Only a warning, because a name in no file of buildx can still be a builder: one of docker's contexts. */
async function warnOfBuilder({ images }: ReleasePlan, name: string | undefined): Promise<void> {
  if (!images.some(({ content }) => content.from === "build") || !(await isMissingBuilder(name))) return;
  await pulumi.log.warn(
    `slipway:builder.name: buildx has no builder ${name}, and \`up\` builds with it. ` +
      `Create it (docker buildx create --name ${name} …), or leave builder.name out.`,
  );
}
