/** One thing that is measured: ours beside a peer, in turn. */
export interface Case {
  /** @example "50 images, first release" */
  readonly name: string;
  /** @example "docker buildx bake --push" */
  readonly peer: string;
  /** The ratio that is wanted, ours to the peer's. */
  readonly wanted: number;
  /** One round of both; seconds. Called once to warm up, and then for each round. */
  readonly round: (at: number) => Promise<Round>;
}

export interface Round {
  readonly ours: number;
  readonly theirs: number;
}

/** What `artifacts/bench.json` has for each case. */
export interface Measured {
  readonly name: string;
  /** Median, seconds. */
  readonly ours: number;
  /** Median, seconds. */
  readonly peer: number;
  readonly ratio: number;
  readonly wanted: number;
  /** Rounds, without the one to warm up. */
  readonly n: number;
  readonly spread: { readonly ours: readonly [number, number]; readonly peer: readonly [number, number] };
  /** What the peer is. */
  readonly against: string;
}

/** Seconds that something takes. */
export async function seconds(run: () => Promise<unknown>): Promise<number> {
  const since = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - since) / 1e9;
}

/** Ours first in even rounds, the peer first in odd ones. */
export async function inTurn(
  at: number,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
): Promise<Round> {
  if (at % 2 === 0) return { ours: await seconds(ours), theirs: await seconds(theirs) };
  const peer = await seconds(theirs);
  return { ours: await seconds(ours), theirs: peer };
}

export async function measure(one: Case, rounds: number): Promise<Measured> {
  if (rounds > 1) await one.round(0);
  const all: Round[] = [];
  for (let at = 1; at <= rounds; at += 1) all.push(await one.round(at));
  const ours = all.map((round) => round.ours).sort((a, b) => a - b);
  const theirs = all.map((round) => round.theirs).sort((a, b) => a - b);
  return {
    name: one.name,
    ours: median(ours),
    peer: median(theirs),
    ratio: median(ours) / median(theirs),
    wanted: one.wanted,
    n: rounds,
    spread: { ours: ends(ours), peer: ends(theirs) },
    against: one.peer,
  };
}

export function median(sorted: readonly number[]): number {
  const [low = 0, high = low] = [
    sorted[Math.ceil(sorted.length / 2) - 1],
    sorted[Math.floor(sorted.length / 2)],
  ];
  return (low + high) / 2;
}

function ends(sorted: readonly number[]): [number, number] {
  return [sorted[0] ?? 0, sorted.at(-1) ?? 0];
}
