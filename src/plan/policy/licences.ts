import parse from "spdx-expression-parse";
import { matches } from "../trust";
import type { LicenceRules } from "./policy-config";

export interface SbomPackage {
  readonly name: string;
  readonly version?: string;
  /** SPDX expression; absent if the SBOM does not contain it. */
  readonly licence?: string;
}

type LicenceVerdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "denied"; readonly by: string }
  | { readonly kind: "unknown" };

/** A licence that the SBOM's author defines: `LicenseRef-own`, `DocumentRef-other:LicenseRef-own`. */
const OWN_LICENCE = /^(?:DocumentRef-[^:]+:)?LicenseRef-(.+)$/i;

const SEVERITY = { allowed: 0, unknown: 1, denied: 2 } as const;

type Denies = (id: string) => boolean;

/**
 * Judges whether a package with this licence may be shipped. `OR` takes the better side and `AND` the worse one, with
 * unknown between allowed and denied; `WITH` an exception does not make a denied licence allowed. `LicenseRef-…` and
 * invalid expressions are denied if they name a denied licence, and unknown otherwise.
 */
export function judgeLicence(licence: string | undefined, { licences }: LicenceRules): LicenceVerdict {
  if (licence === undefined || /^(?:NOASSERTION|NONE|)$/.test(licence.trim())) return { kind: "unknown" };
  const denies: Denies = (id) =>
    spellings(id).some((text) => licences.some((rule) => matches(rule, text, { anyCase: true })));
  let expression: parse.Expression;
  try {
    expression = parse(licence);
  } catch {
    const words = licence.split(/[^A-Za-z0-9.+-]+/).map((word) => word.replace(/\.+$/, ""));
    const by = [licence.trim(), ...words].find((text) => text !== "" && denies(text));
    return by === undefined ? { kind: "unknown" } : { kind: "denied", by };
  }
  return judgeExpression(expression, denies);
}

function judgeExpression(expression: parse.Expression, denies: Denies): LicenceVerdict {
  if ("conjunction" in expression) {
    const left = judgeExpression(expression.left, denies);
    const right = judgeExpression(expression.right, denies);
    const isLeftWorse = SEVERITY[left.kind] >= SEVERITY[right.kind];
    return isLeftWorse === (expression.conjunction === "and") ? left : right;
  }
  const { license, plus, exception } = expression;
  const id = plus === true ? `${license}+` : license;
  const excepted = exception === undefined ? [] : spellings(id).map((text) => `${text} WITH ${exception}`);
  if ([id, ...excepted].some(denies)) return { kind: "denied", by: id };
  return { kind: OWN_LICENCE.test(id) ? "unknown" : "allowed" };
}

/**
 * All spellings of an id. SPDX renamed `GPL-2.0` to `GPL-2.0-only`, `GPL-2.0+` to `GPL-2.0-or-later`, and
 * `GPL-2.0-with-classpath-exception` to the former with an exception; `LicenseRef-GPL-2.0` is matched without its prefix too.
 */
function spellings(id: string): string[] {
  const named = OWN_LICENCE.exec(id)?.[1];
  return named === undefined ? gnuSpellings(id) : [id, `LicenseRef-${named}`, ...gnuSpellings(named)];
}

function gnuSpellings(id: string): string[] {
  const [, gnu, only, plus] =
    /^((?:[AL]?GPL|GFDL)-\d\.\d)(-only|-or-later)?(\+)?(?:-with-.+)?$/i.exec(id) ?? [];
  if (gnu === undefined) return [id];
  const isLater = plus !== undefined || only?.toLowerCase() === "-or-later";
  return isLater ? [id, `${gnu}-or-later`, `${gnu}+`] : [id, `${gnu}-only`, gnu];
}

export function licenceBreaches(
  packages: readonly SbomPackage[],
  rules: LicenceRules,
): {
  /** `openssl 3.0.1: GPL-3.0-only`, sorted, each once. */
  readonly denied: readonly string[];
  /** Packages with no stated licence, or one whose name only its author knows, if that is refused. */
  readonly unknown: readonly string[];
} {
  const denied = new Set<string>();
  const unknown = new Set<string>();
  for (const { name, version, licence } of packages) {
    const title = version === undefined ? name : `${name} ${version}`;
    const verdict = judgeLicence(licence, rules);
    if (verdict.kind === "denied") denied.add(`${title}: ${licence}`);
    if (verdict.kind === "unknown" && rules.unknown === "refuse")
      unknown.add(licence === undefined ? title : `${title}: ${licence}`);
  }
  return { denied: [...denied].sort(), unknown: [...unknown].sort() };
}
