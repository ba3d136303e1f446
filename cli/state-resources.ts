import { z } from "zod";
import type { StateResource } from "../plan/engine-excludes";
import { runCommand } from "../source/commands";

const exported = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          parent: z.string().optional(),
          outputs: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .optional(),
  }),
});

/** What the stack's state holds. @throws Error with pulumi's own message */
export async function stateResources(options: {
  readonly stack: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}): Promise<readonly (StateResource & { readonly outputs: Readonly<Record<string, unknown>> })[]> {
  const { stack, cwd, env } = options;
  const answer = await runCommand("pulumi", ["stack", "export", "--stack", stack], { cwd, env });
  if (answer.code !== 0) {
    throw new Error(
      `the stack's state cannot be read: ${answer.stderr.trim() || (answer.message ?? "pulumi failed")}`,
    );
  }
  const value: unknown = JSON.parse(answer.stdout);
  return (exported.parse(value).deployment.resources ?? []).map((resource) => ({
    ...resource,
    outputs: resource.outputs ?? {},
  }));
}
