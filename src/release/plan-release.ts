import { readReleasedEvent } from "../inputs/event";
import { allTags, dirtyNotice, isAncestor, readGit, releasedTag } from "../inputs/git";
import { readDescriptions, rootDir } from "../inputs/project-files";
import { readWorkflowActions } from "../inputs/workflow-actions";
import { REVISION_ANNOTATION } from "../plan/annotations";
import { assembleReleasePlan } from "../plan/assemble-release-plan";
import { followReleases } from "../plan/base";
import type { Config } from "../plan/config";
import { missingInBase } from "../plan/image-index";
import { laneOwnerProblems } from "../plan/lanes";
import type { ReleaseManifest } from "../plan/manifest";
import { withoutRepeats } from "../plan/problem";
import { gateRules, promotionRefusals, promotionSigner } from "../plan/promotion";
import { parseReference, type RepositoryName, repositoryKey } from "../plan/reference";
import type { RegistryState } from "../plan/registry-state";
import { candidateTags, type ImageIntent } from "../plan/release-intent";
import type { Refusal, ReleasePlan } from "../plan/release-plan";
import type { Ancestry } from "../plan/tag-policy";
import { tagOf } from "../plan/tag-rules/event";
import { missingKey, signNotice } from "../plan/trust";
import { askedVersionProblems, gitTagProblems, laneTagProblems } from "../plan/version-checks";
import type { RegistryReader, StateRequest } from "../registry/read-state";
import { lookUp } from "../settings/environment";
import { type IntentsInput, readIntents } from "./read-intents";
import { readVersions } from "./read-versions";

export interface PlanReleaseInput extends IntentsInput {
  readonly stack: string;
  /** Whether this run signs what it plans, as `up` and `publish` do. @default false, as in a preview */
  readonly signs?: boolean;
}

/** Reads everything that a release depends on, each thing once, and plans it. There is no other way to a plan. */
export async function planRelease(input: PlanReleaseInput): Promise<ReleasePlan> {
  const { config, stack, env, now, previous, registries, signs = false } = input;
  const projectDir = rootDir(input.projectDir, config.root);
  const git = await readGit(projectDir);
  const released = await readReleasedEvent(config, env, git, now);
  const { event, gitTag } = released;
  const tagProblems = gitTagProblems({
    requireTag: config.requireTag,
    version: gitTag,
    git: {
      ...git,
      releaseTags: released.releaseTags,
      tag: await releasedTag(projectDir, gitTag ?? tagOf(event.ref) ?? ""),
    },
  });
  const { intents: read, problems, notices, findings } = await readIntents(input, git, released);
  const desired = followReleases(read);
  const isBuiltHere = desired.some(({ existing }) => existing === undefined);
  const laneProblems =
    config.lane === undefined
      ? []
      : laneOwnerProblems({ lane: config.lane, lanes: config.lanes, intents: desired, event, now });
  const descriptions = readDescriptions(config, projectDir);
  const registryState = await registries.readRegistries(stateRequest(config, desired, previous));
  const versions = await readVersions({
    config,
    intents: desired,
    state: registryState,
    previous,
    gitTags: () => allTags(projectDir),
    event,
    now,
    registries,
    signer: promotionSigner(config),
  });
  const { state, intents } = versions;
  const key = {
    atHand: lookUp(env, ["COSIGN_PRIVATE_KEY"], config.envPrefix) !== undefined,
    signs,
  };
  const plan = assembleReleasePlan({
    stack,
    config,
    source: { revision: git.revision, dirty: git.dirty, remote: git.remote },
    intents,
    state,
    previous,
    ancestry: await readAncestry(projectDir, intents, state),
    descriptions: descriptions.read,
    workflows: config.policy.unpinnedAction.level === "off" ? [] : await readWorkflowActions(projectDir),
    findings,
    // The working tree's state matters only for what is built from it.
    problems: withoutRepeats([
      ...(isBuiltHere ? tagProblems : []),
      ...released.problems,
      ...laneProblems,
      // A preview may plan a lane without a version; its notice says how to name one.
      ...(signs ? laneTagProblems(config, desired) : []),
      ...askedVersionProblems({ config, intents, event, now }),
      ...problems,
      ...versions.problems,
      ...descriptions.problems,
    ]),
    notices: [
      ...(isBuiltHere ? [...released.notices, signNotice(config, key.atHand)] : []),
      ...(!isBuiltHere && config.sign.mode !== "none"
        ? ["nothing is signed here: promoted and earlier content keeps its signatures"]
        : []),
      ...(isBuiltHere && git.dirty ? [dirtyNotice(git.dirtyPaths)] : []),
      ...notices,
      ...versions.notices,
    ],
  });
  return {
    ...plan,
    refusals: [
      ...plan.refusals,
      ...(await adoptionRefusals(plan, input)),
      ...missingKey(config, plan, key),
      ...(await basesWithoutPlatforms(plan, registries)),
    ],
  };
}

/** Bases that lack a platform of an image built from them. Only builds are checked: Docker Hub counts it as a pull. */
async function basesWithoutPlatforms(
  { images }: ReleasePlan,
  registries: Pick<RegistryReader, "indexPlatforms">,
): Promise<Refusal[]> {
  const bases = images
    .filter(({ content }) => content.from === "build")
    .flatMap(({ intent }) =>
      Object.entries(intent.basePlatforms ?? {}).flatMap(([base, needed]) => {
        const digest = intent.bases[base];
        const { host, path } = parseReference(base);
        return digest === undefined ? [] : [{ intent, base, needed, exact: `${host}/${path}@${digest}` }];
      }),
    );
  const platforms = await registries.indexPlatforms([...new Set(bases.map(({ exact }) => exact))]);
  return bases.flatMap(({ intent, base, needed, exact }) => {
    const has = platforms[exact];
    const missing = has === undefined ? [] : missingInBase(has, needed);
    if (missing.length === 0) return [];
    return [
      {
        code: "base-platform-missing",
        path: intent.name,
        message: `${base} has no ${missing.join(", ")}; it has ${has?.join(", ") || "no platform"}`,
        hint: "Take a base that has it, or leave the platform out of the image's `platforms`.",
      },
    ];
  });
}

/** Content that is adopted from a registry, such as a lower stage's, has to pass this stack's policy for promotions. */
async function adoptionRefusals(
  { images }: ReleasePlan,
  { config: { policy, sign }, registries }: Pick<PlanReleaseInput, "config" | "registries">,
): Promise<Refusal[]> {
  if (sign.mode === "none") return [];
  const rules = gateRules({ signer: { kind: "stack" }, predicates: [], platforms: [] }, policy);
  if (rules.predicates.length === 0 && rules.licences === undefined) return [];
  const refusals = await Promise.all(
    images.map(async ({ content, verifiedBy, intent, copyTo, repositories }) => {
      if (verifiedBy !== "signature" || (content.from !== "candidate" && content.from !== "version-tag"))
        return [];
      const verdicts = await registries.verifyImage({
        repositories: repositories.filter((repository) => !copyTo.includes(repository)),
        digest: content.digest,
        rules: { ...rules, platforms: intent.image.platforms },
      });
      return promotionRefusals(verdicts, "release another version");
    }),
  );
  return refusals.flat();
}

/** Every tag that could be written and nothing else; each repository once. */
function stateRequest(
  config: Config,
  intents: readonly ImageIntent[],
  previous: ReleaseManifest | undefined,
): StateRequest {
  const recorded = [...new Set(previous?.images.map(({ digest }) => digest))];
  const repositories = new Map<
    string,
    { name: RepositoryName; tags: Set<string>; versionTags: Set<string> }
  >();
  for (const intent of intents) {
    for (const name of intent.repositories) {
      const key = repositoryKey(name);
      const known = repositories.get(key) ?? { name, tags: new Set(), versionTags: new Set() };
      repositories.set(key, known);
      for (const tag of candidateTags(intent)) known.tags.add(tag);
      for (const tag of intent.tags) {
        known.tags.add(tag.name);
        if (tag.class === "version") known.versionTags.add(tag.name);
      }
    }
  }
  return {
    signer: promotionSigner(config),
    registries: config.registries.map(({ host, optional }) => ({ host, optional })),
    repositories: [...repositories.values()].map(({ name: { host, path }, tags, versionTags }) => ({
      host,
      path,
      tags: [...tags],
      versionTags: [...versionTags],
      recorded,
    })),
  };
}

/** How the commits of live tags relate to the one being released. */
async function readAncestry(
  projectDir: string,
  intents: readonly ImageIntent[],
  state: RegistryState,
): Promise<Record<string, Ancestry>> {
  const revision = intents[0]?.revision ?? "";
  const live = new Set(
    Object.values(state.repositories).flatMap(({ found }) =>
      Object.values(found).flatMap(({ annotations }) => annotations[REVISION_ANNOTATION] ?? []),
    ),
  );
  live.delete(revision);
  // Images of different commits have no common answer. Without one, tags that follow no version stay where they are.
  if (intents.some((intent) => intent.revision !== revision)) return {};
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
