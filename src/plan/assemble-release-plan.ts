import type { Config } from "./config";
import { planDescriptions, type ReadDescription } from "./description";
import { type ImagePlanInput, planImage } from "./planned-image";
import { tagLevels } from "./planned-tags";
import { judgePolicy, type WorkflowText } from "./policy/judge-policy";
import { type PolicyFinding, refusing } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { RegistryState } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedImage, PlannedTag, Refusal, ReleasePlan } from "./release-plan";
import { sbomNotices } from "./sbom";
import { isSelected, keptImages } from "./selection";
import { versionTagProblems } from "./version-checks";

export interface ReleasePlanInput extends ImagePlanInput {
  readonly stack: string;
  readonly intents: readonly ImageIntent[];
  readonly descriptions?: readonly ReadDescription[];
  readonly workflows?: readonly WorkflowText[];
  /** Breaches of the team's rules that the gate before a promotion found. @default none */
  readonly findings?: readonly PolicyFinding[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** The origins of values, without those of images that are not part of the release. */
function originsOf(config: Config): ReleasePlan["origins"] {
  const others = config.images.flatMap(({ name, at }) =>
    at === undefined || isSelected(config, name) ? [] : [`${at}.`],
  );
  return Object.fromEntries(
    Object.entries(config.origins).filter(([path]) => !others.some((other) => path.startsWith(other))),
  );
}

/** Decides the whole release from what was read. */
export function assembleReleasePlan(input: ReleasePlanInput): ReleasePlan {
  const { config, state, source } = input;
  const planned = input.intents.map((intent) => planImage(input, intent));
  const tags = planned.flatMap((image) => image.tags);
  const images = planned.map(({ image }) => image);
  const { descriptions, ...described } = planDescriptions(config, input.descriptions ?? [], images, tags);
  const { workflows = [], findings = [] } = input;
  const movedBases = planned.flatMap((image) => image.movedBases);
  const policy = [...judgePolicy({ config, source, images, tags, workflows }), ...findings];
  return {
    schema: 1,
    stack: input.stack,
    source: config.repository,
    revision: commonRevision(input.intents) ?? source.revision,
    lane: config.lane?.name,
    ...(config.push ? {} : { unasked: true }),
    checks: config.checks,
    images,
    levels: tagLevels(tags.filter((tag) => !isLeft(tag))),
    left: tags.filter(isLeft),
    ...(descriptions.length === 0 ? {} : { descriptions }),
    ...(movedBases.length === 0 ? {} : { movedBases }),
    kept: keptImages(config, input.previous),
    skipped: skippedRegistries(state),
    refusals: [
      ...input.problems,
      ...versionTagProblems(config, input.intents),
      ...Object.values(state.access).flatMap((access) =>
        access.status === "refused" ? [access.problem] : [],
      ),
      ...nowhereToGo(state),
      ...planned.flatMap((image) => image.refusals),
      ...backAndForward(images),
      ...described.problems,
      ...refusing(policy),
      ...twoOwners([...planned.flatMap(({ image }) => image.candidateTags), ...tags]),
    ],
    notices: [
      ...(config.push
        ? []
        : ["nothing is pushed and no registry was asked (push: false): which tags exist is not known"]),
      ...input.notices,
      ...sbomNotices(planned.map(({ image }) => image)),
      ...planned.flatMap((image) => image.notices),
      ...described.notices,
    ],
    ...(policy.length === 0 ? {} : { policy }),
    origins: originsOf(config),
  };
}

/** The commit of all images, if it is the same. In a promotion it is not the one that is checked out. */
function commonRevision(intents: readonly ImageIntent[]): string | undefined {
  const revisions = new Set(intents.map(({ revision }) => revision));
  return revisions.size === 1 ? [...revisions][0] : undefined;
}

/** A floating tag that does not exist and is not made gets no resource. */
function isLeft(tag: PlannedTag): boolean {
  return tag.action === "keep" && tag.from === undefined;
}

function skippedRegistries(state: RegistryState): Record<string, string> {
  return Object.fromEntries(
    Object.entries(state.access).flatMap(([host, access]) =>
      access.status === "skipped" ? [[host, access.reason]] : [],
    ),
  );
}

function nowhereToGo({ access }: RegistryState): Refusal[] {
  const statuses = Object.values(access).map(({ status }) => status);
  if (statuses.length === 0 || statuses.some((status) => status !== "skipped")) return [];
  return [
    {
      code: "no-registry-left",
      path: "slipway:registries",
      message: "every registry is optional and was skipped: there is nowhere to release to",
      hint: "Give credentials for one of them.",
    },
  ];
}

/** A rollback is for an emergency, so the same release must not build other images from what is checked out. */
function backAndForward(images: readonly PlannedImage[]): Refusal[] {
  if (images.every(({ content }) => content.from !== "rollback")) return [];
  return images.flatMap(({ name, content }) =>
    content.from === "build"
      ? [
          {
            code: "rollback-builds",
            path: "slipway:rollback.images",
            message: `${name} would be built while others go back`,
            hint: `Check out the commit that ${name} was released from, or let it go back too.`,
          },
        ]
      : [],
  );
}

function twoOwners(tags: readonly PlannedTag[]): Refusal[] {
  const owners = new Map<string, string>();
  return tags.flatMap(({ image, repository, name }) => {
    const reference = `${repository}:${name}`;
    const owner = owners.get(reference) ?? image;
    owners.set(reference, owner);
    if (owner === image) return [];
    return [
      {
        code: "tag-two-owners",
        path: `${image}:${name}`,
        message: `${owner} and ${image} would both write ${reference}`,
        hint: "Give one of them a prefix or suffix in its tag rules (flavor: prefix=…).",
      },
    ];
  });
}
