import { registryCaches } from "../build-recipe";
import type { Config, ImageConfig } from "../config";
import { shortDigest } from "../digest";
import { missingPlatforms } from "../image-index";
import { promotionGate } from "../promotion";
import { parseReference } from "../reference";
import type { PlannedImage, PlannedTag } from "../release-plan";
import type { Source } from "../statement";
import { matches } from "../trust";
import { isPrerelease, parseVersion } from "../versions";
import { type Breach, findings, type PolicyFinding } from "./policy-config";

interface PolicyInput {
  readonly config: Config;
  readonly source: Source;
  readonly images: readonly PlannedImage[];
  readonly tags: readonly PlannedTag[];
  readonly workflows: readonly WorkflowText[];
}

/**
 * Finds what breaks the team's rules in a plan. No rule applies to a rollback: it has to work in an emergency, and it
 * writes nothing that was not released before.
 */
export function judgePolicy(input: PolicyInput): PolicyFinding[] {
  const { policy } = input.config;
  const { images } = input;
  const built = images.filter(({ intent }) => intent.existing === undefined);
  const promoted = images.filter(({ content }) => content.from === "promotion");
  const ungated = (message: string) => withoutGate(input.config, promoted, message);
  return [
    ...findings(policy, "unsignedPromotion", () =>
      ungated(`${names(promoted)} would be promoted without evidence of who made it`),
    ),
    ...findings(policy, "unverifiedContent", () =>
      images.filter(({ content }) => content.from !== "rollback").flatMap(unverified),
    ),
    ...findings(policy, "uncommittedVersion", () =>
      input.source.dirty === true ? built.flatMap((image) => uncommitted(image) ?? []) : [],
    ),
    ...findings(policy, "floatingBase", () => built.flatMap((image) => floatingBases(input.config, image))),
    ...findings(policy, "missingProvenance", () => [
      ...built.flatMap((image) => withoutProvenance(image) ?? []),
      ...(policy.missingProvenance.level === "refuse"
        ? ungated(`nothing verifies the provenance of ${names(promoted)}`)
        : []),
    ]),
    ...findings(policy, "missingSbom", () =>
      [...built, ...promoted].flatMap((image) => missingSbom(image) ?? []),
    ),
    ...findings(policy, "unpinnedAction", () =>
      built.length === 0 ? [] : unpinnedActions(input.workflows, policy.unpinnedAction.allow),
    ),
    ...findings(policy, "prereleaseOnFloatingTag", () => overriddenPrereleases(input)),
    ...findings(policy, "requiredPlatforms", () =>
      [...built, ...promoted].flatMap(
        (image) => lackingPlatforms(image, policy.requiredPlatforms.platforms) ?? [],
      ),
    ),
    ...findings(policy, "deniedLicences", () => [
      ...built.flatMap((image) => withoutSbom(image) ?? []),
      ...ungated(`nothing verifies the SBOM of ${names(promoted)}`),
    ]),
  ];
}

/** Without a gate, nothing is verified about what is promoted. */
function withoutGate(config: Config, promoted: readonly PlannedImage[], message: string): Breach[] {
  if (config.promote === undefined || promotionGate(config) !== undefined || promoted.length === 0) return [];
  return [
    {
      path: "slipway:promote.verify",
      message: `is not set, so ${message}`,
      hint: "Say who has to have signed: slipway:promote.verify, e.g. { keyFile: cosign.pub }.",
    },
  ];
}

function unverified({ name, content, verifiedBy, intent: { image } }: PlannedImage): Breach[] {
  if (content.from === "build") return registryCaches(image).map((cache) => cached(image, cache));
  if (verifiedBy !== "registry") return [];
  return [
    {
      path: name,
      message: `would be taken as ${shortDigest(content.digest)}, trusting the registry alone: anyone who may push there can forge it`,
      hint: `Sign releases (slipway:sign), or vouch for the digest: slipway:adopt: [${name}@${content.digest}].`,
    },
  ];
}

function cached(image: ImageConfig, cache: string): Breach {
  return {
    path: settingPath(image, "cacheFrom"),
    message: `reads ${cache}: anyone who may push there decides what ${image.name} is built from, and it is signed all the same`,
    hint: "Release without a cache of a registry, or with one that only releases may write.",
  };
}

function uncommitted({ name, intent: { version }, content }: PlannedImage): Breach | undefined {
  // A version that exists was made by an earlier run.
  if (version === undefined || content.from === "version-tag") return undefined;
  return {
    path: `${name}:${version}`,
    message: "would be made from a working tree with changes that are in no commit",
    hint: "Commit them, and release that commit.",
  };
}

function floatingBases({ policy }: Config, { name, intent }: PlannedImage): Breach[] {
  return Object.entries(intent.bases)
    .filter(([reference]) => parseReference(reference).digest === undefined)
    .filter(([reference]) => !policy.floatingBase.allow.some((rule) => matches(rule, reference)))
    .map(([reference, digest]) => ({
      path: `${name}: ${intent.image.dockerfile}`,
      message: `takes ${reference}, whose tag can move`,
      hint: `Write the digest beside the tag: ${reference}@${digest}.`,
    }));
}

function withoutProvenance({ name, intent: { image } }: PlannedImage): Breach | undefined {
  if (image.provenance) return undefined;
  return {
    path: settingPath(image, "provenance"),
    message: `is false, so it is unknown how ${name} was built`,
    hint: "Leave it out, or set it to true.",
  };
}

function missingSbom({ name, content, sbom, intent: { image } }: PlannedImage): Breach | undefined {
  // A version that exists stays as it is.
  if (sbom !== "unavailable" || content.from === "version-tag") return undefined;
  const isBuilt = content.from === "build";
  // `generatorProblems` refuses a release whose required generator cannot be reached.
  if (isBuilt && image.sbom !== false && image.sbom.required) return undefined;
  return {
    path: isBuilt ? settingPath(image, "sbom") : name,
    message: isBuilt
      ? `the SBOM of ${name} cannot be made: its generator cannot be reached`
      : "has no SBOM: the generator could not be reached when it was built",
    hint: isBuilt
      ? "Name a generator that can be reached (sbom, or SLIPWAY_SBOM_GENERATOR), or set sbom: false."
      : "Release a new version while the generator can be reached.",
  };
}

function withoutSbom({ name, content, sbom, intent: { image } }: PlannedImage): Breach | undefined {
  const path = settingPath(image, "sbom");
  const unknown = `the licences in ${name} are unknown`;
  if (image.sbom === false) {
    const hint = "Have an SBOM made: sbom: true, or a generator's image.";
    return { path, message: `is false, so ${unknown}`, hint };
  }
  if (sbom !== "unavailable") return undefined;
  if (content.from !== "build") {
    const message = `is missing: the generator could not be reached when it was built, so ${unknown}`;
    const hint = "Release a new version while the generator can be reached; this one stays as it is.";
    return { path, message, hint };
  }
  // `generatorProblems` refuses this release.
  if (image.sbom.required) return undefined;
  const hint = "Name a generator that can be reached: its image as sbom, or SLIPWAY_SBOM_GENERATOR.";
  return { path, message: `cannot be made: the generator cannot be reached, so ${unknown}`, hint };
}

/** The tag policy moves no floating tag to a pre-release, unless `slipway:override` names the tag. */
function overriddenPrereleases({ tags }: PolicyInput): Breach[] {
  return tags.flatMap(({ image, repository, name, action, desired }) => {
    const version = desired.version === undefined ? undefined : parseVersion(desired.version, desired.form);
    const moves = (action === "create" || action === "move") && desired.rollback === undefined;
    if (!moves || desired.class !== "floating" || version === undefined || !isPrerelease(version)) return [];
    return [
      {
        path: `${image}:${name}`,
        message: `${repository}: the floating tag would point to the pre-release ${desired.version}`,
        hint: `Take ${image}:${name} out of slipway:override.`,
      },
    ];
  });
}

function lackingPlatforms({ name, intent }: PlannedImage, required: readonly string[]): Breach | undefined {
  const { image, existing } = intent;
  const missing = missingPlatforms(image.platforms, required);
  if (missing.length === 0) return undefined;
  const message = `lacks ${missing.join(", ")} (it has ${image.platforms.join(", ") || "no platform"})`;
  return existing === undefined
    ? { path: settingPath(image, "platforms"), message, hint: "Add what is missing." }
    : { path: name, message, hint: "Release it with these platforms where it is promoted from." };
}

/** The path of an image's setting. Images of a program have no path in the settings. */
function settingPath({ at, name }: ImageConfig, setting: string): string {
  return `slipway:${at ?? `image ${name}`}.${setting}`;
}

function names(images: readonly PlannedImage[]): string {
  return images.map(({ name }) => name).join(", ");
}

/** The actions that a workflow runs, or an action in the repository. */
export interface WorkflowText {
  /** Relative to the repository's root: `.github/workflows/release.yml`, `.github/actions/own/action.yml`. */
  readonly path: string;
  readonly uses: readonly UsedAction[];
  /** Why the file cannot be read. Its actions are unknown then. */
  readonly unread?: string;
}

export interface UsedAction {
  readonly text: string;
  readonly line: number;
}

/** The most actions that are listed for one file. */
const NAMED = 3;

/**
 * Finds actions that are not named by their full commit: anyone who can move the tag can run code in the release.
 *
 * @param allow actions without their `@…`, and paths of files that may be unreadable: exact, or `/pattern/`
 */
function unpinnedActions(workflows: readonly WorkflowText[], allow: readonly string[]): Breach[] {
  return workflows.flatMap(({ path, uses, unread }) => {
    const hint = "Name the full commit, with the version as a comment: uses: owner/action@<40 hex> # v1.2.3.";
    if (unread !== undefined) {
      if (allow.some((rule) => matches(rule, path))) return [];
      const message = `cannot be read, so its actions are unknown: ${unread}`;
      return [{ path, message, hint: `Fix it, or name ${path} in allow.` }];
    }
    const found = uses.filter(({ text }) => !isPinned(text) && !isAllowed(text, allow));
    if (found.length === 0) return [];
    const shown = found.slice(0, NAMED).map(({ text, line }) => `${text} (line ${line})`);
    const rest = found.length > NAMED ? ` and ${found.length - NAMED} more` : "";
    return [{ path, message: `runs ${shown.join(", ")}${rest}, whose tag or branch can move`, hint }];
  });
}

/** Whether an action is named by its full commit, or a container by its digest. */
export function isPinned(text: string): boolean {
  // It is part of the commit that is checked out, and its own actions are judged too.
  if (text.startsWith("./")) return true;
  if (text.startsWith("docker://")) return /@sha256:[0-9a-f]{64}$/.test(text);
  return /^[^@]+@(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function isAllowed(text: string, allow: readonly string[]): boolean {
  const name = text.split("@")[0] ?? text;
  return allow.some((rule) => matches(rule, name));
}
