import { readFile } from "node:fs/promises";
import { writeWholeFile } from "../report/manifest-file";
import { allCases, type Made } from "./cases";
import { type Measured, measure } from "./measure";
import { writePage } from "./page";

const ROUNDS = 5;
const RESULTS = "artifacts/bench.json";

export async function main(args: readonly string[]): Promise<void> {
  const isQuick = args.includes("--quick");
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const made: Made[] = [];
  const measured: Measured[] = [];
  try {
    for (const one of allCases(made)) {
      if (wanted.length > 0 && !wanted.some((part) => one.name.includes(part))) continue;
      const result = await measure(one, isQuick ? 1 : ROUNDS);
      measured.push(result);
      const { ours, peer, ratio } = result;
      console.log(
        `${one.name}: ${ours.toFixed(1)} s, ${one.peer} ${peer.toFixed(1)} s: ${ratio.toFixed(2)} (wanted ${one.wanted})`,
      );
    }
  } finally {
    await Promise.all(made.map((one) => ("remove" in one ? one.remove() : one.stop())));
  }
  const cases = [...(await earlier(measured)), ...measured];
  await writeWholeFile(RESULTS, `${JSON.stringify({ cases }, undefined, 2)}\n`);
  if (!isQuick) await writePage(cases);
}

/** What other runs have measured, so that a run may be of some cases only. */
async function earlier(measured: readonly Measured[]): Promise<Measured[]> {
  const text = await readFile(RESULTS, "utf8").catch(() => '{ "cases": [] }');
  const { cases }: { cases: Measured[] } = JSON.parse(text);
  return cases.filter(({ name }) => !measured.some((one) => one.name === name));
}
