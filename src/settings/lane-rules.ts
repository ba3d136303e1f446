import type { Problem } from "../plan/problem";
import { type Misspelling, misspeltInFlavor, misspeltInRule } from "../plan/tag-rules/spelling";
import { parseTagRule } from "../plan/tag-rules/tag-rule";
import {
  conflict,
  duplicates,
  type Entry,
  entriesOf,
  formatPath,
  type Path,
  problem,
  textOf,
  textsOf,
  type Written,
} from "./paths";

/** What lanes must not share, and the one that the stack names. */
export function laneRuleProblems(written: Written): Problem[] {
  const lanes = entriesOf(written, "lanes");
  const chosen = textOf(written.lane);
  if (!Array.isArray(written.lanes) || written.lanes.length === 0) {
    if (chosen === undefined) return [];
    const message = `${JSON.stringify(chosen)} names a lane, but there are none`;
    return [problem("config-value", "lane", message, "Describe the lanes: slipway:lanes")];
  }
  return [
    ...chosenProblems(lanes, chosen),
    ...distinct(lanes, "name", (text) => text),
    // `vX.Y.Z` and `X.Y.Z` are the same versions: each would hold the other's floating tag back.
    ...distinct(lanes, "format", (text) => text.replace(/v?X\.Y\.Z$/, "")),
    ...distinct(lanes, "trigger", (text) => text.replace(/v?\*$/, "")),
    ...distinct(lanes, "floating", (text) => text),
    ...entriesOf(written, "images").flatMap(imageProblems),
  ];
}

function chosenProblems(lanes: readonly Entry[], chosen: string | undefined): Problem[] {
  const names = lanes.flatMap(({ value }) => textOf(value.name) ?? []);
  const known = names.join(", ");
  if (chosen === undefined) {
    const message = `is required where there are lanes; expected one of ${known}`;
    return [problem("config-required", "lane", message, "Each lane is a stack of its own")];
  }
  if (names.includes(chosen)) return [];
  return [problem("config-value", "lane", `${JSON.stringify(chosen)} is not one of ${known}`)];
}

function distinct(lanes: readonly Entry[], key: string, family: (text: string) => string): Problem[] {
  const texts = lanes.map(({ path, value }) => ({ path: [...path, key], text: textOf(value[key]) }));
  return duplicates(
    texts.map(({ path, text }) => ({ path, key: text === undefined ? undefined : family(text) })),
    (_, first, at) => {
      const mine = JSON.stringify(texts.find(({ path }) => formatPath(path) === formatPath(at))?.text);
      return `${mine} would own the same tags as the lane at ${formatPath(first.slice(0, 2))}`;
    },
  );
}

function imageProblems({ path, value }: Entry): Problem[] {
  if (value.tags === undefined) return [];
  const message = "has no meaning where there are lanes: a lane's format and floating tag are the rules";
  return [conflict([...path, "tags"], message, "Put further rules into the lane's own `tags`")];
}

/**
 * Tag rules that cannot be read, and unknown names in rules and flavors. docker/metadata-action ignores those; here the
 * release would silently lack the tags.
 */
export function tagRuleProblems(written: Written): Problem[] {
  return [...entriesOf(written, "images"), ...entriesOf(written, "lanes")].flatMap(({ path, value }) => [
    ...textsOf(value.tags).flatMap(([index, text]) => wrongRule([...path, "tags", index], text)),
    ...textsOf(value.flavor).flatMap(([index, text]) =>
      misspelt([...path, "flavor", index], misspeltInFlavor(text)),
    ),
  ]);
}

function wrongRule(path: Path, text: string): Problem[] {
  const names = misspeltInRule(text);
  if (names.length > 0) return misspelt(path, names);
  try {
    parseTagRule(text);
    return [];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return [problem("tag-rule", path, error.message)];
  }
}

function misspelt(path: Path, names: readonly Misspelling[]): Problem[] {
  return names.map(({ message, hint }) => problem("config-tag-rule", path, message, hint));
}
