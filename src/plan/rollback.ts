import type { RollbackConfig } from "./config";
import { compareVersions, newest, parseVersion, type Version } from "./versions";

type RollbackDecision =
  | { readonly holds: false; readonly notice?: string }
  /** Floating tags go back until a version newer than `until` is released. */
  | { readonly holds: true; readonly until?: string };

/**
 * Decides whether a rollback holds: it ends with a version that is newer than every bad one.
 *
 * @param to `rollback.to` as a version of this image; undefined if it is not one
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
