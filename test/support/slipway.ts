import { vi } from "vitest";
import { main } from "../../src/cli/main";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the `slipway` command in this process: starting one takes longer than most of what a command does.
 *
 * @param env the whole environment, @default that of this process
 * @param secondMs how long a second of waiting is
 */
export async function slipway(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  secondMs?: number,
): Promise<Ended> {
  let [out, err] = ["", ""];
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += text;
      return true;
    }),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      err += text;
      return true;
    }),
  ];
  const before = process.env;
  process.env = env;
  try {
    const code = await main([...args], secondMs);
    return { code, out, err };
  } finally {
    process.env = before;
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}
