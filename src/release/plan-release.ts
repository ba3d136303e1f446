import { readDescriptions } from "../inputs/descriptions";
import { readReleasedEvent } from "../inputs/event";
import { allTags, dirtyNotice, isAncestor, readGit, releasedTag } from "../inputs/git";
import { rootDir } from "../inputs/project-files";
import { readWorkflowActions } from "../inputs/read-workflow-actions";
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
import { type Environment, lookUp } from "../settings/environment";
import { readIntents } from "./read-intents";
import { verifiedVersions } from "./verified-versions";

export interface PlanReleaseInput {
  readonly config: Config;
  readonly stack: string;
  readonly projectDir: string;
  readonly env: Environment;
  readonly now: Date;
  /** Whether this run signs what it plans, as `up` and `publish` do. @default false, as in a preview */
  readonly signs?: boolean;
  readonly previous?: ReleaseManifest;
  /** What another stack of the project put out as its `manifest`; undefined where it was never released. */
  readonly stackManifest: (stack: string) => Promise<unknown>;
  readonly registries: RegistryReader;
}

/** Reads everything a release depends on, each thing once, and plans it. The only impure road to a plan. */
export async function planRelease(input: PlanReleaseInput): Promise<ReleasePlan> {
  const { config, stack, env } = input;
  const projectDir = rootDir(input.projectDir, config.root);
  const git = await readGit(projectDir);
  const released = await readReleasedEvent(config, env, git, input.now);
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
  const wanted = followReleases(read);
  const isMadeHere = wanted.some(({ existing }) => existing === undefined);
  const laneProblems =
    config.lane === undefined
      ? []
      : laneOwnerProblems({ lane: config.lane, lanes: config.lanes, intents: wanted, event, now: input.now });
  const descriptions = readDescriptions(config, projectDir);
  const registryState = await input.registries.readRegistries(stateRequest(config, wanted, input.previous));
  const versions = await verifiedVersions({
    config,
    intents: wanted,
    state: registryState,
    previous: input.previous,
    gitTags: () => allTags(projectDir),
    event,
    now: input.now,
    registries: input.registries,
    signer: promotionSigner(config),
  });
  const { state, intents } = versions;
  const key = {
    atHand: lookUp(env, ["COSIGN_PRIVATE_KEY"], config.envPrefix) !== undefined,
    signs: input.signs === true,
  };
  const plan = assembleReleasePlan({
    stack,
    config,
    source: { revision: git.revision, dirty: git.dirty, remote: git.remote },
    intents,
    state,
    previous: input.previous,
    ancestry: await readAncestry(projectDir, intents, state),
    descriptions: descriptions.read,
    workflows: config.policy.unpinnedAction.level === "off" ? [] : await readWorkflowActions(projectDir),
    findings,
    // What is not made from the working tree does not care for its state.
    problems: withoutRepeats([
      ...(isMadeHere ? tagProblems : []),
      ...released.problems,
      ...laneProblems,
      // A preview shows what a lane has without a version, too; its note says how to name one.
      ...(input.signs === true ? laneTagProblems(config, wanted) : []),
      ...askedVersionProblems({ config, intents, event, now: input.now }),
      ...problems,
      ...versions.problems,
      ...descriptions.problems,
    ]),
    notices: [
      ...(isMadeHere ? [...released.notices, signNotice(config, key.atHand)] : []),
      ...(!isMadeHere && config.sign.mode !== "none"
        ? ["nothing is signed here: promoted and earlier content keeps its signatures"]
        : []),
      ...(isMadeHere && git.dirty ? [dirtyNotice(git.dirtyPaths)] : []),
      ...notices,
      ...versions.notices,
    ],
  });
  const gated = await withAdoptionGate(plan, input);
  const lacking = await basesWithoutPlatforms(plan, input.registries);
  return { ...gated, refusals: [...gated.refusals, ...missingKey(config, plan, key), ...lacking] };
}

/** Bases whose index lacks a platform that they are built on for. Asked for builds only: to Docker Hub it is a pull. */
async function basesWithoutPlatforms(
  { images }: ReleasePlan,
  registries: PlanReleaseInput["registries"],
): Promise<Refusal[]> {
  const taken = images
    .filter(({ content }) => content.from === "build")
    .flatMap(({ intent }) =>
      Object.entries(intent.basePlatforms ?? {}).flatMap(([base, wanted]) => {
        const digest = intent.bases[base];
        const { host, path } = parseReference(base);
        return digest === undefined ? [] : [{ intent, base, wanted, exact: `${host}/${path}@${digest}` }];
      }),
    );
  const platforms = await registries.indexPlatforms([...new Set(taken.map(({ exact }) => exact))]);
  return taken.flatMap(({ intent, base, wanted, exact }) => {
    const has = platforms[exact];
    const missing = has === undefined ? [] : missingInBase(has, wanted);
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

/** Content that is adopted from a registry, also a lower stage's, has to pass this stack's policy for promotions. */
async function withAdoptionGate(
  plan: ReleasePlan,
  { config: { policy, sign }, registries }: Pick<PlanReleaseInput, "config" | "registries">,
): Promise<ReleasePlan> {
  if (sign.mode === "none") return plan;
  const rules = gateRules({ signer: { kind: "stack" }, predicates: [], platforms: [] }, policy);
  if (rules.predicates.length === 0 && rules.licences === undefined) return plan;
  const refusals = await Promise.all(
    plan.images.map(async ({ content, verifiedBy, intent, copyTo, repositories }) => {
      if (verifiedBy !== "signature" || (content.from !== "candidate" && content.from !== "version-tag"))
        return [];
      const holding = repositories.filter((repository) => !copyTo.includes(repository));
      const required = { ...rules, platforms: intent.image.platforms };
      const request = { repositories: holding, digest: content.digest, rules: required };
      return promotionRefusals(await registries.verifyImage(request), "release another version");
    }),
  );
  return { ...plan, refusals: [...plan.refusals, ...refusals.flat()] };
}

/** Asks about every tag that could be written, and about nothing else; each repository once. */
function stateRequest(
  config: Config,
  intents: readonly ImageIntent[],
  previous: ReleaseManifest | undefined,
): StateRequest {
  const signer = promotionSigner(config);
  const recorded = [...new Set(previous?.images.map(({ digest }) => digest) ?? [])];
  const wanted = new Map<string, { name: RepositoryName; tags: Set<string>; versionTags: Set<string> }>();
  for (const intent of intents) {
    for (const name of intent.repositories) {
      const key = repositoryKey(name);
      const known = wanted.get(key) ?? { name, tags: new Set(), versionTags: new Set() };
      wanted.set(key, known);
      for (const tag of candidateTags(intent)) known.tags.add(tag);
      for (const tag of intent.tags) {
        known.tags.add(tag.name);
        if (tag.class === "version") known.versionTags.add(tag.name);
      }
    }
  }
  return {
    signer,
    registries: config.registries.map(({ host, optional }) => ({ host, optional })),
    repositories: [...wanted.values()].map(({ name, tags, versionTags }) => ({
      host: name.host,
      path: name.path,
      tags: [...tags],
      versionTags: [...versionTags],
      ...(recorded.length === 0 ? {} : { recorded }),
    })),
  };
}

/** How the commits that live tags point to relate to the one being released; each release has one or none. */
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
  // Images of different commits have no common answer; without one, tags that follow no versions stay.
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
