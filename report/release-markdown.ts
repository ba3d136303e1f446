import { shortDigest } from "../plan/digest";
import type { ManifestImage, ReleaseManifest, TagOutcome } from "../plan/manifest";
import { type DigestPair, digestPairs } from "../plan/same-digest";

/** A release as a page that people read: on GitHub, in a job's summary, in a chat. */
export function releaseMarkdown(manifest: ReleaseManifest, tags: readonly TagOutcome[]): string {
  const lines = [
    `# Release on \`${manifest.stack}\``,
    "",
    `Commit \`${manifest.revision}\`${manifest.source === undefined ? "" : ` of ${manifest.source}`}.`,
    ...manifest.images.flatMap((image) => imageSection(image, tags)),
    ...digestSection(manifest, tags),
    ...skippedSection(manifest),
  ];
  return `${lines.join("\n")}\n`;
}

function imageSection(image: ManifestImage, tags: readonly TagOutcome[]): string[] {
  const own = tags.filter((tag) => tag.image === image.name);
  return [
    "",
    `## ${image.name}${image.version === undefined ? "" : ` ${image.version}`}`,
    "",
    `- Digest: \`${image.digest}\``,
    `- Platforms: ${image.platforms.join(", ")}`,
    ...image.references.map((reference) => `- Pull: \`docker pull ${reference}\``),
    "",
    "| Tag | Repository | What happened | Digest |",
    "| --- | --- | --- | --- |",
    ...own.map(
      (tag) =>
        `| \`${tag.name}\` | ${tag.repository} | ${happened(tag)} | ${tag.to === undefined ? "–" : `\`${shortDigest(tag.to)}\``} |`,
    ),
  ];
}

/** The table that one checks a release by: each version's tag and the tags that follow it. */
function digestSection(manifest: ReleaseManifest, tags: readonly TagOutcome[]): string[] {
  const pairs = digestPairs(manifest);
  if (pairs.length === 0) return [];
  return [
    "",
    "## Same digest",
    "",
    "| Tag | Follows | Repository | Same digest |",
    "| --- | --- | --- | --- |",
    ...pairs.map(
      (pair) =>
        `| \`${pair.fixed}\` | \`${pair.floating}\` | ${pair.repository} | ${sameDigest(pair, tags)} |`,
    ),
  ];
}

/** `yes, sha256:756867c07ffa`, or what the floating tag points to and why. */
export function sameDigest(pair: DigestPair, tags: readonly TagOutcome[]): string {
  if (pair.other === undefined) return `yes, ${shortDigest(pair.digest)}`;
  const reason = tags.find(
    (tag) => tag.image === pair.image && tag.repository === pair.repository && tag.name === pair.floating,
  )?.reason;
  return `no, ${pair.floating} is ${shortDigest(pair.other)}${reason === undefined ? "" : `: ${reason}`}`;
}

function skippedSection(manifest: ReleaseManifest): string[] {
  const skipped = Object.entries(manifest.skipped);
  if (skipped.length === 0) return [];
  return ["", "## Skipped registries", "", ...skipped.map(([host, reason]) => `- ${host}: ${reason}`)];
}

/** `moved from sha256:756867c07ffa (1.9.3)`, in words. */
export function happened(tag: TagOutcome): string {
  const from = tag.from === undefined ? "" : shortDigest(tag.from);
  const version = tag.fromVersion === undefined ? "" : ` (${tag.fromVersion})`;
  const text = tag.action === "moved" ? `moved from ${from}${version}` : tag.action;
  return tag.reason === undefined ? text : `${text}: ${tag.reason}`;
}
