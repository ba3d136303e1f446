import { type Problem, ProblemError, reasonOf } from "../problem";
import { TAG_GRAMMAR, TAG_PATTERN } from "../reference";
import type { ReleaseEvent } from "./event";
import { type ExpressionScope, newRendering, renderExpression } from "./expressions";
import type { Flavor } from "./inputs";
import { applyRule, cleanTag, type TagEntry } from "./rule-tag";
import type { TagRule } from "./tag-rule";

const DEFAULT_SHORT_SHA_LENGTH = 7;

export interface TagRulesInput {
  /** By descending priority, as `parseTagRules` returns them. */
  readonly rules: readonly TagRule[];
  readonly flavor: Flavor;
  readonly event: ReleaseEvent;
  readonly images: readonly string[];
  readonly now: Date;
  /** The user's labels, `key=value`; may contain expressions. @default none */
  readonly labels?: readonly string[];
  readonly annotations?: readonly string[];
  readonly shortShaLength?: number;
}

export interface TagRulesResult {
  /** The first tag's name; empty if no rule makes a tag. */
  readonly version: string;
  /** The names of the other rules' tags, each once. */
  readonly partial: readonly string[];
  /** Whether `latest` is one of the tags; false without a version. */
  readonly latest: boolean;
  /** Full references, image by image: the version, the partial tags and `latest`, in that order. */
  readonly tags: readonly string[];
  readonly labels: readonly string[];
  /** `key=value`, sorted by key. */
  readonly annotations: readonly string[];
  /** Each name in `tags` once, in the same order. */
  readonly entries: readonly TagEntry[];
  /** Tags outside OCI's grammar (code `tag-grammar`); they are in `tags` too, as in docker/metadata-action. */
  readonly problems: readonly Problem[];
  /** For example, why a rule makes no tag although it applies to the event. */
  readonly warnings: readonly string[];
}

/**
 * Evaluates tag rules for an event, exactly as docker/metadata-action does.
 *
 * @throws ProblemError for an invalid expression or regular expression (codes `tag-rule`, `tag-label`).
 */
export function evaluateTagRules(input: TagRulesInput): TagRulesResult {
  const { rules, flavor, event, now, shortShaLength = DEFAULT_SHORT_SHA_LENGTH } = input;
  const scope: ExpressionScope = { event, now, shortShaLength };
  const problems: Problem[] = [];
  const attempt = <T>(code: string, path: string, run: () => T): T[] => {
    try {
      return [run()];
    } catch (error) {
      problems.push({ code, path, message: reasonOf(error) });
      return [];
    }
  };

  const outcomes = rules.flatMap((rule) =>
    attempt("tag-rule", rule.text, () => applyRule(rule, flavor, scope)),
  );
  const rendering = newRendering(scope);
  const render = (texts: readonly string[] = []) =>
    texts.flatMap((text) => attempt("tag-label", text, () => renderExpression(text, rendering)));
  const labels = render(input.labels);
  const annotations = render(input.annotations);
  if (problems.length > 0) throw new ProblemError("These tag rules cannot be evaluated:", problems);

  const made = outcomes.flatMap(({ entry }) => entry ?? []);
  const [first] = made;
  const version = first?.name ?? "";
  const partial = [...new Set(made.map(({ name }) => name))].filter((name) => name !== version);
  const hasLatest = flavor.latest === "auto" ? first?.latest === true : flavor.latest === "true";
  const latest = first !== undefined && hasLatest ? [flavorLatest(flavor, first)] : [];
  const names = first === undefined ? [] : [version, ...partial, ...latest.map(({ name }) => name)];
  const entries = [...made, ...latest].filter(
    ({ name }, index, all) => all.findIndex((other) => other.name === name) === index,
  );
  const images = input.images.map((image) => image.toLowerCase());
  const reference = (image: string, name: string) => (image === "" ? name : `${image}:${name}`);
  return {
    version,
    partial,
    latest: latest.length > 0,
    tags: (images.length === 0 ? [""] : images).flatMap((image) =>
      names.map((name) => reference(image, name)),
    ),
    labels: imageLabels(event, version, now, labels),
    annotations: imageLabels(event, version, now, annotations),
    entries,
    problems: entries.flatMap((entry) => grammarProblem(entry, reference(images[0] ?? "", entry.name))),
    warnings: [
      ...new Set([
        ...outcomes.flatMap((outcome) => outcome.warnings),
        ...rendering.warnings,
        ...(first === undefined ? [`no tag rule makes a tag for ${describe(event)}`] : []),
      ]),
    ],
  };
}

/** As in docker/metadata-action, expressions in the flavor's prefix and suffix are not rendered here. */
function flavorLatest(flavor: Flavor, { rule }: TagEntry): TagEntry {
  const prefix = flavor.prefixLatest ? flavor.prefix : "";
  const suffix = flavor.suffixLatest ? flavor.suffix : "";
  return { name: cleanTag(`${prefix}latest${suffix}`), rule, class: "floating", latest: true, line: {} };
}

function grammarProblem({ name, rule }: TagEntry, path: string): Problem[] {
  if (TAG_PATTERN.test(name)) return [];
  const shown = name.length > 128 ? `${name.length} characters` : JSON.stringify(name);
  const message = `${shown} is not a tag: ${TAG_GRAMMAR}`;
  const shorter = name.length > 128 ? "; give the branch a shorter name, or release it by type=sha" : "";
  return [{ code: "tag-grammar", path, message, hint: `it comes from ${rule.text}${shorter}` }];
}

function describe(event: ReleaseEvent): string {
  const ref = event.ref === "" ? "an event without a reference" : event.ref;
  return event.eventName === "" ? ref : `${event.eventName} of ${ref}`;
}

/** The same order on every machine, whatever its locale. */
const BY_KEY = new Intl.Collator("en");

/**
 * Returns an image's labels (or annotations) as `key=value`, sorted by key: OCI's own, overridden by `extra`. An entry
 * without `=` is left out.
 *
 * @param version the main tag; empty if there is none
 * @param now becomes `org.opencontainers.image.created`; a reproducible image overrides it in `extra`
 */
function imageLabels(event: ReleaseEvent, version: string, now: Date, extra: readonly string[]): string[] {
  const { name = "", description = "", url = "", license = "" } = event.repository;
  const own = {
    title: name,
    description,
    url,
    source: url,
    version,
    created: now.toISOString(),
    revision: event.sha,
    licenses: license,
  };
  const labels = new Map(
    Object.entries(own).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
  );
  for (const label of extra) {
    const equals = label.indexOf("=");
    if (equals !== -1) labels.set(label.slice(0, equals), label.slice(equals + 1));
  }
  return [...labels].sort(([a], [b]) => BY_KEY.compare(a, b)).map(([key, value]) => `${key}=${value}`);
}
