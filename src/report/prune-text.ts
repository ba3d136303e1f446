import { shortDigest } from "../plan/digest";
import { formatProblem } from "../plan/problem";
import type { PruneResult, RemovalOutcome, TagFate } from "../plan/prune";

const SIGNS = { remove: "-", keep: "=" } as const;

/** What goes and what stays in each repository, with the reason or the outcome. */
export function pruneText(results: readonly PruneResult[]): string {
  return [...results.flatMap(repositoryLines), ""].join("\n");
}

function repositoryLines({
  repository,
  tags,
  tagCount,
  removals,
  problems,
  outcomes,
}: PruneResult): string[] {
  // Each digest can have such a tag, so those that stay are only counted.
  const listed = tags.filter(({ kind, action }) => kind !== "referrers" || action === "remove");
  const lists = tags.length - listed.length;
  const width = Math.max(0, ...listed.map(({ name }) => Math.min(name.length, LONGEST)));
  const parts = removals.reduce((sum, { manifests }) => sum + manifests.length, 0);
  const going = tags.filter(({ action }) => action === "remove").length;
  return [
    `${repository}: ${count(tagCount, "tag")}, ${going === 0 ? "nothing goes" : `${going} can go`}` +
      (parts === 0 ? "" : `, with ${count(parts, "platform or referrer", "platforms and referrers")}`),
    ...listed.map((fate) => `  ${tagLine(fate, width, outcomes)}`),
    ...(lists === 0 ? [] : [`  = ${count(lists, "sha256- tag")} with the signatures of what is there`]),
    ...problems.map(formatProblem),
  ];
}

/** Longer names are cut: a fallback tag has 71 characters. */
const LONGEST = 26;

function tagLine(fate: TagFate, width: number, outcomes: readonly RemovalOutcome[] | undefined): string {
  const { name, digest, action, reason } = fate;
  const shown = name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
  const outcome = outcomes?.find(({ tags }) => tags.includes(name));
  const became =
    outcome === undefined || action === "keep"
      ? ""
      : outcome.removed
        ? "removed: "
        : `left: ${outcome.reason ?? "not removed"}; `;
  return `${SIGNS[action]} ${shown.padEnd(width)}  ${shortDigest(digest)}  ${became}${reason}`;
}

function count(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}
