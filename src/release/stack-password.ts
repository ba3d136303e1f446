import { z } from "zod";
import { normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";

const DEADLINE_MS = 30_000;
const answerSchema = z.object({
  objectValue: z.object({
    host: z.string(),
    // The engine takes a name of digits for a number.
    username: z.coerce.string(),
    password: z.string().min(1),
  }),
});

/** Whose password it is, and where the stack's configuration had it when that was written down. */
export interface PasswordPlace {
  readonly host: string;
  readonly username: string;
  /** `registries[0].password` */
  readonly at: string;
}

/**
 * A password of the stack's secret configuration, asked of the engine's command: for a refresh, which runs no program
 * that could hand it over. Undefined where it cannot be had (another file of configuration, a passphrase that a person
 * types) and where another registry stands at that place by now: the registry then says that it wants one.
 */
export async function stackPassword(
  stack: string,
  place: PasswordPlace,
  environment: NodeJS.ProcessEnv,
): Promise<Secret | undefined> {
  const entry = `slipway:${place.at.replace(/\.password$/, "")}`;
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const args = ["config", "get", "--stack", stack, "--path", entry, "--json", "--non-interactive"];
  const result = await execa("pulumi", args, {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: DEADLINE_MS,
  });
  if (result.exitCode !== 0) return undefined;
  try {
    const { objectValue: found } = answerSchema.parse(JSON.parse(result.stdout));
    const isSame =
      normalizeHost(found.host) === normalizeHost(place.host) && found.username === place.username;
    return isSame ? new Secret(found.password) : undefined;
  } catch {
    return undefined;
  }
}
