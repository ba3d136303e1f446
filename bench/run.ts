import { writeWholeFile } from "../report/manifest-file";
import { allCases, type Made } from "./cases";
import { type Measured, measure } from "./measure";
import { writePage } from "./page";

const ROUNDS = 5;

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
  await writeWholeFile("artifacts/bench.json", `${JSON.stringify({ cases: measured }, undefined, 2)}\n`);
  if (!isQuick && wanted.length === 0) await writePage(measured);
}
