import { runCommand } from "../inputs/commands";
import { rootDir } from "../inputs/project-files";
import type { CheckConfig, Config } from "../plan/config";
import { ProblemError } from "../plan/problem";
import type { ReleasePlan } from "../plan/release-plan";

/**
 * Runs a stack's checks, then plans once more and compares.
 *
 * @throws ProblemError `check-failed`, or `check-changed-content` if they changed what was planned
 */
export async function checkPlan({
  plan,
  config,
  projectDir,
  say,
  again,
}: {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly projectDir: string;
  readonly say: (text: string) => Promise<void> | void;
  /** Plans once more. */
  readonly again: () => Promise<ReleasePlan>;
}): Promise<void> {
  if (plan.checks.length === 0) return;
  const secrets = config.registries.flatMap(({ password }) => password?.reveal() ?? []);
  for (const check of plan.checks) {
    await say(`check ${check.name}: ${check.run.join(" ")}`);
    await runCheck(check, rootDir(projectDir, config.root), secrets);
  }
  requireSameContent(plan, await again());
}

const SHOWN_LINES = 20;

/**
 * Runs a check without a shell and without input.
 *
 * @param secrets are never shown, though a command may print them
 * @throws ProblemError `check-failed`
 */
export async function runCheck(
  { name, run }: CheckConfig,
  projectDir: string,
  secrets: readonly string[],
): Promise<void> {
  const [program, ...args] = run;
  const answer = await runCommand(program, args, { cwd: projectDir });
  if (answer.code === 0) return;
  const end = answer.code === undefined ? (answer.message ?? "did not run") : `exit code ${answer.code}`;
  const lines = lastLines(`${answer.stdout}\n${answer.stderr}`, secrets).map((line) => `\n      ${line}`);
  throw new ProblemError("A check failed, so nothing was built and no tag has moved:", [
    {
      code: "check-failed",
      path: `checks.${name}`,
      message: `\`${run.join(" ")}\` ended with ${end}${lines.length === 0 ? "" : "; its last output:"}${lines.join("")}`,
      hint: "Fix what it found, and run the same command again",
    },
  ]);
}

/** A check that writes into a build's context would change what is built, and the plan would not show it. */
function requireSameContent(before: ReleasePlan, after: ReleasePlan): void {
  const keys = new Map(before.images.map(({ name, intent }) => [name, intent.contentKey]));
  const changed = after.images.filter(({ name, intent }) => keys.get(name) !== intent.contentKey);
  if (changed.length === 0) return;
  throw new ProblemError(
    "The checks changed what would be built, so nothing was built:",
    changed.map(({ name }) => ({
      code: "check-changed-content",
      path: name,
      message: "its build context is not what was planned any more",
      hint: "Leave what the checks write out of the context (.dockerignore), or run the same command again to plan with it",
    })),
  );
}

function lastLines(output: string, secrets: readonly string[]): string[] {
  const hidden = secrets
    .filter((secret) => secret !== "")
    .reduce((text, secret) => text.replaceAll(secret, "[secret]"), output);
  return hidden
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-SHOWN_LINES);
}
