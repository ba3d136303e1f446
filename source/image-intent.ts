import { imageRules } from "../plan/bad-versions";
import type { ImageConfig } from "../plan/config";
import type { Problem } from "../plan/problem";
import { assembleImageIntent, type ImageIntent } from "../plan/release-intent";
import type { ReleaseEvent } from "../plan/tag-rules";
import { readBuildContext } from "./context";
import { readDockerfileImages } from "./dockerfile";
import type { GitSource } from "./git";
import type { PlanReleaseInput } from "./plan-release";
import { resolveBuildArgs } from "./versions";

export interface ReadIntent {
  readonly intent?: ImageIntent;
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

export interface ImageIntentReading {
  readonly image: ImageConfig;
  /** Where the image stands in the configuration: `slipway:images[0]`. */
  readonly path: string;
  readonly git: GitSource;
  readonly event: ReleaseEvent;
  /** Versions that never count as the newest, without the form. */
  readonly bad: readonly string[];
}

/** An image that is made from the working tree: its context, build arguments, bases and tags. */
export async function readImageIntent(
  { config, projectDir, env, now, registries }: PlanReleaseInput,
  { image, path, git, event, bad }: ImageIntentReading,
): Promise<ReadIntent> {
  const [context, buildArgs] = await Promise.all([
    readBuildContext({ projectDir, image, artifacts: config.artifacts, path }),
    resolveBuildArgs({ projectDir, buildArgs: image.buildArgs, path: `${path}.buildArgs`, env }),
  ]);
  const bases = readDockerfileImages({
    dockerfile: context.dockerfile,
    buildArgs: buildArgs.values,
    platforms: image.platforms,
    ...(image.target === undefined ? {} : { target: image.target }),
    path: `${path}.dockerfile`,
  });
  const resolved = await registries.resolveImages([...new Set(bases.images.map(({ text }) => text))]);
  const rules = imageRules(image, event, now);
  const { intent, problems } = assembleImageIntent({
    config,
    image,
    source: git,
    event,
    rules,
    dockerfile: context.dockerfile,
    files: context.files,
    buildArgs: buildArgs.values,
    bases: resolved.digests,
    bad,
  });
  return {
    intent,
    problems: [
      ...context.problems,
      ...buildArgs.problems,
      ...bases.problems,
      ...resolved.problems,
      ...problems,
    ],
    notices: [
      ...rules.warnings.map((warning) => `${image.name}: ${warning}`),
      ...Object.entries(buildArgs.origins).map(
        ([name, origin]) => `${image.name}: ${name} is ${buildArgs.values[name]} (${origin})`,
      ),
    ],
  };
}
