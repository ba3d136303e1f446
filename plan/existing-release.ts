import type { Config, ImageConfig } from "./config";
import type { Digest } from "./digest";
import { type ImageIntent, repositoriesOf } from "./release-intent";
import type { ReleaseStatement } from "./statement";
import type { ReleaseEvent, TagEntry } from "./tag-rules";
import { tagOf } from "./tag-rules/event";
import { versionAndForm, wantedTags } from "./tag-slot";
import type { VerifiedBy } from "./verified";

/** A release of one image that exists, wherever that is known from: a manifest or a statement. */
export interface ExistingRelease {
  /** The image's name. */
  readonly name: string;
  readonly digest: Digest;
  /** Without the form; absent for a release without one. */
  readonly version?: string;
  /** The commit, 40 hex digits. */
  readonly revision: string;
  /** What was released: `refs/tags/v1.2.3`, `refs/heads/main`; empty if unknown. */
  readonly ref: string;
  readonly contentKey: string;
  /** What the release has to hold. */
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

export interface ExistingIntentInput {
  readonly config: Config;
  readonly image: ImageConfig;
  readonly release: ExistingRelease;
  readonly content: ExistingContent;
  /** What this stack's own rules give for the release's reference. */
  readonly entries: readonly TagEntry[];
  readonly event: ReleaseEvent;
  /** Without the form. */
  readonly bad: readonly string[];
}

/** What an image should become when its content exists: the same digest under this stack's own tags. */
export function existingIntent(input: ExistingIntentInput): ImageIntent {
  const { config, image, release, content, entries, event } = input;
  const { version, form } = versionAndForm(entries, event);
  return {
    name: image.name,
    image: { ...image, platforms: [...release.platforms].sort() },
    repositories: repositoriesOf(config, image),
    revision: release.revision,
    ref: release.ref,
    ...(version === undefined ? {} : { version }),
    form,
    tags: wantedTags(entries),
    ...(content.from === "rollback" ? { candidateTag: content.tag } : {}),
    contentKey: release.contentKey,
    buildArgs: {},
    bases: {},
    labels: {},
    annotations: {},
    bad: input.bad,
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
