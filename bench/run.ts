import { writeWholeFile } from "../report/manifest-file";
import { allCases } from "./cases";
import { type Measured, measure } from "./measure";

const ROUNDS = 5;

export async function main(args: readonly string[]): Promise<void> {
  const isQuick = args.includes("--quick");
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const { cases, end } = await allCases();
  const measured: Measured[] = [];
  try {
    for (const one of cases) {
      if (wanted.length > 0 && !wanted.some((part) => one.name.includes(part))) continue;
      const result = await measure(one, isQuick ? 1 : ROUNDS);
      measured.push(result);
      const { ours, peer, ratio } = result;
      console.log(
        `${one.name}: ${ours.toFixed(1)} s, ${one.peer} ${peer.toFixed(1)} s: ${ratio.toFixed(2)} (wanted ${one.wanted})`,
      );
    }
  } finally {
    end();
  }
  await writeWholeFile("artifacts/bench.json", `${JSON.stringify({ cases: measured }, undefined, 2)}\n`);
}
