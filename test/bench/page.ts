import { readFile } from "node:fs/promises";
import { writeWholeFile } from "../../src/report/manifest-file";
import type { Figure } from "./figures";
import type { Measured } from "./measure";
import type { Results } from "./run";

const PAGE = "docs/performance.md";
const PICTURE = "docs/images/performance.svg";
const [START, END] = ["<!-- bench:start -->", "<!-- bench:end -->"];

/** Writes the tables of docs/performance.md and its picture. */
export async function writePage({ cases, figures }: Results): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const [before, rest = ""] = page.split(START);
  const after = rest.split(END)[1] ?? "";
  await writeWholeFile(
    PAGE,
    `${before}${START}\n\n${caseTable(cases)}\n\n${figureTable(figures)}\n\n${END}${after}`,
  );
  await writeWholeFile(PICTURE, picture(cases));
}

function caseTable(measured: readonly Measured[]): string {
  const rows = measured.map(({ name, against, ours, peer, ratio, wanted, spread, n }) =>
    [
      name,
      against,
      `${ours.toFixed(1)} s (${range(spread.ours)})`,
      `${peer.toFixed(1)} s (${range(spread.peer)})`,
      `${ratio <= wanted ? "**" : ""}${ratio.toFixed(2)}${ratio <= wanted ? "**" : ""}`,
      `≤ ${wanted}`,
      n,
    ].join(" | "),
  );
  return [
    "| case | peer | Slipway | peer's time | ratio | wanted | n |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, wanted }) => {
    const isMet = wanted !== undefined && value <= wanted;
    const shown = `${value.toFixed(unit === "MB" ? 0 : 2)} ${unit}`;
    return `| ${name} | ${isMet ? `**${shown}**` : shown} | ${wanted === undefined ? "" : `≤ ${wanted} ${unit}`} |`;
  });
  return ["| figure | measured once | wanted |", "| --- | --- | --- |", ...rows].join("\n");
}

function range([low, high]: readonly [number, number]): string {
  return `${low.toFixed(1)}–${high.toFixed(1)}`;
}

const [ROW, LEFT, WIDTH] = [34, 330, 760];

/** Two bars a case, as long as their times, in colours that are read on white and on black. */
function picture(measured: readonly Measured[]): string {
  const longest = Math.max(1, ...measured.flatMap(({ ours, peer }) => [ours, peer]));
  const bar = (y: number, seconds: number, colour: string, who: string) => {
    const length = Math.max(2, (seconds / longest) * (WIDTH - LEFT - 90));
    return (
      `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="11" rx="2" fill="${colour}"/>` +
      `<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 10}">${seconds.toFixed(1)} s ${who}</text>`
    );
  };
  const rows = measured.map(({ name, ours, peer }, at) => {
    const y = 8 + at * ROW;
    const label = `<text x="${LEFT - 10}" y="${y + 17}" text-anchor="end">${escaped(name)}</text>`;
    return `${label}${bar(y, ours, "#2f81f7", "")}${bar(y + 13, peer, "#8b949e", "peer")}`;
  });
  const height = 16 + measured.length * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#768390">`,
    "<title>Seconds that Slipway and its peers take</title>",
    ...rows,
    "</svg>\n",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
