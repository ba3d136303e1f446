import Table from "cli-table3";
import pc from "picocolors";
import { shortDigest } from "../plan/digest";
import type { Verdict } from "../plan/trust";

const HEAD = ["repository", "digest", "verdict", "signed"] as const;
/** A space on each side of a cell. */
const PADDING = 2;
const BORDERS = HEAD.length + 1;
/** A narrower cell is hard to read, so the table becomes wider than the terminal instead. */
const LEAST = 12;

/**
 * The verdicts as a table, and every reason for a refusal below it.
 *
 * @param columns the terminal's width; longer cells are wrapped @default 80
 */
export function verdictTable(verdicts: readonly Verdict[], columns = 80): string {
  const rows = verdicts.map(({ repository, digest, verified, predicates }) => ({
    repository,
    digest: shortDigest(digest),
    verdict: verified ? "verified" : "refused",
    signed: predicates.length === 0 ? ["nothing"] : predicates,
  }));
  const fitting = widths(
    HEAD.map((name) => Math.max(name.length, ...rows.flatMap((row) => lengths(row[name])))),
    columns,
  );
  const table = new Table({
    head: [...HEAD],
    colWidths: fitting.map((width) => width + PADDING),
    style: { head: [], border: [] },
  });
  for (const { repository, digest, verdict, signed } of rows) {
    const color = verdict === "verified" ? pc.green : pc.red;
    // Wrapped here, since the table's own wrapping breaks colour codes.
    table.push([wrapped([repository], fitting[0]), digest, color(verdict), wrapped(signed, fitting.at(-1))]);
  }
  return [table.toString(), ...verdicts.flatMap(factLines), ""].join("\n");
}

function lengths(cell: string | readonly string[]): number[] {
  return [cell].flat().map((line) => line.length);
}

/** The widths of the longest lines; if those do not fit, the first and the last column share what the others leave. */
function widths([first = 0, ...rest]: readonly number[], columns: number): number[] {
  const last = rest.at(-1) ?? 0;
  const fixed = rest.slice(0, -1);
  const taken = fixed.reduce((sum, width) => sum + width, BORDERS + HEAD.length * PADDING);
  const free = Math.max(2 * LEAST, columns - taken);
  const half = Math.floor(free / 2);
  const left = Math.min(first, Math.max(half, free - last));
  return [left, ...fixed, Math.min(last, free - left)];
}

function wrapped(lines: readonly string[], width = LEAST): string {
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, "gu")) ?? [line]).join("\n");
}

/** Has the full digest, which a user can copy. */
function factLines({ repository, digest, signer, madeAt, problems }: Verdict): string[] {
  const facts = [
    ...(signer === undefined ? [] : [`signed by ${signer}`]),
    ...(madeAt === undefined ? [] : [`made at ${madeAt.time} (${madeAt.from})`]),
  ];
  return [
    ...(facts.length === 0 ? [] : [`${repository}@${digest}: ${facts.join(", ")}`]),
    ...problems.map(({ path, code, message }) => pc.red(`${path}: ${message} [${code}]`)),
  ];
}
