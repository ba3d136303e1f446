import type { ManifestImage, ReleaseManifest, TagOutcome } from "../plan/manifest";
import { action, target } from "./outcome-words";

/** A release as a page that people read: on GitHub, in a job's summary, in a chat. */
export function releaseMarkdown(manifest: ReleaseManifest, tags: readonly TagOutcome[]): string {
  const lines = [
    `# Release on \`${manifest.stack}\``,
    "",
    `Commit \`${manifest.revision}\`${manifest.source === undefined ? "" : ` of ${manifest.source}`}.`,
    ...manifest.images.flatMap((image) => imageSection(image, tags)),
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

function skippedSection(manifest: ReleaseManifest): string[] {
  const skipped = Object.entries(manifest.skipped);
  if (skipped.length === 0) return [];
  return ["", "## Skipped registries", "", ...skipped.map(([host, reason]) => `- ${host}: ${plain(reason)}`)];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** A text that a table's cell can hold, and that is no markup. */
function cell(text: string): string {
  return plain(text).replace(/[\\|]/g, "\\$&");
}

/** A text from elsewhere on one line, that cannot become markup of a page. */
function plain(text: string): string {
  return text.replace(/\s+/g, " ").replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
