import Table from "cli-table3";
import pc from "picocolors";
import { shortDigest } from "../plan/digest";
import { digestPairs, type ManifestImage, type ManifestTag, type TagOutcome } from "../plan/manifest";
import type { ManifestFile } from "./manifest-file";
import { action, reasonToDiffer, sameDigest, target } from "./outcome-text";

const ACTION_COLORS: Readonly<Record<TagOutcome["action"], (text: string) => string>> = {
  created: pc.green,
  moved: pc.yellow,
  unchanged: pc.dim,
  kept: pc.dim,
  refused: pc.red,
};

/** What was released, for a terminal of 80 columns. References and commands are not broken, so they may be longer. */
export function releaseTable(manifest: ManifestFile): string {
  const { tags } = manifest.run;
  const changed = tags.some(({ action: did }) => did === "created" || did === "moved");
  return [
    ...manifest.images.flatMap((image) => imageLines(image, tags)),
    ...differenceLines(manifest),
    ...Object.entries(manifest.skipped).map(([host, reason]) => `${host} was skipped: ${reason}`),
    ...(changed ? [] : [pc.green("Nothing changed: everything is released and in its place.")]),
    "",
  ].join("\n");
}

/** Whether versions and the tags that follow them are equal. Differences that the table above explains are left out. */
function differenceLines(manifest: ManifestFile): string[] {
  const { tags } = manifest.run;
  const pairs = digestPairs(manifest);
  if (pairs.length === 0) return [];
  const differing = pairs.filter(({ other }) => other !== undefined);
  const isOne = new Set(manifest.images.map(({ digest }) => digest)).size === 1;
  const whose = isOne ? "All tags of this release" : "All tags of each image";
  if (differing.length === 0) return [pc.green(`${whose} point to the same digest.`), ""];
  const lines = differing
    .filter((pair) => reasonToDiffer(pair, tags) === undefined)
    .map(
      (pair) => `${pair.repository}: ${pair.fixed} and ${pair.floating} differ: ${sameDigest(pair, tags)}`,
    );
  return lines.length === 0 ? [] : [...lines.map(pc.yellow), ""];
}

function imageLines(image: ManifestImage, tags: readonly TagOutcome[]): string[] {
  const own = tags.filter((tag) => tag.image === image.name);
  const title = image.version === undefined ? image.name : `${image.name} ${image.version}`;
  const pull = bestReference(image);
  return [
    "",
    `${pc.bold(title)} for ${image.platforms.join(", ")}`,
    `  ${image.digest}`,
    ...image.repositories.flatMap((repository) => [
      "",
      `  ${repository}`,
      tagTable(own.filter((tag) => tag.repository === repository)),
    ]),
    "",
    `  pull it:     docker pull ${pull}`,
    `  look at it:  crane manifest ${pull}`,
    "",
  ];
}

const INDENT = 4;
const GAP = 2;
const HEAD = ["tag", "what it did", "digest"] as const;
/** The last column is at least as wide as a short digest with its version. */
const LAST_AT_LEAST = 32;

function tagTable(tags: readonly TagOutcome[]): string {
  const first = Math.max(HEAD[0].length, ...tags.map(({ name }) => name.length)) + GAP;
  const second = HEAD[1].length + GAP;
  const table = new Table({
    head: [...HEAD],
    colWidths: [first, second, Math.max(LAST_AT_LEAST, 80 - INDENT - first - second)],
    wordWrap: true,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    chars: { ...NO_LINES, left: " ".repeat(INDENT) },
  });
  table.push(
    ...tags.map((tag) => [
      tag.name,
      ACTION_COLORS[tag.action](action(tag)),
      [target(tag), tag.reason].filter((line) => line !== undefined && line !== "").join("\n"),
    ]),
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const BY_CLASS: readonly ManifestTag["class"][] = ["version", "floating", "revision"];

/** The reference that is easiest to type: the version's tag, else a floating one, else the commit's, else the digest. */
function bestReference({ tags, digest, references }: ManifestImage): string {
  const [best] = BY_CLASS.flatMap((kind) =>
    tags.filter((tag) => tag.class === kind && tag.digest === digest),
  );
  return best === undefined ? (references[0] ?? shortDigest(digest)) : `${best.repository}:${best.name}`;
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
