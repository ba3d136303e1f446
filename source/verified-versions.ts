import type { Config } from "../plan/config";
import type { ReleaseManifest } from "../plan/manifest";
import type { Problem } from "../plan/problem";
import { repositoryKey } from "../plan/reference";
import type { RegistryState } from "../plan/registry-state";
import type { ImageIntent, WantedTag } from "../plan/release-intent";
import { newerVersion } from "../plan/tag-policy";
import { verificationOf, verifiedImage } from "../plan/verified";
import { compareVersions, parseVersion } from "../plan/versions";
import type { PlanReleaseInput } from "./plan-release";

/** More version tags that no trusted signer states than this, above the released one, are an attack or a mistake. */
const MOST_UNVERIFIED = 50;

export interface VerifiedVersions {
  /** Without the version tags that do not count. */
  readonly state: RegistryState;
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

interface VersionsInput {
  readonly config: Config;
  readonly intents: readonly ImageIntent[];
  readonly state: RegistryState;
  readonly previous: ReleaseManifest | undefined;
  /** Every tag of the git repository. */
  readonly gitTags: readonly string[];
  readonly inspectImages: PlanReleaseInput["registries"]["inspectImages"];
  readonly signer: Parameters<PlanReleaseInput["registries"]["inspectImages"]>[1];
}

/**
 * The registry's version tags, without those above a released version that are not verified: anyone who may push can
 * write `9.9.9`, and so keep `latest` from moving. A version counts that a trusted signer states, that this stack
 * recorded, or that is a git tag. Only tags that would decide something are asked about.
 */
export async function verifiedVersions(input: VersionsInput): Promise<VerifiedVersions> {
  let { state } = input;
  const notices: string[] = [];
  const problems: Problem[] = [];
  for (const intent of input.intents) {
    const { signing } = verificationOf(input.config, intent.image, input.previous);
    for (const tag of signing ? floatingTags(intent) : []) {
      for (let round = 0; ; round += 1) {
        const name = newerName(intent, tag, state);
        if (name === undefined || (await counts(input, intent, name, state))) break;
        if (round === MOST_UNVERIFIED) {
          problems.push(tooMany(intent, name));
          break;
        }
        state = withoutTag(state, intent, name);
        notices.push(
          `${intent.name}: ${name} does not count as a version: no trusted signer states it, and no git tag has its name`,
        );
      }
    }
  }
  return { state, problems, notices };
}

function floatingTags({ tags, version }: ImageIntent): WantedTag[] {
  return tags.filter((tag) => tag.class === "floating" && (tag.follows?.version ?? version) !== undefined);
}

/** The tag of the newest version that would keep a floating tag from moving. */
function newerName(intent: ImageIntent, tag: WantedTag, state: RegistryState): string | undefined {
  const { version, form } = tag.follows ?? intent;
  const names = keysOf(intent).flatMap((key) => state.repositories[key]?.tags ?? []);
  const newer = newerVersion(
    {
      name: tag.name,
      class: tag.class,
      form,
      revision: intent.revision,
      overruled: false,
      bad: intent.bad,
      ...(tag.line === undefined ? {} : { line: tag.line }),
      ...(version === undefined ? {} : { version }),
      ...(intent.existing?.from === "rollback"
        ? { rollback: intent.existing.until === undefined ? {} : { until: intent.existing.until } }
        : {}),
    },
    names,
  );
  return newer === undefined ? undefined : `${form.prefix}${newer.text}${form.suffix}`;
}

async function counts(
  { config, previous, gitTags, inspectImages, signer }: VersionsInput,
  intent: ImageIntent,
  name: string,
  state: RegistryState,
): Promise<boolean> {
  const { prefix, suffix } = intent.form;
  const version = parseVersion(name.slice(prefix.length, name.length - suffix.length));
  const isSame = (text: string) => {
    const other = parseVersion(text.replace(/^\D*(?=\d)/, ""));
    return version !== undefined && other !== undefined && compareVersions(version, other) === 0;
  };
  const recorded = previous?.images.filter((image) => image.name === intent.name) ?? [];
  if (gitTags.some(isSame) || recorded.some((image) => image.version !== undefined && isSame(image.version)))
    return true;
  const holders = keysOf(intent).filter((key) => state.repositories[key]?.tags.includes(name));
  const { found } = await inspectImages(
    holders.map((repository) => `${repository}:${name}`),
    signer,
  );
  const verification = verificationOf(config, intent.image, previous);
  return holders.some((repository) => {
    const image = found[`${repository}:${name}`];
    const verified = image === undefined ? undefined : verifiedImage(verification, repository, image);
    return verified?.by === "adopt" || verified?.statements.some((stated) => isSame(stated.version)) === true;
  });
}

function withoutTag(state: RegistryState, intent: ImageIntent, name: string): RegistryState {
  const own = new Set(keysOf(intent));
  return {
    ...state,
    repositories: Object.fromEntries(
      Object.entries(state.repositories).map(([key, repository]) => [
        key,
        own.has(key) ? { ...repository, tags: repository.tags.filter((tag) => tag !== name) } : repository,
      ]),
    ),
  };
}

function tooMany(intent: ImageIntent, name: string): Problem {
  return {
    code: "versions-not-verified",
    path: `${intent.name}:${name}`,
    message: `more than ${MOST_UNVERIFIED} version tags above ${intent.version ?? "this release"} are stated by no trusted signer`,
    hint: "Delete them; or, where they are releases made before signing, fetch their git tags: git fetch --tags",
  };
}

function keysOf({ repositories }: ImageIntent): string[] {
  return repositories.map(repositoryKey);
}
