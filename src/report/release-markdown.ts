import { shortDigest } from "../plan/digest";
import {
  type BuildFacts,
  type DigestPair,
  digestPairs,
  type ManifestImage,
  type ReleaseManifest,
  type TagOutcome,
} from "../plan/manifest";

export function releaseMarkdown(
  manifest: ReleaseManifest,
  tags: readonly TagOutcome[],
  build?: BuildFacts,
): string {
  const lines = [
    `# Release on \`${manifest.stack}\``,
    "",
    `Commit \`${manifest.revision}\`${manifest.source === undefined ? "" : ` of ${manifest.source}`}.`,
    ...manifest.images.flatMap((image) => imageSection(image, tags)),
    ...digestSection(manifest, tags),
    ...skippedSection(manifest),
    ...buildSection(build),
  ];
  return `${lines.join("\n")}\n`;
}

const SBOM_WORDS = {
  attached: "attached by the build",
  none: "none (`sbom: false`)",
  unavailable: "none, since its generator could not be reached when it was built",
} as const;

function imageSection(image: ManifestImage, tags: readonly TagOutcome[]): string[] {
  const own = tags.filter((tag) => tag.image === image.name);
  return [
    "",
    `## ${image.name}${image.version === undefined ? "" : ` ${image.version}`}`,
    "",
    `- Digest: \`${image.digest}\``,
    `- Platforms: ${image.platforms.join(", ")}`,
    ...(image.sbom === undefined ? [] : [`- SBOM: ${SBOM_WORDS[image.sbom]}`]),
    ...image.references.map((reference) => `- Pull: \`docker pull ${reference}\``),
    "",
    row(["Tag", "Repository", "What happened", "Digest"]),
    row(["---", "---", "---", "---"]),
    ...own.map((tag) =>
      row([
        `\`${tag.name}\``,
        tag.repository,
        cell(happened(tag)),
        target(tag) === "" ? "–" : cell(target(tag)),
      ]),
    ),
  ];
}

function happened(tag: TagOutcome): string {
  return tag.reason === undefined ? action(tag) : `${action(tag)}: ${tag.reason}`;
}

/** A table to check the release by: each version's tag and the tags that follow it. */
function digestSection(manifest: ReleaseManifest, tags: readonly TagOutcome[]): string[] {
  const pairs = digestPairs(manifest);
  if (pairs.length === 0) return [];
  return [
    "",
    "## Same digest",
    "",
    row(["Tag", "Followed by", "Repository", "Same digest"]),
    row(["---", "---", "---", "---"]),
    ...pairs.map((pair) =>
      row([`\`${pair.fixed}\``, `\`${pair.floating}\``, pair.repository, cell(sameDigest(pair, tags))]),
    ),
  ];
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

function skippedSection(manifest: ReleaseManifest): string[] {
  const skipped = Object.entries(manifest.skipped);
  if (skipped.length === 0) return [];
  return ["", "## Skipped registries", "", ...skipped.map(([host, reason]) => `- ${host}: ${plain(reason)}`)];
}

function buildSection(build: BuildFacts | undefined): string[] {
  if (build === undefined) return [];
  const cache = (kinds: readonly string[]) => (kinds.length === 0 ? "none" : kinds.join(" "));
  return [
    "",
    "## Built with",
    "",
    `- Builder: ${plain(build.builder)}, driver ${plain(build.driver)}, BuildKit ${plain(build.buildkit)}`,
    `- Network: ${plain(build.network)}; proxy: ${plain(build.proxy)}`,
    ...build.images.map(({ name, platforms, cacheFrom, cacheTo }) =>
      plain(
        `- ${name}: ${platforms.join(", ")}; cache read: ${cache(cacheFrom)}; cache written: ${cache(cacheTo)}`,
      ),
    ),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Escapes text for a table's cell. */
function cell(text: string): string {
  return plain(text).replace(/[\\|]/g, "\\$&");
}

/** Puts text on one line and escapes it, so that it cannot become the page's markup. */
function plain(text: string): string {
  return text.replace(/\s+/g, " ").replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

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
