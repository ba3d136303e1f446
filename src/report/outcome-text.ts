import { shortDigest } from "../plan/digest";
import type { DigestPair, TagOutcome } from "../plan/manifest";

/** What happened to a tag, in a word or two. A tag that is "kept" but does not exist was not made. */
export function action(tag: TagOutcome): string {
  return tag.action === "kept" && tag.to === undefined ? "not made" : tag.action;
}

/** Where a tag points, and where from if it moved: `sha256:756867c07ffa (1.9.3) → sha256:01e0d8f536d9`. */
export function target(tag: TagOutcome): string {
  const to = tag.to === undefined ? "" : shortDigest(tag.to);
  if (tag.from === undefined) return to;
  const version = tag.fromVersion === undefined ? "" : ` (${tag.fromVersion})`;
  const from = `${shortDigest(tag.from)}${version}`;
  return tag.action === "moved" ? `${from} → ${to}` : from;
}

/** `yes, sha256:756867c07ffa`, or what the floating tag points to and why. */
export function sameDigest(pair: DigestPair, tags: readonly TagOutcome[]): string {
  if (pair.other === undefined) return `yes, ${shortDigest(pair.digest)}`;
  const reason = reasonToDiffer(pair, tags);
  return `no, ${pair.floating} is ${shortDigest(pair.other)}${reason === undefined ? "" : `: ${reason}`}`;
}

/** Why the floating tag stayed where it is, if a reason is known. */
export function reasonToDiffer(pair: DigestPair, tags: readonly TagOutcome[]): string | undefined {
  return tags.find(
    (tag) => tag.image === pair.image && tag.repository === pair.repository && tag.name === pair.floating,
  )?.reason;
}
