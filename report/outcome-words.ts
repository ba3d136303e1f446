import { shortDigest } from "../plan/digest";
import type { TagOutcome } from "../plan/manifest";

/** What happened to a tag, in a word or two: a tag that was kept although it is not there was not made. */
export function action(tag: TagOutcome): string {
  return tag.action === "kept" && tag.to === undefined ? "not made" : tag.action;
}

/** Where it points, and for one that moved from where: `sha256:756867c07ffa (1.9.3) → sha256:01e0d8f536d9`. */
export function target(tag: TagOutcome): string {
  const to = tag.to === undefined ? "" : shortDigest(tag.to);
  if (tag.from === undefined) return to;
  const from = withVersion(shortDigest(tag.from), tag.fromVersion);
  return tag.action === "moved" ? `${from} → ${to}` : from;
}

function withVersion(text: string, version: string | undefined): string {
  return version === undefined ? text : `${text} (${version})`;
}
