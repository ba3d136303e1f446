import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { type Misspelling, misspeltInFlavor, misspeltInRule } from "../plan/tag-rules";
import { formatPath, type Path } from "./paths";
import { entriesOf, textsOf } from "./rule-entries";

type Written = Readonly<Record<string, unknown>>;

/**
 * Names in tag rules and flavors that mean nothing. docker/metadata-action passes them over, and so does evaluating
 * them; in a configuration a release without its tags would come of it.
 */
export function tagRuleProblems(written: Written): Problem[] {
  const services = isRecord(written.services) ? misspeltIn(written.services, ["services"]) : [];
  const told = new Set(services.map(({ message }) => message));
  return [
    ...services,
    // Images of services have the services' rules.
    ...entriesOf(written, "images")
      .flatMap(({ path, value }) => misspeltIn(value, path))
      .filter(({ message }) => !told.has(message)),
    ...entriesOf(written, "lanes").flatMap(({ path, value }) => misspeltIn(value, path)),
  ];
}

function misspeltIn({ tags, flavor }: Written, path: Path): Problem[] {
  const problems = (key: string, texts: unknown, find: (text: string) => Misspelling[]) =>
    textsOf(texts).flatMap(([index, text]) =>
      find(text).map((found) => ({
        code: "config-tag-rule",
        path: formatPath([...path, key, index]),
        ...found,
      })),
    );
  return [...problems("tags", tags, misspeltInRule), ...problems("flavor", flavor, misspeltInFlavor)];
}
