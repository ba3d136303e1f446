import Table from "cli-table3";
import pc from "picocolors";
import { shortDigest } from "../plan/digest";
import type { ManifestImage, TagOutcome } from "../plan/manifest";
import { digestPairs } from "../plan/same-digest";
import { happened, sameDigest } from "./release-markdown";
import type { ManifestFile } from "./write-artifacts";

const ACTION_COLORS: Readonly<Record<TagOutcome["action"], (text: string) => string>> = {
  created: pc.green,
  moved: pc.yellow,
  unchanged: pc.dim,
  kept: pc.dim,
  refused: pc.red,
};

/** What was released, for a terminal of 80 columns. */
export function releaseTable(manifest: ManifestFile): string {
  const { tags } = manifest.run;
  const changed = tags.some(({ action }) => action === "created" || action === "moved");
  return [
    ...manifest.images.flatMap((image) => imageLines(image, tags)),
    ...differenceLines(manifest),
    ...Object.entries(manifest.skipped).map(([host, reason]) => `${host} was skipped: ${reason}`),
    ...(changed ? [] : [pc.green("Nothing changed: everything is released and in its place."), ""]),
  ].join("\n");
}

/** The tables show what is alike; what differs is said. */
function differenceLines(manifest: ManifestFile): string[] {
  const pairs = digestPairs(manifest);
  if (pairs.length === 0) return [];
  const differing = pairs.filter(({ other }) => other !== undefined);
  if (differing.length === 0)
    return [pc.green("Every version's tag and the tags that follow it share a digest."), ""];
  return [
    ...differing.map((pair) =>
      pc.yellow(
        `${pair.repository}: ${pair.fixed} and ${pair.floating} differ: ${sameDigest(pair, manifest.run.tags)}`,
      ),
    ),
    "",
  ];
}

function imageLines(image: ManifestImage, tags: readonly TagOutcome[]): string[] {
  const table = new Table({
    head: ["tag", "what it did", "digest"],
    style: { head: [], border: [], compact: true },
    chars: PLAIN,
  });
  return [
    "",
    pc.bold(`${image.name}${image.version === undefined ? "" : ` ${image.version}`}`),
    `  digest     ${image.digest}`,
    `  platforms  ${image.platforms.join(", ")}`,
    ...image.repositories.flatMap((repository) => repositoryLines(repository, image, tags)),
    "",
    "  pull it    docker pull " +
      (image.tags[0] === undefined ? image.references[0] : `${image.tags[0].repository}:${bestTag(image)}`),
    `  look at it crane manifest ${image.references[0] ?? ""}`,
    "",
  ];

  function repositoryLines(repository: string, of: ManifestImage, all: readonly TagOutcome[]): string[] {
    const own = all.filter((tag) => tag.image === of.name && tag.repository === repository);
    table.length = 0;
    for (const tag of own) {
      table.push([
        tag.name,
        ACTION_COLORS[tag.action](happened(tag)),
        tag.to === undefined ? "" : shortDigest(tag.to),
      ]);
    }
    return ["", `  ${repository}`, table.toString()];
  }
}

/** The tag that a person would type. */
function bestTag(image: ManifestImage): string {
  const versions = image.tags.filter((tag) => tag.class === "version");
  return (
    (versions[0] ?? image.tags.find((tag) => tag.class === "floating") ?? image.tags[0])?.name ?? "latest"
  );
}

const PLAIN = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "    ",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};
