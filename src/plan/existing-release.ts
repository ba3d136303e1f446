import type { Config, ImageConfig, RollbackConfig } from "./config";
import { type Digest, shortDigest } from "./digest";
import { requestedTags, versionAndForm } from "./image-tags";
import { notVerified } from "./planned-content";
import type { Problem } from "./problem";
import {
  type FoundImage,
  type Verification,
  type VerifiedBy,
  type VerifiedImage,
  verifiedImage,
} from "./registry-state";
import { type ImageIntent, repositoriesOf } from "./release-intent";
import type { SbomState } from "./sbom";
import type { ReleaseStatement } from "./statement";
import type { ReleaseEvent } from "./tag-rules/event";
import { tagOf } from "./tag-rules/event";
import type { TagEntry } from "./tag-rules/rule-tag";
import { compareVersions, newest, parseVersion, type Version } from "./versions";

/** A release of one image that exists, wherever that is known from: a manifest or a statement. */
export interface ExistingRelease {
  readonly name: string;
  readonly digest: Digest;
  /** Without the form; absent for a release without one. */
  readonly version?: string;
  readonly revision: string;
  /** What was released: `refs/tags/v1.2.3`, `refs/heads/main`; empty if unknown. */
  readonly ref: string;
  readonly contentKey: string;
  readonly platforms: readonly string[];
  /** `host/path`, where it is, the first choice first. */
  readonly repositories: readonly string[];
  readonly statement?: ReleaseStatement;
}

/** Content that is taken as it is: nothing of it is made by this release. */
export type ExistingContent =
  /** Verified elsewhere: `of` is the stack or the statement, for people; `source` is `host/path`. */
  | {
      readonly from: "promotion";
      readonly digest: Digest;
      readonly source: string;
      readonly of: string;
      readonly verifiedBy?: VerifiedBy;
      /** Absent if it is unknown. */
      readonly sbom?: SbomState;
    }
  /** An earlier version: its tag, and the version that a newer one has to beat for the rollback to end. */
  | {
      readonly from: "rollback";
      readonly digest: Digest;
      readonly source: string;
      readonly tag: string;
      readonly until?: string;
      readonly statement?: ReleaseStatement;
      readonly verifiedBy?: VerifiedBy;
    };

/**
 * What an image should become when its content exists: the same digest under this stack's own tags.
 *
 * @param entries what this stack's own rules give for the release's reference
 */
export function existingIntent({
  config,
  image,
  release,
  content,
  entries,
  event,
  bad,
}: {
  readonly config: Config;
  readonly image: ImageConfig;
  readonly release: ExistingRelease;
  readonly content: ExistingContent;
  readonly entries: readonly TagEntry[];
  readonly event: ReleaseEvent;
  readonly bad: readonly string[];
}): ImageIntent {
  const { version, form } = versionAndForm(entries, event);
  return {
    name: image.name,
    image: { ...image, platforms: [...release.platforms].sort() },
    repositories: repositoriesOf(config, image),
    revision: release.revision,
    ref: release.ref,
    version,
    form,
    tags: requestedTags(entries),
    candidateTag: content.from === "rollback" ? content.tag : undefined,
    contentKey: release.contentKey,
    buildArgs: {},
    bases: {},
    labels: {},
    annotations: {},
    bad,
    existing: content,
  };
}

/** The reference of a release whose manifest does not say it: what `git tag v1.2.3` makes. */
export function refOfVersion(version: string | undefined): string {
  if (version === undefined) return "";
  return `refs/tags/${/^\d+\.\d/.test(version) ? `v${version}` : version}`;
}

/** Whether a release is what a person calls it: its git tag, or its version with or without `v`. */
export function isCalled(release: ExistingRelease, name: string): boolean {
  const plain = (text: string | undefined) => text?.replace(/^v(?=\d)/, "");
  return tagOf(release.ref) === name || plain(release.version) === plain(name);
}

export interface FindVersionInput {
  readonly image: string;
  readonly verification: Verification;
  /** As a person wrote it: `v1.2.2`. */
  readonly name: string;
  readonly version: string;
  /** Its path in the configuration, for problems: `rollback.to`. */
  readonly path: string;
  readonly repositories: readonly string[];
  /** Names that the version's tag can have. */
  readonly tags: readonly string[];
  /** `host/path:tag` -> what is there, with its statements. */
  readonly found: Readonly<Record<string, FoundImage | undefined>>;
  /** The release counts without a statement: the owner said so. */
  readonly overridden: boolean;
}

export interface FoundVersion {
  readonly release?: ExistingRelease;
  readonly tag?: string;
  readonly verifiedBy?: VerifiedBy;
  readonly problems: readonly Problem[];
}

/**
 * A version as the registries have it: by its version tag, which is write-once, and by the statement that refers to the
 * digest and says that it is this version of this image. Floating tags are never asked.
 */
export function findVersion(input: FindVersionInput): FoundVersion {
  const { image, name, version, path, repositories } = input;
  const seen = repositories.flatMap((repository) => {
    const tag = input.tags.find((candidate) => input.found[`${repository}:${candidate}`] !== undefined);
    const there = tag === undefined ? undefined : input.found[`${repository}:${tag}`];
    return tag === undefined || there === undefined ? [] : [{ repository, tag, there }];
  });
  const first = seen[0];
  const problem = (code: string, message: string, hint: string): FoundVersion => ({
    problems: [{ code, path, message, hint }],
  });
  if (first === undefined) {
    return problem(
      "version-not-found",
      `${name} of ${image} does not exist: no ${input.tags.join(" or ")} in ${repositories.join(", ")}`,
      `See what there is: crane ls ${repositories[0] ?? ""}`,
    );
  }
  if (new Set<Digest>(seen.map(({ there }) => there.digest)).size > 1) {
    const where = seen.map(
      ({ repository, tag, there }) => `${repository}:${tag} is ${shortDigest(there.digest)}`,
    );
    return problem(
      "version-differs-between-registries",
      `${name} of ${image} has several digests: ${where.join(", ")}`,
      "Find out which one was released, and delete the wrong tag.",
    );
  }
  const read = seen.map((sighting) => ({ ...sighting, verified: verifiedVersion(input, sighting) }));
  const unverified = read.find(({ verified }) => verified === undefined);
  if (unverified !== undefined && input.verification.signing) {
    const { code, message, hint = "" } = notVerified(image, { ...unverified, image: unverified.there });
    return problem(code, message, hint);
  }
  const [{ verified } = { verified: undefined }] = read;
  const statement = verified?.statements.find((stated) => states(stated, input));
  if (statement === undefined && verified?.by === "registry" && !input.overridden) {
    return problem(
      "version-not-stated",
      `${first.repository}:${first.tag} exists (${shortDigest(first.there.digest)}), but no release statement says ` +
        `that it is ${version} of ${image}`,
      `Trust the tag alone: pulumi config set --path 'slipway:override[0]' ${image}:${first.tag}`,
    );
  }
  const { digest, platforms } = first.there;
  return {
    tag: first.tag,
    problems: [],
    verifiedBy: verified?.by,
    release: {
      name: image,
      digest,
      version: statement?.version ?? version,
      revision: statement?.revision ?? verified?.revision ?? "",
      ref: `refs/tags/${name}`,
      contentKey: statement?.contentKey ?? verified?.contentKey ?? "",
      platforms: statement?.platforms ?? platforms,
      repositories: seen.map(({ repository }) => repository),
      statement,
    },
  };
}

function verifiedVersion(
  input: FindVersionInput,
  { repository, there }: { readonly repository: string; readonly there: FoundImage },
): VerifiedImage | undefined {
  const { verification, version } = input;
  const verified = verifiedImage(verification, repository, there);
  if (verified === undefined || verified.by === "adopt" || verified.by === "registry") return verified;
  const recorded = verification.previous?.images.find(({ name }) => name === input.image);
  const isRecorded = verified.by === "state" && recorded?.version === version;
  return isRecorded || verified.statements.some((stated) => states(stated, input)) ? verified : undefined;
}

function states(statement: ReleaseStatement, { image, verification, version }: FindVersionInput): boolean {
  if (statement.image !== image || statement.lane !== verification.lane) return false;
  const [stated, wanted] = [parseVersion(statement.version), parseVersion(version)];
  return stated === undefined || wanted === undefined
    ? statement.version === version
    : compareVersions(stated, wanted) === 0;
}

export type RollbackDecision =
  /** The release goes on as if nothing had been said, but for bad versions. */
  | { readonly holds: false; readonly notice?: string }
  /** Floating tags go back; a version newer than `until` ends that. */
  | { readonly holds: true; readonly until?: string };

/**
 * A rollback holds until a version is released that is newer than every bad one.
 *
 * @param to `rollback.to` as a version of this image; undefined where it is none
 * @param bad `rollback.bad` as versions of this image
 * @param incoming the version that would be released otherwise
 */
export function decideRollback({
  rollback,
  image,
  to,
  bad,
  incoming,
}: {
  readonly rollback: RollbackConfig | undefined;
  readonly image: string;
  readonly to: string | undefined;
  readonly bad: readonly string[];
  readonly incoming: string | undefined;
}): RollbackDecision {
  if (rollback?.to === undefined || to === undefined) return { holds: false };
  if (rollback.images?.includes(image) === false) return { holds: false };
  const worst = highest(bad);
  if (worst === undefined) return { holds: true };
  const target = highest([to, worst.text]) ?? worst;
  const next = parseVersion(incoming ?? "");
  if (next === undefined || compareVersions(next, target) !== 1) return { holds: true, until: target.text };
  const notice = `${image}: the rollback to ${rollback.to} ends with ${incoming}, which is newer than ${target.text}`;
  return { holds: false, notice };
}

function highest(texts: readonly string[]): Version | undefined {
  const versions = texts.flatMap((text) => parseVersion(text) ?? []);
  return newest(versions, { includePrerelease: true });
}
