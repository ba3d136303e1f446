import type { Environment } from "../config/environment";
import { REVISION_ANNOTATION } from "../plan/annotations";
import { assembleReleasePlan } from "../plan/assemble-release-plan";
import type { Config, ImageConfig } from "../plan/config";
import type { Digest } from "../plan/digest";
import { isSelected } from "../plan/fleet";
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
  const images = await Promise.all(
    config.images.flatMap((image, index) =>
      isSelected(config, image.name)
        ? [readImageIntent(input, image, `slipway:images[${index}]`, git, event)]
        : [],
    ),
  );
  const intents = images.map(({ intent }) => intent);
  const state = await input.registries.readRegistries(stateRequest(config, intents));
  return assembleReleasePlan({
    stack,
    config,
    source: { revision: git.revision, ...(git.remote === undefined ? {} : { remote: git.remote }) },
    intents,
    state,
    ...(input.previous === undefined ? {} : { previous: input.previous }),
    ancestry: await readAncestry(projectDir, git.revision, state),
    problems: [...tagProblems, ...images.flatMap(({ problems }) => problems)],
    notices: [
      `the release is ${origin}`,
      ...(git.dirty ? [`the working tree is dirty: ${git.dirtyPaths.slice(0, 3).join(", ")}…`] : []),
      ...images.flatMap(({ notices }) => notices),
    ],
  });
}

async function readImageIntent(
  { config, projectDir, env, now, registries }: PlanReleaseInput,
  image: ImageConfig,
  path: string,
  git: GitSource,
  event: ReleaseEvent,
): Promise<{ intent: ImageIntent; problems: readonly Problem[]; notices: readonly string[] }> {
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
