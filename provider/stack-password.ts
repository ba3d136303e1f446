import { z } from "zod";
import { Secret } from "../plan/secret";

const DEADLINE_MS = 30_000;
const answerSchema = z.object({ value: z.string().min(1) });

/**
 * A password of the stack's secret configuration, asked of the engine's command: for a refresh, which runs no program
 * that could hand it over. Undefined where it cannot be had (another file of configuration, a passphrase that a person
 * types): the registry then says that it wants one.
 *
 * @param at `registries[0].password`
 */
export async function stackPassword(
  stack: string,
  at: string,
  environment: NodeJS.ProcessEnv,
): Promise<Secret | undefined> {
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const args = ["config", "get", "--stack", stack, "--path", `slipway:${at}`, "--json", "--non-interactive"];
  const result = await execa("pulumi", args, {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: DEADLINE_MS,
  });
  if (result.exitCode !== 0) return undefined;
  try {
    return new Secret(answerSchema.parse(JSON.parse(result.stdout)).value);
  } catch {
    return undefined;
  }
}
