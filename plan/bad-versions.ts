import type { ImageConfig, RollbackConfig } from "./config";
import {
  evaluateTagRules,
  parseFlavor,
  parseTagRules,
  type ReleaseEvent,
  type TagRulesResult,
} from "./tag-rules";
import { versionAndForm } from "./tag-slot";
import { compareVersions, parseVersion, type Version } from "./versions";

/** Evaluates an image's own rules for an event. */
export function imageRules(image: ImageConfig, event: ReleaseEvent, now: Date): TagRulesResult {
  return evaluateTagRules({
    rules: parseTagRules(
      image.tags,
      image.at === undefined ? `the tags of ${image.name}` : `slipway:${image.at}.tags`,
    ),
    flavor: parseFlavor(image.flavor),
    event,
    images: [],
    now,
    labels: image.extraLabels,
  });
}

/**
 * What a release's name (`v1.2.3`, `standalone-v0.2.1`) is as a version of an image, without the form; undefined where
 * the image's rules make no version of it, as with another lane's.
 */
export function versionUnder(
  image: ImageConfig,
  name: string,
  event: ReleaseEvent,
  now: Date,
): string | undefined {
  const named = { ...event, ref: `refs/tags/${name}` };
  return versionAndForm(imageRules(image, named, now).entries, named).version;
}

export type RollbackDecision =
  /** The release goes on as if nothing had been said, but for bad versions. */
  | { readonly holds: false; readonly notice?: string }
  /** Floating tags go back; a version newer than `until` ends that. */
  | { readonly holds: true; readonly until?: string };

export interface RollbackInput {
  readonly rollback: RollbackConfig | undefined;
  readonly image: string;
  /** `rollback.to` as a version of this image; undefined where it is none. */
  readonly to: string | undefined;
  /** `rollback.bad` as versions of this image. */
  readonly bad: readonly string[];
  /** The version that would be released otherwise. */
  readonly incoming: string | undefined;
}

/** A rollback holds until a version is released that is newer than every bad one. */
export function decideRollback(input: RollbackInput): RollbackDecision {
  const { rollback, image, to, bad, incoming } = input;
  if (rollback?.to === undefined || to === undefined) return { holds: false };
  if (rollback.images !== undefined && !rollback.images.includes(image)) return { holds: false };
  const worst = highest(bad);
  if (worst === undefined) return { holds: true };
  const target = highest([to, worst.text]) ?? worst;
  const next = incoming === undefined ? undefined : parseVersion(incoming);
  if (next !== undefined && compareVersions(next, target) > 0) {
    return {
      holds: false,
      notice: `${image}: the rollback to ${rollback.to} ends with ${incoming}, which is newer than ${target.text}`,
    };
  }
  return { holds: true, until: target.text };
}

function highest(texts: readonly string[]): Version | undefined {
  return texts
    .flatMap((text) => parseVersion(text) ?? [])
    .reduce<Version | undefined>(
      (best, version) => (best === undefined || compareVersions(version, best) > 0 ? version : best),
      undefined,
    );
}
