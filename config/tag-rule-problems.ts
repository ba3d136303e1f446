import type { Problem } from "../plan/problem";
import { type Misspelling, misspeltInFlavor, misspeltInRule, parseTagRule } from "../plan/tag-rules";
import { formatPath, type Path } from "./paths";
import { entriesOf, textsOf } from "./rule-entries";

type Written = Readonly<Record<string, unknown>>;

/**
 * Tag rules that cannot be read, and unknown names in rules and flavors. docker/metadata-action ignores those; here the
 * release would silently lack the tags.
 */
export function tagRuleProblems(written: Written): Problem[] {
  return [...entriesOf(written, "images"), ...entriesOf(written, "lanes")].flatMap(({ path, value }) =>
    misspeltIn(value, path),
  );
}

function misspeltIn({ tags, flavor }: Written, path: Path): Problem[] {
  const problems = (key: string, texts: unknown, find: (text: string) => ReturnType<typeof rule>) =>
    textsOf(texts).flatMap(([index, text]) =>
      find(text).map((found) => ({
        code: "config-tag-rule",
        path: formatPath([...path, key, index]),
        ...found,
      })),
    );
  return [...problems("tags", tags, rule), ...problems("flavor", flavor, misspeltInFlavor)];
}

function rule(text: string): (Partial<Misspelling> & { readonly message: string; readonly code?: string })[] {
  const misspelt = misspeltInRule(text);
  if (misspelt.length > 0) return misspelt;
  try {
    parseTagRule(text);
    return [];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return [{ code: "tag-rule", message: error.message }];
  }
}
