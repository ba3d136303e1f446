import type { Environment } from "../config/environment";
import { REVISION_ANNOTATION } from "../plan/annotations";
import { assembleReleasePlan } from "../plan/assemble-release-plan";
import { BASE_IMAGE, baseLink, baseUseProblems, followReleases } from "../plan/base";
import type { Config, ImageConfig } from "../plan/config";
import type { Digest } from "../plan/digest";
import type { ReleaseManifest } from "../plan/manifest";
import type { Problem } from "../plan/problem";
import { type RepositoryName, repositoryKey } from "../plan/reference";
import type { RegistryState } from "../plan/registry-state";
import { assembleImageIntent, type ImageIntent } from "../plan/release-intent";
import type { ReleasePlan } from "../plan/release-plan";
import { requireTagProblems } from "../plan/require-tag";
import type { Ancestry } from "../plan/tag-policy";
import { evaluateTagRules, parseFlavor, parseTagRules, type ReleaseEvent } from "../plan/tag-rules";
import type { StateRequest } from "../registry/read-state";
import { readBaseHash } from "./base-hash";
import { readBuildContext } from "./context";
import { readDockerfileImages } from "./dockerfile";
import { readEvent } from "./event";
import { type GitSource, isAncestor, readGit, tagCommit } from "./git";
import { resolveBuildArgs } from "./versions";

export interface PlanReleaseInput {
  readonly config: Config;
  readonly stack: string;
  readonly projectDir: string;
  readonly env: Environment;
  readonly now: Date;
  /** What this stack released last. */
  readonly previous?: ReleaseManifest;
  /** How registries are asked: through the provider, or directly. */
  readonly registries: {
    readonly resolveImages: (
      references: readonly string[],
    ) => Promise<{ digests: Readonly<Record<string, Digest>>; problems: readonly Problem[] }>;
    readonly readRegistries: (request: StateRequest) => Promise<RegistryState>;
  };
}

/** Reads everything a release depends on, each thing once, and plans it. The only impure road to a plan. */
export async function planRelease(input: PlanReleaseInput): Promise<ReleasePlan> {
  const { config, stack, projectDir, env } = input;
  const git = await readGit(projectDir);
  const version = config.version === undefined ? {} : { version: config.version };
  const asserted = config.version === undefined ? undefined : await tagCommit(projectDir, config.version);
  const tagProblems = requireTagProblems({
    requireTag: config.requireTag,
    ...version,
    git: { ...git, ...(asserted === undefined ? {} : { tagCommit: asserted }) },
  });
  const { event, origin } = await readEvent({ env, git, ...version });
  const images = await readImageIntents(input, git, event);
  const intents = followReleases(images.map(({ intent }) => intent));
  const state = await input.registries.readRegistries(stateRequest(config, intents));
  return assembleReleasePlan({
    stack,
    config,
    source: { revision: git.revision, ...(git.remote === undefined ? {} : { remote: git.remote }) },
    intents,
    state,
    ...(input.previous === undefined ? {} : { previous: input.previous }),
    ancestry: await readAncestry(projectDir, git.revision, state),
    problems: withoutRepeats([...tagProblems, ...images.flatMap(({ problems }) => problems)]),
    notices: [
      `the release is ${origin}`,
      ...(git.dirty ? [`the working tree is dirty: ${git.dirtyPaths.slice(0, 3).join(", ")}…`] : []),
      ...images.flatMap(({ notices }) => notices),
    ],
  });
}

/** Variants of one image share its context, and so what is wrong with it. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.path}\n${problem.message}`, problem])).values()];
}

interface ReadIntent {
  readonly intent: ImageIntent;
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** All at once; an image waits for the one that it is built FROM. The configuration's rules allow no cycle. */
function readImageIntents(
  input: PlanReleaseInput,
  git: GitSource,
  event: ReleaseEvent,
): Promise<readonly ReadIntent[]> {
  const { images } = input.config;
  const started = new Map<string, Promise<ReadIntent>>();
  const read = (image: ImageConfig): Promise<ReadIntent> => {
    const before = started.get(image.name);
    if (before !== undefined) return before;
    const base = images.find(({ name }) => name === image.base);
    const reading = Promise.resolve(base === undefined ? undefined : read(base)).then((found) =>
      readImageIntent(input, image, git, event, found?.intent),
    );
    started.set(image.name, reading);
    return reading;
  };
  return Promise.all(images.map(read));
}

async function readImageIntent(
  { config, projectDir, env, now, registries }: PlanReleaseInput,
  image: ImageConfig,
  git: GitSource,
  event: ReleaseEvent,
  base: ImageIntent | undefined,
): Promise<ReadIntent> {
  const path = image.at === undefined ? `image ${image.name}` : `slipway:${image.at}`;
  const isVariant = config.images.some((other) => other !== image && other.at === image.at);
  const argsPath = `${isVariant ? `image ${image.name}` : path}.buildArgs`;
  const [context, buildArgs, addressed] = await Promise.all([
    readBuildContext({ projectDir, image, artifacts: config.artifacts, path }),
    resolveBuildArgs({ projectDir, buildArgs: image.buildArgs, path: argsPath, env }),
    image.addressed === undefined ? undefined : readBaseHash({ projectDir, image, path }),
  ]);
  const link = base === undefined ? undefined : baseLink(base);
  const bases = readDockerfileImages({
    dockerfile: context.dockerfile,
    buildArgs: { ...buildArgs.values, ...(link === undefined ? {} : { [BASE_IMAGE]: link.reference }) },
    platforms: image.platforms,
    ...(image.target === undefined ? {} : { target: image.target }),
    path: `${path}.dockerfile`,
  });
  const foreign = bases.images.map(({ text }) => text).filter((text) => text !== link?.reference);
  const resolved = await registries.resolveImages([...new Set(foreign)]);
  const rules = evaluateTagRules({
    rules: parseTagRules(image.tags),
    flavor: parseFlavor(image.flavor),
    event,
    images: [],
    now,
    labels: image.extraLabels,
  });
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
    ...(base === undefined ? {} : { base }),
    ...(addressed === undefined ? {} : { hash: addressed.hash }),
  });
  const isBase = config.images.some((other) => other.base === image.name);
  return {
    intent,
    problems: [
      ...context.problems,
      ...buildArgs.problems,
      ...bases.problems,
      ...(context.dockerfile === ""
        ? []
        : baseUseProblems({ image: intent, path: `${path}.dockerfile`, references: bases.images, isBase })),
      ...(addressed?.problems ?? []),
      ...resolved.problems,
      ...problems,
    ],
    notices: [
      ...(addressed?.notices ?? []),
      ...rules.warnings.map((warning) => `${image.name}: ${warning}`),
      ...Object.entries(buildArgs.origins).map(
        ([name, origin]) => `${image.name}: ${name} is ${buildArgs.values[name]} (${origin})`,
      ),
    ],
  };
}

/** Asks about every tag that could be written, and about nothing else; each repository once. */
function stateRequest(config: Config, intents: readonly ImageIntent[]): StateRequest {
  const wanted = new Map<string, { name: RepositoryName; tags: Set<string>; versionTags: Set<string> }>();
  for (const intent of intents) {
    for (const name of intent.repositories) {
      const key = repositoryKey(name);
      const known = wanted.get(key) ?? { name, tags: new Set(), versionTags: new Set() };
      wanted.set(key, known);
      known.tags.add(intent.candidateTag);
      for (const tag of intent.tags) {
        known.tags.add(tag.name);
        if (tag.class === "version") known.versionTags.add(tag.name);
      }
    }
  }
  return {
    registries: config.registries.map(({ host, optional }) => ({ host, optional })),
    repositories: [...wanted.values()].map(({ name, tags, versionTags }) => ({
      host: name.host,
      path: name.path,
      tags: [...tags],
      versionTags: [...versionTags],
    })),
  };
}

/** How the commits that live tags point to relate to the one being released. */
async function readAncestry(
  projectDir: string,
  revision: string,
  state: RegistryState,
): Promise<Record<string, Ancestry>> {
  const live = new Set(
    Object.values(state.repositories).flatMap(({ found }) =>
      Object.values(found).flatMap(({ annotations }) => annotations[REVISION_ANNOTATION] ?? []),
    ),
  );
  live.delete(revision);
  const entries = await Promise.all(
    [...live].map(async (commit) => [commit, await relation(projectDir, commit, revision)] as const),
  );
  return Object.fromEntries(entries);
}

async function relation(projectDir: string, commit: string, revision: string): Promise<Ancestry> {
  const older = await isAncestor(projectDir, commit, revision);
  if (older === "ancestor") return "ancestor";
  if (older === "unknown") return "unknown";
  return (await isAncestor(projectDir, revision, commit)) === "ancestor" ? "descendant" : "diverged";
}
