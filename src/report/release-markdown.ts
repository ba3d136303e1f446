import {
  type BuildFacts,
  digestPairs,
  type ManifestImage,
  type ReleaseManifest,
  type TagOutcome,
} from "../plan/manifest";
import { action, sameDigest, target } from "./outcome-text";

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
