import { readFile } from "node:fs/promises";
import { writeWholeFile } from "../../src/report/manifest-file";
import { allCases, type Made } from "./cases";
import { type Figure, figures } from "./figures";
import { type Measured, measure } from "./measure";
import { writePage } from "./page";

const ROUNDS = 5;
const RESULTS = "artifacts/bench.json";

/** What `artifacts/bench.json` holds. */
export interface Results {
  readonly cases: readonly Measured[];
  readonly figures: readonly Figure[];
}

export async function main(args: readonly string[]): Promise<void> {
  const isQuick = args.includes("--quick");
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const isWanted = (name: string) => wanted.length === 0 || wanted.some((part) => name.includes(part));
  const made: Made[] = [];
  let results = await earlier();
  try {
    for (const one of allCases(made).filter(({ name }) => isWanted(name))) {
      const result = await measure(one, isQuick ? 1 : ROUNDS);
      const { name, ours, peer, ratio } = result;
      console.log(
        `${name}: ${ours.toFixed(1)} s, ${one.peer} ${peer.toFixed(1)} s: ${ratio.toFixed(2)} (wanted ${one.wanted})`,
      );
      results = { ...results, cases: [...without(results.cases, [result]), result] };
    }
    for (const [name, make] of Object.entries(figures)) {
      if (!isWanted(name)) continue;
      const found = await make(made);
      for (const { name: figure, value, unit } of found)
        console.log(`${figure}: ${value.toFixed(2)} ${unit}`);
      results = { ...results, figures: [...without(results.figures, found), ...found] };
    }
  } finally {
    await Promise.all(made.map((one) => ("remove" in one ? one.remove() : one.stop())));
    // A run that breaks off keeps what it has measured.
    await writeWholeFile(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  }
  if (!isQuick) await writePage(results);
}

/** What other runs have measured, so that a run may be of some cases only. */
async function earlier(): Promise<Results> {
  const text = await readFile(RESULTS, "utf8").catch(() => "{}");
  const { cases = [], figures: found = [] }: Partial<Results> = JSON.parse(text);
  return { cases, figures: found };
}

function without<T extends { readonly name: string }>(all: readonly T[], some: readonly T[]): T[] {
  return all.filter(({ name }) => !some.some((one) => one.name === name));
}
