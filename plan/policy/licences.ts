import parse from "spdx-expression-parse";
import { matches } from "../pattern";
import type { LicenceRules } from "./policy-config";

/** A package of an SBOM. */
export interface SbomPackage {
  readonly name: string;
  readonly version?: string;
  /** SPDX expression; absent where the SBOM does not say it. */
  readonly licence?: string;
}

export type LicenceVerdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "denied"; readonly by: string }
  | { readonly kind: "unknown" };

const ALLOWED: LicenceVerdict = { kind: "allowed" };

/**
 * Whether a package with this licence may be shipped. Of alternatives (`OR`) the allowed one is taken; of what holds
 * together (`AND`) nothing may be denied; an exception (`WITH`) does not help a licence that is denied. What is no SPDX
 * expression is denied where a word of it is a denied licence, and unknown otherwise.
 */
export function judgeLicence(licence: string | undefined, { licences }: LicenceRules): LicenceVerdict {
  if (licence === undefined || /^(?:NOASSERTION|NONE|)$/.test(licence.trim())) return { kind: "unknown" };
  const denies = (id: string) => spellings(id).find((text) => licences.some((rule) => matches(rule, text)));
  let expression: parse.Expression;
  try {
    expression = parse(licence);
  } catch {
    const by = licence.split(/[^A-Za-z0-9.+-]+/).find((word) => word !== "" && denies(word) !== undefined);
    return by === undefined ? { kind: "unknown" } : { kind: "denied", by };
  }
  return judgeExpression(expression, denies);
}

function judgeExpression(
  expression: parse.Expression,
  denies: (id: string) => string | undefined,
): LicenceVerdict {
  if ("conjunction" in expression) {
    const left = judgeExpression(expression.left, denies);
    const right = judgeExpression(expression.right, denies);
    if (expression.conjunction === "and") return left.kind === "denied" ? left : right;
    return left.kind === "denied" ? right : ALLOWED;
  }
  const { license, plus, exception } = expression;
  const id = plus === true ? `${license}+` : license;
  const by = denies(id) ?? (exception === undefined ? undefined : denies(`${id} WITH ${exception}`));
  return by === undefined ? ALLOWED : { kind: "denied", by: id };
}

/** As it is written, and as SPDX writes it today: `GPL-2.0` is `GPL-2.0-only`, `GPL-2.0+` is `GPL-2.0-or-later`. */
function spellings(id: string): string[] {
  const old = /^((?:A|L)?GPL-\d\.\d)(\+?)$/.exec(id);
  if (old?.[1] === undefined) return [id];
  return [id, `${old[1]}-${old[2] === "+" ? "or-later" : "only"}`];
}

export interface LicenceBreaches {
  /** `openssl 3.0.1: GPL-3.0-only`, sorted, each once. */
  readonly denied: readonly string[];
  /** Packages whose licence nobody says, where that is refused. */
  readonly unknown: readonly string[];
}

/** The packages that break the rules. */
export function licenceBreaches(packages: readonly SbomPackage[], rules: LicenceRules): LicenceBreaches {
  const denied = new Set<string>();
  const unknown = new Set<string>();
  for (const { name, version, licence } of packages) {
    const title = version === undefined ? name : `${name} ${version}`;
    const verdict = judgeLicence(licence, rules);
    if (verdict.kind === "denied") denied.add(`${title}: ${licence}`);
    if (verdict.kind === "unknown" && rules.unknown === "refuse") unknown.add(title);
  }
  return { denied: [...denied].sort(), unknown: [...unknown].sort() };
}
