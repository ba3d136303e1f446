import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import type { Verdict } from "../../../src/plan/trust";
import { verdictTable } from "../../../src/report/verdict-table";

const DIGEST = `sha256:${"a".repeat(64)}` as const;

function verdict(more: Partial<Verdict> = {}): Verdict {
  return {
    repository: "registry.example.com:5000/a-team/of-many/langgraph-service",
    digest: DIGEST,
    verified: true,
    predicates: ["https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v1"],
    platforms: [],
    problems: [],
    ...more,
  };
}

/** The environment decides whether there are colours. */
function plain(verdicts: readonly Verdict[], columns?: number): string {
  return stripVTControlCharacters(verdictTable(verdicts, columns));
}

/** The cells of a column, put together again. */
function column(text: string, index: number): string {
  const rows = text.split("\n").filter((line) => line.startsWith("│"));
  return rows
    .slice(1)
    .map((row) => row.split("│")[index + 1]?.trim() ?? "")
    .join("");
}

describe("the table of verdicts", () => {
  test.each([80, 100, 200, undefined])("fits %s columns and loses nothing", (columns) => {
    const text = plain([verdict()], columns);
    expect(Math.max(...text.split("\n").map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns ?? 80);
    expect(column(text, 0)).toBe(verdict().repository);
    expect(column(text, 2)).toBe("verified");
    expect(column(text, 3)).toBe(verdict().predicates.join(""));
  });

  test("is as narrow as its content", () => {
    const text = plain([verdict({ repository: "ghcr.io/o/a", verified: false, predicates: [] })], 200);
    expect(text.split("\n")[3]).toMatch(/^│ ghcr\.io\/o\/a │ \S+ │ refused │ nothing │$/);
  });
});
