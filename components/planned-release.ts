import * as pulumi from "@pulumi/pulumi";
import { programHost } from "../src/inputs/program-host";
import { projectFiles } from "../src/inputs/project-files";
import { writtenRepositories } from "../src/plan/manifest";
import { type PlannedRelease, type PlanOptions, type ReleasePlan, withFiles } from "../src/plan/release-plan";
import { isMissingBuilder } from "../src/release/builder";
import { type PlanReleaseInput, planRelease } from "../src/release/plan-release";
import { registryReader } from "../src/release/registry-reader";
import { checkPlan } from "../src/release/run-checks";
import { planText, refusalText } from "../src/report/plan-text";
import { requireProviderPlugin } from "../src/settings/provider-plugin";
import { readPulumiConfig } from "../src/settings/pulumi-config";
import type { ReleaseArgs } from "./args";
import { refuseUnguided } from "./guided";
import { resolveArgs } from "./resolve-args";
import { planError, runError } from "./run-error";
import { previousManifest, stackManifest } from "./stack-manifest";

/** The names of the images in the arguments; `string` if they are a list, or only in the settings. */
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
    refuseUnguided(config, process.env);
    const registries = registryReader(config, process.env);
    const images = config.images.map(({ name }) => name);
    const input: PlanReleaseInput = {
      config,
      stack: pulumi.getStack(),
      projectDir,
      env: process.env,
      now: new Date(),
      signs: !pulumi.runtime.isDryRun(),
      previous: await previousManifest(images),
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

/** Only a warning: the name of one of docker's contexts is a builder too, and in no file of buildx. */
async function warnOfBuilder({ images }: ReleasePlan, name: string | undefined): Promise<void> {
  if (!images.some(({ content }) => content.from === "build") || !(await isMissingBuilder(name))) return;
  await pulumi.log.warn(
    `slipway:builder.name: buildx has no builder ${name}, and \`up\` builds with it. ` +
      `Make it (docker buildx create --name ${name} …), or leave builder.name out.`,
  );
}
