import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../src/plan/digest";
import { versionAndForm } from "../../src/plan/image-tags";
import {
  type Ancestry,
  decideTag,
  type LiveTag,
  type TagClass,
  type TagDecision,
} from "../../src/plan/tag-policy";
import { evaluateTagRules } from "../../src/plan/tag-rules/evaluate";
import type { ReleaseEvent } from "../../src/plan/tag-rules/event";
import { parseFlavor } from "../../src/plan/tag-rules/inputs";
import { parseTagRules } from "../../src/plan/tag-rules/tag-rule";
import { parseVersion } from "../../src/plan/versions";

/** The tables of docs/tags.md are specification and test: each row is carried out. */
const PAGE = readFileSync(path.join(__dirname, "../../docs/tags.md"), "utf8");
const NOW = new Date("2026-11-21T12:00:00Z");
const SHORT_SHA = 7;

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function section(name: string): string {
  const text = PAGE.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0];
  if (text === undefined) throw new Error(`docs/tags.md has no section <!-- ${name} -->`);
  return text;
}

/** The rows of a section's table: cells by column, code marks removed where a cell is nothing but code. */
function table(name: string): Record<string, string>[] {
  const [head = [], , ...rows] = section(name)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map(plainCell));
  return rows.map((cells) => Object.fromEntries(head.map((column, index) => [column, cells[index] ?? ""])));
}

function plainCell(cell: string): string {
  return /^`([^`]*)`$/.exec(cell.trim())?.[1] ?? cell.trim();
}

/** Seven times the commit's letter begins its sha; only hex digits are real, but the rules do not look. */
function shaOf(commit: string): string {
  return commit.repeat(SHORT_SHA).padEnd(40, "0");
}

function eventOf(row: Record<string, string>, sha: string): ReleaseEvent {
  return {
    eventName: row.event ?? "",
    ref: row.ref ?? "",
    sha,
    commitDate: NOW,
    baseRef: "",
    defaultBranch: "main",
    inputs: {},
    repository: { defaultBranch: "main" },
  };
}

function evaluate(rules: readonly string[], event: ReleaseEvent) {
  return evaluateTagRules({
    rules: parseTagRules(rules),
    flavor: parseFlavor([]),
    event,
    images: [],
    now: NOW,
  });
}

describe("a history of releases", () => {
  const rules = [...section("history-rules").matchAll(/^ +- (type=\S+)$/gm)].map(([, rule]) => rule ?? "");
  const repository = new Map<string, LiveTag>();

  test("the page has rules and rows", () => {
    expect(rules.length).toBeGreaterThan(3);
    expect(table("history").length).toBeGreaterThan(8);
  });

  test.each(table("history").map((row) => [row.situation, row] as const))("%s", (_situation, row) => {
    const commit = row.commit ?? "";
    const decided = release(rules, eventOf(row, shaOf(commit)), repository);
    const refused = decided.filter(({ decision }) => decision.action === "refuse");
    const told = refused.length > 0 ? refused : decided;
    const words = told.map(({ name, decision, live }) => {
      const shown = name.replace(commit.repeat(SHORT_SHA), commit);
      return `\`${shown}\` ${inWords(decision, live)}`;
    });
    if (refused.length === 0) {
      for (const { name, decision, becomes } of decided) {
        if (decision.action === "create" || decision.action === "move") repository.set(name, becomes);
      }
    }
    expect(row["tags and what they do"]).toBe(
      words.join(", ") + (refused.length > 0 ? ": nothing is written" : ""),
    );
  });
});

/** Decides every tag of one release as the plan does; writes nothing. */
function release(rules: readonly string[], event: ReleaseEvent, repository: ReadonlyMap<string, LiveTag>) {
  const result = evaluate(rules, event);
  const { version, form } = versionAndForm(result.entries, event);
  // Labels are content: another version of the same commit is another digest.
  const digest: Digest = `sha256:${createHash("sha256")
    .update(`${event.sha} ${version ?? result.version}`)
    .digest("hex")}`;
  const becomes: LiveTag = { digest, version: version ?? result.version, revision: event.sha };
  return result.entries.map((entry) => {
    const live = repository.get(entry.name);
    const desired = {
      name: entry.name,
      class: entry.class,
      ...(entry.line === undefined ? {} : { line: entry.line }),
      form,
      ...(version === undefined ? {} : { version }),
      revision: event.sha,
      digest,
      overridden: false,
    };
    const decision = decideTag(desired, live, [...repository.keys()], ancestry(live, event.sha));
    return { name: entry.name, decision, live, becomes };
  });
}

/** In the page's history a later letter is a later commit. */
function ancestry(live: LiveTag | undefined, sha: string): Ancestry {
  if (live?.revision === undefined) return "unknown";
  return live.revision <= sha ? "ancestor" : "descendant";
}

function inWords({ action }: TagDecision, live: LiveTag | undefined): string {
  const version = live?.version !== undefined && parseVersion(live.version) ? live.version : undefined;
  switch (action) {
    case "create":
      return "new";
    case "move":
      return version === undefined ? "moves" : `moves from ${version}`;
    case "keep":
      return version === undefined ? "stays" : `stays at ${version}`;
    case "unchanged":
      return "unchanged";
    case "refuse":
      return "refused";
  }
}

describe("other rules", () => {
  const PROMISES: Readonly<Record<TagClass, string>> = {
    version: "write-once",
    floating: "moves forward",
    revision: "stays with its commit",
  };

  test.each(table("rules").map((row) => [row.rule, row.ref, row] as const))(
    "%s on %s",
    (_rule, _ref, row) => {
      const { entries } = evaluate([row.rule ?? ""], eventOf(row, "0123abc".padEnd(40, "0")));
      expect(row.tags).toBe(plainCell(entries.map(({ name }) => `\`${name}\``).join(", ")));
      expect(row.promise).toBe(PROMISES[entries[0]?.class ?? "floating"]);
    },
  );
});
