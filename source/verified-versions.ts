import type { Config } from "../plan/config";
import { imageRules } from "../plan/image-tags";
import type { ReleaseManifest } from "../plan/manifest";
import type { Problem } from "../plan/problem";
import { repositoryKey } from "../plan/reference";
import { type FoundImage, type RegistryState, verificationOf, verifiedImage } from "../plan/registry-state";
import type { ImageIntent, WantedTag } from "../plan/release-intent";
import { newerVersion } from "../plan/tag-policy";
import type { ReleaseEvent } from "../plan/tag-rules";
import type { VerifyRules } from "../plan/trust";
import { compareVersions, parseVersion, tagOfVersion, versionOfTag } from "../plan/versions";
import type { RegistryReader } from "../registry/read-state";

/** More unverified version tags than this above the released one are an attack or a mistake. */
const MOST_UNVERIFIED = 50;

interface VersionsInput {
  readonly config: Config;
  readonly intents: readonly ImageIntent[];
  readonly state: RegistryState;
  readonly previous: ReleaseManifest | undefined;
  /** Every tag of the git repository; asked for only where a version depends on it. */
  readonly gitTags: () => Promise<readonly string[]>;
  /** What names made from git tags depend on. */
  readonly event: ReleaseEvent;
  readonly now: Date;
  readonly inspectImages: RegistryReader["inspectImages"];
  readonly signer: VerifyRules["signer"] | undefined;
}

/**
 * The registry's version tags, without unverified ones above the released version: anyone who may push can write
 * `9.9.9`, and so keep `latest` from moving. A version counts if a trusted signer states it, this stack recorded it or
 * it is a git tag.
 *
 * @returns the state without the version tags that do not count
 */
export async function verifiedVersions(input: VersionsInput) {
  let { state } = input;
  const notices: string[] = [];
  const problems: Problem[] = [];
  for (const intent of input.intents) {
    const { signing } = verificationOf(input.config, intent.image, input.previous);
    const floating = intent.tags.filter(
      (tag) => tag.class === "floating" && (tag.follows?.version ?? intent.version) !== undefined,
    );
    for (const tag of signing ? floating : []) {
      for (let round = 0; ; round += 1) {
        const name = newerName(intent, tag, state);
        if (name === undefined) break;
        const stated = await statedImages(input, intent, name, state);
        state = withFound(state, name, stated);
        if (Object.keys(stated).length > 0 || (await isKnown(input, intent, name))) break;
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
      line: tag.line,
      version,
      ...(intent.existing?.from === "rollback" ? { rollback: { until: intent.existing.until } } : {}),
    },
    names,
  );
  return newer && tagOfVersion(newer.text, form);
}

/** Repository -> the image that a trusted signer states to be this version, or that a person vouches for. */
async function statedImages(
  { config, previous, inspectImages, signer }: VersionsInput,
  intent: ImageIntent,
  name: string,
  state: RegistryState,
): Promise<Readonly<Record<string, FoundImage>>> {
  const holders = keysOf(intent).filter((key) => state.repositories[key]?.tags.includes(name));
  const { found } = await inspectImages(
    holders.map((repository) => `${repository}:${name}`),
    signer,
  );
  const verification = verificationOf(config, intent.image, previous);
  const stated = holders.flatMap((repository): [string, FoundImage][] => {
    const image = found[`${repository}:${name}`];
    const verified = image === undefined ? undefined : verifiedImage(verification, repository, image);
    const isStated = verified?.statements.some(({ version }) => isVersion(intent, name, version)) === true;
    return image !== undefined && (verified?.by === "adopt" || isStated) ? [[repository, image]] : [];
  });
  return Object.fromEntries(stated);
}

/** Whether this stack recorded the version, or the image's own rules make its tag from a git tag. */
async function isKnown(
  { previous, gitTags, event, now }: VersionsInput,
  intent: ImageIntent,
  name: string,
): Promise<boolean> {
  const recorded = previous?.images.filter((image) => image.name === intent.name) ?? [];
  if (recorded.some(({ version }) => version !== undefined && isVersion(intent, name, version))) return true;
  const numbers = numbersIn(versionOfTag(name, intent.form)?.text ?? name);
  return (await gitTags())
    .filter((tag) => numbersIn(tag).includes(numbers))
    .some((tag) =>
      imageRules(intent.image, { ...event, ref: `refs/tags/${tag}` }, now).entries.some(
        (entry) => entry.class === "version" && entry.name === name,
      ),
    );
}

/** A cheap way to leave out most of a repository's git tags before the rules read them. */
function numbersIn(text: string): string {
  return (text.match(/[0-9]+/g) ?? []).map((number) => number.replace(/^0+(?=[0-9])/, "")).join(".");
}

function isVersion({ form }: ImageIntent, name: string, text: string): boolean {
  const version = versionOfTag(name, form);
  const other = parseVersion(text, form);
  return version !== undefined && other !== undefined && compareVersions(version, other) === 0;
}

/** Adds a newer version's images, so that floating tags that were moved away from it can go back to it. */
function withFound(
  state: RegistryState,
  name: string,
  images: Readonly<Record<string, FoundImage>>,
): RegistryState {
  const found = Object.entries(images).flatMap(([key, image]) => {
    const repository = state.repositories[key];
    return repository === undefined
      ? []
      : [[key, { ...repository, found: { ...repository.found, [name]: image } }] as const];
  });
  return { ...state, repositories: { ...state.repositories, ...Object.fromEntries(found) } };
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
