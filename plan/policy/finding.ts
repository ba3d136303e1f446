import type { Problem } from "../problem";
import type { PolicyConfig, PolicyRule } from "./policy-config";

/** Something that breaks a rule of the team. */
export interface PolicyFinding extends Problem {
  readonly rule: PolicyRule;
  readonly level: "warn" | "refuse";
  /** Where the rule is turned on and off: `slipway:policy.floatingBase`. */
  readonly setting: string;
}

export interface Breach {
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** What breaks a rule, as strictly as the team holds it; nothing where it is off. */
export function findings(
  policy: PolicyConfig,
  rule: PolicyRule,
  breaches: () => readonly Breach[],
): PolicyFinding[] {
  const { level } = policy[rule];
  if (level === "off") return [];
  const setting = settingOf(rule);
  return breaches().map(({ path, message, hint }) => ({
    rule,
    level,
    setting,
    code: codeOf(rule),
    path,
    message,
    hint: `${hint} The rule is ${setting} (off, warn, refuse).`,
  }));
}

/** The findings that stop a release. */
export function refusing(found: readonly PolicyFinding[]): Problem[] {
  return found
    .filter(({ level }) => level === "refuse")
    .map(({ code, path, message, hint }) => ({
      code,
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
    }));
}

/** `policy-floating-base`. */
function codeOf(rule: PolicyRule): string {
  return `policy-${rule.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function settingOf(rule: PolicyRule): string {
  return `slipway:policy.${rule}`;
}
