import Handlebars from "handlebars";
import moment from "moment-timezone";
import { branchOf, type ReleaseEvent, tagOf } from "./event";

export interface ExpressionScope {
  readonly event: ReleaseEvent;
  readonly now: Date;
  /** How much of the commit `{{sha}}` and `type=sha` show. */
  readonly shortShaLength: number;
}

/** A scope, and what rendering leaves behind besides its text. */
export interface Rendering extends ExpressionScope {
  /** The expressions that gave some text. */
  readonly uses: Set<"tag" | "sha" | "input">;
  readonly warnings: string[];
}

export function newRendering(scope: ExpressionScope): Rendering {
  return { ...scope, uses: new Set(), warnings: [] };
}

/**
 * Renders the expressions that hold everywhere: `branch`, `tag`, `sha`, `base_ref`, `is_default_branch`,
 * `is_not_default_branch`, `date`, `commit_date`. They are Handlebars templates and escape HTML, as metadata-action's
 * do. Of our own is `{{input 'tag'}}`, a dispatched workflow's input.
 *
 * @throws Error when the template is wrong.
 */
export function renderExpression(template: string, scope: Rendering): string {
  if (!template.includes("{{")) return template;
  const { event } = scope;
  const used = (name: "tag" | "sha" | "input", text: string): string => {
    if (text !== "") scope.uses.add(name);
    return text;
  };
  const context = {
    ...dateExpressions(scope),
    branch: () => branchOf(event.ref) ?? "",
    tag: () => used("tag", tagOf(event.ref) ?? ""),
    sha: () => used("sha", shortSha(event.sha, scope.shortShaLength)),
    base_ref: () => event.baseRef,
    is_default_branch: () => String(isDefaultBranch(scope)),
    is_not_default_branch: () => String(!isDefaultBranch(scope)),
  };
  // A helper, and no part of the context: whatever a template makes of its context stays as in metadata-action.
  const input = (name: unknown) => used("input", (typeof name === "string" && inputOf(event, name)) || "");
  return renderTemplate(template, context, { input });
}

export function renderSchedule(pattern: string, scope: Rendering): string {
  return renderTemplate(pattern, dateExpressions(scope));
}

export function renderTemplate(
  template: string,
  context: object,
  helpers: Readonly<Record<string, (name: unknown) => string>> = {},
): string {
  const compiled = templates.get(template) ?? Handlebars.compile(template);
  templates.set(template, compiled);
  return compiled(context, { helpers });
}

/** Each is compiled once: many images have the same rules, and compiling takes a millisecond. */
const templates = new Map<string, Handlebars.TemplateDelegate>();

/** Whether a pattern is `{{raw}}` and nothing else, which keeps a pre-release as it was written. */
export function isRawPattern(pattern: string): boolean {
  try {
    const { body } = Handlebars.parseWithoutProcessing(pattern);
    const [only] = body;
    if (only === undefined || body.length > 1 || only.type !== "MustacheStatement") return false;
    const path: unknown = "path" in only ? only.path : undefined;
    if (typeof path !== "object" || path === null || !("parts" in path) || !Array.isArray(path.parts))
      return false;
    return path.parts.length === 1 && path.parts[0] === "raw";
  } catch {
    return false;
  }
}

export function shortSha(sha: string, length: number): string {
  return length >= sha.length ? sha : sha.substring(0, length);
}

/** Events that always run for the default branch's last commit, by a part of their names. */
const DEFAULT_BRANCH_EVENTS = ["create", "discussion", "issues", "schedule"] as const;

export const DEFAULT_BRANCH_UNKNOWN =
  "neither the event nor the clone says which branch is the default one (git remote set-head origin --auto)";

function isDefaultBranch({ event, warnings }: Rendering): boolean {
  if (event.ref.replace(/^refs\/heads\//, "") === "") return false;
  if (event.defaultBranch === (branchOf(event.ref) ?? event.ref)) return true;
  const isKnown = DEFAULT_BRANCH_EVENTS.some((name) => event.eventName.includes(name));
  if (!isKnown && event.defaultBranch === undefined && branchOf(event.ref) !== undefined)
    warnings.push(`${DEFAULT_BRANCH_UNKNOWN}, so {{is_default_branch}} is false`);
  return isKnown;
}

function inputOf(event: ReleaseEvent, name: string): string | undefined {
  return Object.hasOwn(event.inputs, name) ? event.inputs[name] : undefined;
}

function dateExpressions({ event, now, warnings }: Rendering) {
  const warn = (text: string) => warnings.push(text);
  return {
    date: (format: unknown, options: unknown) => formatDate(now, format, options, warn),
    commit_date: (format: unknown, options: unknown) => formatDate(event.commitDate, format, options, warn),
  };
}

/**
 * `{{date 'YYYYMMDD' tz='Asia/Tokyo'}}`: a date in moment's format, in UTC unless `tz` names another zone.
 *
 * @param format what the template passed first; empty or missing: ISO 8601
 * @param options what Handlebars passes last
 * @param warn called with an unknown zone, which counts as UTC
 * @throws TypeError when the template calls it wrongly.
 */
function formatDate(date: Date, format: unknown, options: unknown, warn: (text: string) => void): string {
  const attributes = hashOf(options);
  if (attributes === undefined) {
    throw new TypeError("a date needs a format, and nothing else but tz=: {{date 'YYYYMMDD' tz='UTC'}}");
  }
  const unknown = Object.keys(attributes).find((name) => name !== "tz");
  if (unknown !== undefined) throw new TypeError(`${unknown}= is not one of the attributes of a date: tz=`);
  const zone = "tz" in attributes ? attributes.tz : "UTC";
  if (typeof zone !== "string" || zone === "") {
    throw new TypeError("tz= needs the name of a time zone in quotes: tz='Europe/Berlin'");
  }
  if (format && typeof format !== "string") {
    throw new TypeError("a date's format needs quotes: {{date 'YYYYMMDD'}}");
  }
  const known = moment.tz.zone(zone) !== null;
  if (!known) warn(`${JSON.stringify(zone)} is no time zone; UTC is used`);
  const local = known ? moment(date).tz(zone) : moment.utc(date);
  return typeof format === "string" && format !== "" ? local.locale("en").format(format) : local.format();
}

function hashOf(options: unknown): object | undefined {
  if (typeof options !== "object" || options === null || !("hash" in options)) return undefined;
  return typeof options.hash === "object" && options.hash !== null ? options.hash : undefined;
}
