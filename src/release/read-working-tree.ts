import { readBaseHash } from "../inputs/base-hash";
import type { MissingPart } from "../inputs/checkout";
import { readBuildContext, readNamedFolders } from "../inputs/context";
import { readDockerfileImages } from "../inputs/dockerfile";
import type { GitSource } from "../inputs/git";
import { fromRoot, rootDir } from "../inputs/project-files";
import { resolveBuildArgs } from "../inputs/versions";
import { baseUseProblems } from "../plan/base";
import type { Config, ImageConfig, SbomConfig } from "../plan/config";
import { imageRules } from "../plan/image-tags";
import type { Problem } from "../plan/problem";
import { assembleImageIntent, BASE_IMAGE, baseLink, type ImageIntent } from "../plan/release-intent";
import { generatorProblems, type SbomGenerator, sbomGenerator } from "../plan/sbom";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import type { RegistryReader } from "../registry/read-state";
import type { Environment } from "../settings/environment";

export interface ReadIntent {
  readonly intent?: ImageIntent;
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

interface WorkingTreeInput {
  readonly config: Config;
  readonly projectDir: string;
  readonly env: Environment;
  readonly now: Date;
  readonly registries: Pick<RegistryReader, "resolveImages">;
  readonly git: GitSource;
  readonly readGenerator: ReadGenerator;
  readonly readMissing: () => Promise<readonly MissingPart[]>;
}

/** What the release says about one image. */
interface ImageRelease {
  readonly event: ReleaseEvent;
  /** The image of the same release that this one is built FROM. */
  readonly base: ImageIntent | undefined;
  /** Versions that never count as the newest, without the form. */
  readonly bad: readonly string[];
}

/** An image that is built from the working tree: its context, build arguments, bases and tags. */
export async function readWorkingTree(
  { config, env, now, registries, git, readGenerator, readMissing, ...input }: WorkingTreeInput,
  image: ImageConfig,
  { base, event, bad }: ImageRelease,
): Promise<ReadIntent> {
  const projectDir = rootDir(input.projectDir, config.root);
  const artifacts = fromRoot(input.projectDir, config.root, config.artifacts);
  const path = image.at === undefined ? `image ${image.name}` : `slipway:${image.at}`;
  const isVariant = config.images.some((other) => other !== image && other.at === image.at);
  const argsPath = `${isVariant ? `image ${image.name}` : path}.buildArgs`;
  const tree = readMissing().then((missing) => ({ projectDir, image, artifacts, missing, path }));
  const [context, named, buildArgs, addressed] = await Promise.all([
    tree.then(readBuildContext),
    tree.then(readNamedFolders),
    resolveBuildArgs({ projectDir, buildArgs: image.buildArgs, path: argsPath, env }),
    image.addressed === undefined ? undefined : readBaseHash({ projectDir, image, path }),
  ]);
  const link = base === undefined ? undefined : baseLink(base);
  const bases = readDockerfileImages({
    dockerfile: context.dockerfile,
    buildArgs: { ...buildArgs.values, ...(link === undefined ? {} : { [BASE_IMAGE]: link.reference }) },
    platforms: image.platforms,
    target: image.target,
    contexts: image.contexts,
    path: `${path}.dockerfile`,
  });
  const foreign = bases.images.map(({ text }) => text).filter((text) => text !== link?.reference);
  const [resolved, generator] = await Promise.all([
    registries.resolveImages([...new Set(foreign)]),
    readGenerator(image.sbom),
  ]);
  const rules = imageRules(image, event, now);
  const { intent, problems } = assembleImageIntent({
    config,
    image,
    source: git,
    event,
    rules,
    dockerfile: context.dockerfile,
    files: context.files,
    folders: named.folders,
    watchedFolders: named.watched,
    buildArgs: buildArgs.values,
    bases: resolved.digests,
    base,
    sbom: generator,
    addressed,
    bad,
  });
  const isBase = config.images.some((other) => other.base === image.name);
  return {
    intent: { ...intent, basePlatforms: bases.platforms },
    problems: [
      ...context.problems,
      ...named.problems,
      ...buildArgs.problems,
      ...bases.problems,
      ...(context.dockerfile === ""
        ? []
        : baseUseProblems({ image: intent, path: `${path}.dockerfile`, references: bases.images, isBase })),
      ...(addressed?.problems ?? []),
      ...resolved.problems,
      ...generatorProblems(image.sbom, generator, path),
      ...problems,
    ],
    notices: [
      ...(context.holdsGit ? [gitNotice(image.name)] : []),
      ...named.withGit.map((name) => namedGitNotice(image.name, name)),
      ...(addressed?.notices ?? []),
      ...rules.warnings.map((warning) => `${image.name}: ${warning}`),
      ...Object.entries(buildArgs.origins).map(
        ([name, origin]) => `${image.name}: ${name} is ${buildArgs.values[name]} (${origin})`,
      ),
    ],
  };
}

function gitNotice(image: string): string {
  return `${image}: its Dockerfile reads .git, so each git command can change what is built; name .git in .dockerignore if the image does not need it`;
}

function namedGitNotice(image: string, name: string): string {
  return `${image}: the folder of its context ${name} holds .git, so each git command changes what it is built from; name .git in that folder's .dockerignore`;
}

type ReadGenerator = (config: SbomConfig | false) => Promise<SbomGenerator | undefined>;

/** Resolves each SBOM generator once for a plan, however many images it scans, and only if one of them is built here. */
export function sbomGenerators({ resolveImages }: Pick<RegistryReader, "resolveImages">): ReadGenerator {
  const asked = new Map<string, ReturnType<typeof resolveImages>>();
  return async (config) => {
    if (config === false) return undefined;
    const { generator, required } = config;
    const key = `${generator} ${required}`;
    const resolved = asked.get(key) ?? resolveImages([generator], { quick: !required });
    asked.set(key, resolved);
    return sbomGenerator(config, await resolved);
  };
}
