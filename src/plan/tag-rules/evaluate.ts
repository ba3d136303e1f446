import { type Problem, ProblemError, reasonOf } from "../problem";
import { TAG_GRAMMAR, TAG_PATTERN } from "../reference";
import type { TagClass } from "../tag-policy";
import type { VersionForm, VersionLine } from "../versions";
import type { ReleaseEvent } from "./event";
import { type ExpressionScope, newRendering, renderExpression } from "./expressions";
import type { Flavor } from "./inputs";
import { applyRule, cleanTag, type RuleTag } from "./rule-tag";
import type { TagRule } from "./tag-rule";

const DEFAULT_SHORT_SHA_LENGTH = 7;

export interface TagRulesInput {
  /** In order of priority, as `parseTagRules` gives them. */
  readonly rules: readonly TagRule[];
  readonly flavor: Flavor;
  readonly event: ReleaseEvent;
  readonly images: readonly string[];
  readonly now: Date;
  /** Labels of one's own, `key=value`; may hold expressions. Default: none. */
  readonly labels?: readonly string[];
  readonly annotations?: readonly string[];
  readonly shortShaLength?: number;
}

export interface TagEntry {
  readonly name: string;
  /** The first rule that made it; for the flavor's `latest` the rule that decided on it. */
  readonly rule: TagRule;
  readonly class: TagClass;
  /**
   * The versions among which a floating tag points to the newest: of semver and pep440 rules that write a part of the
   * version, and of `latest` (all versions: `{}`).
   */
  readonly line?: VersionLine;
  /** What stands around the rule's own text in the name. Absent for the flavor's `latest`. */
  readonly form?: VersionForm;
}

export interface TagRulesResult {
  /** The first tag's name; empty when no rule made one. */
  readonly version: string;
  /** The other rules' tags, without repeats. */
  readonly partial: readonly string[];
  /** Whether `latest` is asked for. Without a version nothing is made of it. */
  readonly latest: boolean;
  /** Full references: image by image, each with the version, the partial tags and `latest`, in that order. */
  readonly tags: readonly string[];
  readonly labels: readonly string[];
  /** `key=value`, sorted by key. */
  readonly annotations: readonly string[];
  /** Every name among `tags` once, in the same order. */
  readonly entries: readonly TagEntry[];
  /** Tags that no registry can take (code `tag-grammar`); they are among `tags` all the same. */
  readonly problems: readonly Problem[];
  /** What made a rule give no tag although its event was there, and the like. */
  readonly warnings: readonly string[];
}

/**
 * Evaluates tag rules for an event, exactly as docker/metadata-action does.
 *
 * @throws ProblemError when an expression or regular expression is wrong (codes `tag-rule`, `tag-label`).
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
    attempt("tag-rule", rule.text, () => ({ rule, ...applyRule(rule, flavor, scope) })),
  );
  const rendering = newRendering(scope);
  const render = (texts: readonly string[] = []) =>
    texts.flatMap((text) => attempt("tag-label", text, () => renderExpression(text, rendering)));
  const labels = render(input.labels);
  const annotations = render(input.annotations);
  if (problems.length > 0) throw new ProblemError("These tag rules cannot be evaluated:", problems);

  const made = outcomes.flatMap(({ rule, tag }) => (tag === undefined ? [] : [{ rule, tag }]));
  const [first] = made;
  const version = first?.tag.name ?? "";
  const partial = [...new Set(made.map(({ tag }) => tag.name))].filter((name) => name !== version);
  const latest =
    first !== undefined && (flavor.latest === "auto" ? first.tag.latest : flavor.latest === "true");
  const names = first === undefined ? [] : [version, ...partial, ...(latest ? [latestName(flavor)] : [])];
  const entries = tagEntries(made, latest ? latestName(flavor) : undefined);
  const images = input.images.map((image) => image.toLowerCase());
  const reference = (image: string, name: string) => (image === "" ? name : `${image}:${name}`);
  return {
    version,
    partial,
    latest,
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

/** `latest`, with the flavor's prefix and suffix where they ask for it; their expressions stay as they are written. */
function latestName(flavor: Flavor): string {
  return cleanTag(
    `${flavor.prefixLatest ? flavor.prefix : ""}latest${flavor.suffixLatest ? flavor.suffix : ""}`,
  );
}

function tagEntries(
  made: readonly { rule: TagRule; tag: RuleTag }[],
  latest: string | undefined,
): TagEntry[] {
  const entries = new Map<string, TagEntry>();
  for (const { rule, tag } of made) {
    if (entries.has(tag.name)) continue;
    const line = tag.class === "floating" ? tag.line : undefined;
    entries.set(tag.name, { name: tag.name, rule, class: tag.class, line, form: tag.form });
  }
  const [first] = made;
  if (first !== undefined && latest !== undefined && !entries.has(latest)) {
    entries.set(latest, { name: latest, rule: first.rule, class: "floating", line: {} });
  }
  return [...entries.values()];
}

function grammarProblem({ name, rule }: TagEntry, path: string): Problem[] {
  if (TAG_PATTERN.test(name)) return [];
  const shown = name.length > 128 ? `${name.length} characters` : JSON.stringify(name);
  const message = `${shown} is no tag: ${TAG_GRAMMAR}`;
  const shorter = name.length > 128 ? "; give the branch a shorter name, or release it by type=sha" : "";
  return [{ code: "tag-grammar", path, message, hint: `it comes from ${rule.text}${shorter}` }];
}

function describe(event: ReleaseEvent): string {
  const ref = event.ref === "" ? "an event without a reference" : event.ref;
  return event.eventName === "" ? ref : `${event.eventName} of ${ref}`;
}

/** Sorts keys the same on every machine, whatever its language. */
const BY_KEY = new Intl.Collator("en");

/**
 * The labels (and annotations) of an image, as `key=value`, sorted by key: OCI's own, then what `extra` says, which
 * wins. An entry without `=` is left out.
 *
 * @param version the main tag; empty for none
 * @param now becomes `org.opencontainers.image.created`; reproducible images say something else in `extra`
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
