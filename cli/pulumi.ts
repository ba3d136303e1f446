import { z } from "zod";
import { runCommand } from "../source/commands";
import { shellWord } from "../workflows/model";

/** What pulumi prints. */
export async function askPulumi(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  why: string,
): Promise<string> {
  const { code, stdout, stderr, message = "pulumi failed" } = await runCommand("pulumi", args, { cwd, env });
  if (code !== 0) throw new Error(`${why}: ${stderr.trim() || message}`);
  return stdout;
}

const exported = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          parent: z.string().optional(),
          outputs: z.record(z.string(), z.unknown()).default({}),
        }),
      )
      .default([]),
  }),
});

/** The resources in a stack's state. */
export async function stateResources(engine: {
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}) {
  const args = ["stack", "export", "--stack", engine.stack];
  const text = await askPulumi(args, engine, "the stack's state cannot be read");
  return exported.parse(JSON.parse(text)).deployment.resources;
}

/** What `pulumi` ends with where its backend has no such stack. */
const NO_SUCH_STACK = 6;

/**
 * What to run next, where the engine's exit code says it; undefined where its own words have to do.
 *
 * @param cwd as it was given, relative to where the command was typed
 */
export function engineHint(code: number, { stack, cwd }: { stack: string; cwd: string }): string | undefined {
  if (code !== NO_SUCH_STACK) return undefined;
  const place = cwd === "." ? "" : ` -C ${shellWord(cwd)}`;
  return (
    `The stack ${stack} has a file, and the backend does not have it yet.\n` +
    "Make it there, then run this again:\n" +
    `  npx --no slipway env --stack ${stack}${place} -- pulumi stack init ${stack}\n`
  );
}
