import { SIGNATURE_PREDICATE_TYPE, STATEMENT_PREDICATE_TYPE } from "../plan/annotations";

/** Short names of predicate types. */
const NAMES: Readonly<Record<string, (type: string) => boolean>> = {
  signature: (type) => type === SIGNATURE_PREDICATE_TYPE,
  statement: (type) => type === STATEMENT_PREDICATE_TYPE,
  provenance: (type) => type.startsWith("https://slsa.dev/provenance/"),
  sbom: (type) =>
    type.startsWith("https://spdx.dev/Document") || type.startsWith("https://cyclonedx.org/bom"),
};

/** Whether a statement's type is what a rule asks for: a name or the type itself. */
export function isPredicate(rule: string, type: string): boolean {
  return Object.hasOwn(NAMES, rule) ? NAMES[rule]?.(type) === true : rule === type;
}
