import { formatProblem } from "../plan/problem";
import type { SetupItem, SetupPlan } from "../plan/setup/plan";
import { slotText } from "../plan/setup/slots";

const SIGNS = { make: "+", adopt: "=", managed: " " } as const;

/** The setup as people read it. No value of a secret is in a plan, so none can be in its text. */
export function setupText(plan: SetupPlan): string {
  const items = Object.values(plan.items);
  const width = Math.max(0, ...items.map(({ slot }) => slotText(slot).length));
  const where = plan.branch === undefined ? "" : `, files on ${plan.branch}`;
  return [
    `Setup plan for ${plan.config.repository}${where} (+ made, = adopted: there before, never deleted)`,
    ...(items.length === 0 ? ["  nothing is configured"] : items.map((item) => itemLine(item, width))),
    "",
  ].join("\n");
}

/** Everything that speaks against the setup. */
export function setupRefusalText(plan: SetupPlan): string {
  const count = plan.problems.length;
  return [
    `The setup is refused (${count} ${count === 1 ? "reason" : "reasons"}); nothing was written:`,
    ...plan.problems.map(formatProblem),
  ].join("\n");
}

function itemLine({ slot, action, note }: SetupItem, width: number): string {
  const text = slotText(slot);
  return `  ${SIGNS[action]} ${note === undefined ? text : `${text.padEnd(width)}  ${note}`}`;
}
