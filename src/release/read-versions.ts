import type { Config } from "../plan/config";
import { type FloatingTag, floatingTags } from "../plan/floating-tags";
import { imageRules } from "../plan/image-tags";
import type { ReleaseManifest } from "../plan/manifest";
import type { Problem } from "../plan/problem";
import { type Rebuild, rebuildOf } from "../plan/rebuild";
import { repositoryKey } from "../plan/reference";
import {
  type FoundImage,
  type RegistryState,
  type Verification,
  verificationOf,
  verifiedImage,
} from "../plan/registry-state";
import { type ImageIntent, type RequestedTag, withoutFloatingTags } from "../plan/release-intent";
import { type DesiredTag, newerVersion } from "../plan/tag-policy";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import type { VerifyRules } from "../plan/trust";
import {
  compareVersions,
  isPrerelease,
  parseVersion,
  tagOfVersion,
  type VersionForm,
  versionOfTag,
} from "../plan/versions";
import type { RegistryReader } from "../registry/read-state";

/** More unverified version tags than this are an attack or a mistake. */
const MOST_UNVERIFIED = 50;

interface VersionsInput {
  readonly config: Config;
  readonly intents: readonly ImageIntent[];
  readonly state: RegistryState;
  readonly previous: ReleaseManifest | undefined;
  /** Every tag of the git repository. Called only if a version depends on them. */
  readonly gitTags: () => Promise<readonly string[]>;
  readonly event: ReleaseEvent;
  readonly now: Date;
  readonly registries: Pick<RegistryReader, "inspectImages" | "resolveImages">;
  readonly signer: VerifyRules["signer"] | undefined;
}

/**
 * Reads which versions exist and are verified, and which floating tags do not point to the newest of their line. Anyone
 * who may push can write `9.9.9` and so keep `latest` from moving. If releases are signed, a version therefore counts
 * only if a trusted signer states it, this stack recorded it, or it is a git tag.
 *
 * @returns the intents with their misplaced tags, and the state without the version tags that do not count
 */
export async function readVersions(input: VersionsInput) {
  let asked: ReturnType<VersionsInput["gitTags"]> | undefined;
  const gitTags = () => {
    asked ??= input.gitTags();
    return asked;
  };
  const images = input.intents.map((intent) => new ImageVersions({ ...input, gitTags }, intent));
  const intents = await Promise.all(
    images.map(async (versions) => {
      await versions.dropUnverified();
      const others = await versions.misplacedTags();
      return { ...versions.intent, others, rebuild: await versions.rebuild() };
    }),
  );
  return {
    intents,
    state: images.reduce((state, versions) => versions.applyTo(state), input.state),
    problems: images.flatMap(({ problems }) => problems),
    notices: images.flatMap(({ notices }) => notices),
  };
}

/** The versions of one image. */
class ImageVersions {
  readonly notices: string[] = [];
  readonly problems: Problem[] = [];
  readonly intent: ImageIntent;
  readonly #input: VersionsInput;
  /** `host/path` of each repository that was read. */
  readonly #repositories: readonly string[];
  readonly #verification: Verification;
  /** Version tags that do not count. */
  readonly #refused = new Set<string>();
  /** Repository -> tag -> its image. */
  readonly #found = new Map<string, Record<string, FoundImage>>();

  constructor(input: VersionsInput, intent: ImageIntent) {
    this.#input = input;
    this.intent = intent;
    this.#repositories = intent.repositories
      .map(repositoryKey)
      .filter((key) => input.state.repositories[key] !== undefined);
    this.#verification = verificationOf(input.config, intent.image, input.previous);
  }

  /** Drops unverified versions that are newer than the released one. */
  async dropUnverified(): Promise<void> {
    if (!this.#verification.signing) return;
    for (const tag of this.intent.tags.filter(({ class: tagClass }) => tagClass === "floating")) {
      let name = this.#newer(tag);
      while (name !== undefined && !(await this.#counts(name, (tag.follows ?? this.intent).form)))
        name = this.#newer(tag);
    }
  }

  /**
   * Floating tags that do not point to the newest version of their line, in a repository that has that version. Those
   * that this release moves by itself are left out.
   */
  async misplacedTags(): Promise<FloatingTag[]> {
    if (this.intent.existing?.from === "rollback" || this.#names().length === 0) return [];
    const immutable = withoutFloatingTags(this.#input.config, this.intent.image);
    const movable = this.#repositories.filter((key) => !immutable.includes(key));
    const digests = new Map<string, string | undefined>();
    for (;;) {
      const tags = await this.#checkedTags();
      await this.#readDigests(tags, digests);
      const misplaced = tags.filter((tag) =>
        movable.some((key) => {
          const newest = digests.get(`${key}:${versionTag(tag)}`);
          return newest !== undefined && digests.get(`${key}:${tag.name}`) !== newest;
        }),
      );
      const moving = new Set(misplaced.map(versionTag));
      const versions = [...new Map(tags.map((tag) => [versionTag(tag), tag.form]))];
      const counted = await Promise.all(
        versions.map(async ([name, form]) => {
          if (!this.#verification.signing) return true;
          const isTaken = !moving.has(name) && (await this.#isKnown(name, form));
          return isTaken || this.#counts(name, form);
        }),
      );
      if (counted.includes(false) && this.problems.length === 0) continue;
      await Promise.all([...moving, ...misplaced.map(({ name }) => name)].map((name) => this.#read(name)));
      return misplaced;
    }
  }

  /** The rebuilds of a version that is released already, the newest of them read; undefined for any other release. */
  async rebuild(): Promise<Rebuild | undefined> {
    const { image, version, form, tags, ref, existing } = this.intent;
    const { event, now } = this.#input;
    const isReleased = tags.some((tag) => tag.class === "version" && this.#names().includes(tag.name));
    if (existing !== undefined || !isReleased) return undefined;
    for (;;) {
      const names = this.#names();
      const rebuild = rebuildOf({ image, event: { ...event, ref }, now, names, version, form });
      const { newest } = rebuild;
      if (newest === undefined) return rebuild;
      if (this.#verification.signing && !(await this.#counts(newest, form))) continue;
      await this.#read(newest);
      return rebuild;
    }
  }

  /** Adds what was read here to the state, and removes version tags that do not count. */
  applyTo(state: RegistryState): RegistryState {
    const repositories = Object.entries(state.repositories).map(([key, repository]) => {
      if (!this.#repositories.includes(key)) return [key, repository] as const;
      const tags = repository.tags.filter((tag) => !this.#refused.has(tag));
      return [key, { ...repository, tags, found: { ...repository.found, ...this.#found.get(key) } }] as const;
    });
    return { ...state, repositories: Object.fromEntries(repositories) };
  }

  async #checkedTags(): Promise<FloatingTag[]> {
    const { config, event, now, gitTags } = this.#input;
    const { image, bad, ref } = this.intent;
    const prereleases = config.policy.prereleaseOnFloatingTag.level === "off";
    const tags = floatingTags({
      image,
      event: { ...event, ref },
      now,
      names: this.#names(),
      gitTags: await gitTags(),
      bad,
      prereleases,
    });
    return tags.filter(({ name }) => !this.#isMovedByRelease(name));
  }

  /** Whether this release itself decides where a tag goes: with the newest version, or by the commit graph. */
  #isMovedByRelease(name: string): boolean {
    const own = this.intent.tags.find((tag) => tag.name === name);
    if (own === undefined) return false;
    const { version: text = "", form } = own.follows ?? this.intent;
    const version = parseVersion(text, form);
    if (version === undefined || own.class !== "floating") return true;
    const { config } = this.#input;
    const isHeldBack = isPrerelease(version) && config.policy.prereleaseOnFloatingTag.level !== "off";
    const isBad = this.intent.bad.some((bad) => isSameVersion(bad, version.text, form));
    return !isHeldBack && !isBad && this.#newer(own) === undefined;
  }

  #names(): string[] {
    const { state } = this.#input;
    const names = this.#repositories.flatMap((key) => state.repositories[key]?.tags ?? []);
    return [...new Set(names)].filter((name) => !this.#refused.has(name));
  }

  /** The tag of the newest version that is newer than the released one. */
  #newer(tag: RequestedTag): string | undefined {
    const { revision, bad, existing } = this.intent;
    const { version, form } = tag.follows ?? this.intent;
    const desired: DesiredTag = {
      name: tag.name,
      class: tag.class,
      form,
      revision,
      overridden: false,
      bad,
      line: tag.line,
      version,
      rollback: existing?.from === "rollback" ? { until: existing.until } : undefined,
    };
    const newer = newerVersion(desired, this.#names());
    return newer && tagOfVersion(newer.text, form);
  }

  /** Whether a version counts. One that does not is dropped, with a notice. */
  async #counts(name: string, form: VersionForm): Promise<boolean> {
    if ((await this.#isStated(name, form)) || (await this.#isKnown(name, form))) return true;
    if (this.#refused.size === MOST_UNVERIFIED) {
      this.problems.push(tooMany(this.intent, name));
      return true;
    }
    this.#refused.add(name);
    this.notices.push(
      `${this.intent.name}: ${name} does not count as a version: no trusted signer states it, and no git tag has its name`,
    );
    return false;
  }

  /** Whether a trusted signer states that an image is this version, or the setting `adopt` names its digest. */
  async #isStated(name: string, form: VersionForm): Promise<boolean> {
    const text = versionOfTag(name, form)?.text ?? name;
    await this.#read(name);
    return this.#repositories.some((repository) => {
      const image = this.#found.get(repository)?.[name];
      const verified = image && verifiedImage(this.#verification, repository, image);
      return (
        verified?.by === "adopt" ||
        verified?.statements.some(({ version }) => isSameVersion(version, text, form)) === true
      );
    });
  }

  /** Whether this stack recorded the version, or the image's own rules give its tag for a git tag. */
  async #isKnown(name: string, form: VersionForm): Promise<boolean> {
    const text = versionOfTag(name, form)?.text ?? name;
    const { previous, gitTags, event, now } = this.#input;
    const { image } = this.intent;
    const recorded = previous?.images.filter((one) => one.name === this.intent.name) ?? [];
    if (recorded.some(({ version }) => version !== undefined && isSameVersion(version, text, form)))
      return true;
    const numbers = numbersIn(text);
    return (await gitTags())
      .filter((tag) => numbersIn(tag).includes(numbers))
      .some((tag) =>
        imageRules(image, { ...event, ref: `refs/tags/${tag}` }, now).entries.some(
          (entry) => entry.class === "version" && entry.name === name,
        ),
      );
  }

  /** Reads what a tag points to in every repository that has it, with what signers state about it. */
  async #read(name: string): Promise<void> {
    const { state, registries, signer } = this.#input;
    const holders = this.#repositories.filter((key) => state.repositories[key]?.tags.includes(name));
    const unread = holders.filter((key) => this.#found.get(key)?.[name] === undefined);
    const { found } = await registries.inspectImages(
      unread.map((repository) => `${repository}:${name}`),
      signer,
    );
    for (const repository of unread) {
      const image = found[`${repository}:${name}`];
      if (image !== undefined) this.#found.set(repository, { ...this.#found.get(repository), [name]: image });
    }
  }

  /** Adds to `known` the digests of floating tags and of their newest versions. The plan's own reads are not repeated. */
  async #readDigests(tags: readonly FloatingTag[], known: Map<string, string | undefined>): Promise<void> {
    const { state, registries } = this.#input;
    const names = new Set(tags.flatMap((tag) => [tag.name, versionTag(tag)]));
    const unread: string[] = [];
    for (const key of this.#repositories)
      for (const name of names) {
        const reference = `${key}:${name}`;
        const { tags: there = [], found = {} } = state.repositories[key] ?? {};
        if (known.has(reference)) continue;
        known.set(reference, found[name]?.digest);
        if (found[name] === undefined && there.includes(name)) unread.push(reference);
      }
    const { digests, problems } = await registries.resolveImages(unread);
    for (const reference of unread) known.set(reference, digests[reference]);
    this.problems.push(...problems.filter(({ code }) => code !== "base-not-found"));
  }
}

function versionTag({ version, form }: FloatingTag): string {
  return tagOfVersion(version, form);
}

/** A cheap way to skip most of a repository's git tags before the rules read them. */
function numbersIn(text: string): string {
  return (text.match(/[0-9]+/g) ?? []).map((number) => number.replace(/^0+(?=[0-9])/, "")).join(".");
}

function isSameVersion(a: string, b: string, form: VersionForm): boolean {
  const [one, other] = [parseVersion(a, form), parseVersion(b, form)];
  return one !== undefined && other !== undefined && compareVersions(one, other) === 0;
}

function tooMany(intent: ImageIntent, name: string): Problem {
  return {
    code: "versions-not-verified",
    path: `${intent.name}:${name}`,
    message: `more than ${MOST_UNVERIFIED} version tags above ${intent.version ?? "this release"} are stated by no trusted signer`,
    hint: "Delete them; or, where they are releases made before signing, fetch their git tags: git fetch --tags",
  };
}
