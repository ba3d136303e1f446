import type { Config, ImageConfig } from "./config";
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
import { compareVersions, parseVersion } from "./versions";

/** A release of an image that exists, by a manifest or a statement. */
export interface ExistingRelease {
  readonly name: string;
  readonly digest: Digest;
  /** Without the form. Absent for a release without a version. */
  readonly version?: string;
  readonly revision: string;
  /** The released reference: `refs/tags/v1.2.3`, `refs/heads/main`; empty if unknown. */
  readonly ref: string;
  readonly contentKey: string;
  readonly platforms: readonly string[];
  /** `host/path` of the repositories that have it, in order of preference. */
  readonly repositories: readonly string[];
  readonly statement?: ReleaseStatement;
}

/** Content that this release does not make. */
export type ExistingContent =
  /** From `source` (`host/path`); `of` names the stack or the statement, for messages. */
  | {
      readonly from: "promotion";
      readonly digest: Digest;
      readonly source: string;
      readonly of: string;
      readonly verifiedBy?: VerifiedBy;
      /** Absent if it is unknown. */
      readonly sbom?: SbomState;
    }
  /** An earlier version. A version newer than `until` ends the rollback. */
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
 * What an image with existing content should become: the same digest under this stack's tags.
 *
 * @param entries the tags of this stack's rules for the release's reference
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

/** The likely reference of a release whose manifest has none: that of `git tag v1.2.3`. */
export function refOfVersion(version: string | undefined): string {
  if (version === undefined) return "";
  return `refs/tags/${/^\d+\.\d/.test(version) ? `v${version}` : version}`;
}

/** Whether a name means a release: its git tag, or its version with or without `v`. */
export function isCalled(release: ExistingRelease, name: string): boolean {
  const plain = (text: string | undefined) => text?.replace(/^v(?=\d)/, "");
  return tagOf(release.ref) === name || plain(release.version) === plain(name);
}

interface FindVersionInput {
  readonly image: string;
  readonly verification: Verification;
  /** The version as it is written in the settings: `v1.2.2`. */
  readonly name: string;
  readonly version: string;
  /** The path of the setting: `rollback.to`. */
  readonly path: string;
  readonly repositories: readonly string[];
  /** The possible names of the version's tag. */
  readonly tags: readonly string[];
  /** `host/path:tag` -> the image with its statements. */
  readonly found: Readonly<Record<string, FoundImage | undefined>>;
  /** `slipway:override` names it, so that it needs no statement. */
  readonly overridden: boolean;
}

interface FoundVersion {
  readonly release?: ExistingRelease;
  readonly tag?: string;
  readonly verifiedBy?: VerifiedBy;
  readonly problems: readonly Problem[];
}

/**
 * Finds a version in the registries: by its version tag, which is write-once, and by a statement for the tag's digest that
 * names this version of this image.
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
  const [stated, own] = [parseVersion(statement.version), parseVersion(version)];
  return stated === undefined || own === undefined
    ? statement.version === version
    : compareVersions(stated, own) === 0;
}
