import Handlebars from "handlebars";
import moment from "moment-timezone";
import { isRecord } from "../record";
import { branchOf, type ReleaseEvent, tagOf } from "./event";

export interface ExpressionScope {
  readonly event: ReleaseEvent;
  readonly now: Date;
  /** The number of hex digits that `{{sha}}` and `type=sha` show. */
  readonly shortShaLength: number;
}

/** A scope that also collects what rendering finds out. */
export interface Rendering extends ExpressionScope {
  /** The expressions that gave a non-empty text. */
  readonly uses: Set<"tag" | "sha" | "input">;
  readonly warnings: string[];
}

export function newRendering(scope: ExpressionScope): Rendering {
  return { ...scope, uses: new Set(), warnings: [] };
}

/**
 * Renders docker/metadata-action's global expressions, which are Handlebars templates and escape HTML, and our own
 * `{{input 'tag'}}`, an input of a dispatched workflow. `EXPRESSIONS` in spelling.ts lists their names.
 *
 * @throws Error for an invalid template.
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
  // A helper, not part of the context: a template that lists its context renders as in docker/metadata-action.
  const input = (name: unknown) => {
    const isInput = typeof name === "string" && Object.hasOwn(event.inputs, name);
    return used("input", isInput ? (event.inputs[name] ?? "") : "");
  };
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

/** Many images have the same rules, and compiling a template takes a millisecond. */
const templates = new Map<string, Handlebars.TemplateDelegate>();

/** Whether a pattern is exactly `{{raw}}`, which keeps a pre-release as it is written. */
export function isRawPattern(pattern: string): boolean {
  try {
    const { body } = Handlebars.parseWithoutProcessing(pattern);
    const [only] = body;
    if (only === undefined || body.length > 1 || only.type !== "MustacheStatement") return false;
    const path: unknown = "path" in only ? only.path : undefined;
    const parts = isRecord(path) && Array.isArray(path.parts) ? path.parts : [];
    return parts.length === 1 && parts[0] === "raw";
  } catch {
    return false;
  }
}

export function shortSha(sha: string, length: number): string {
  return length >= sha.length ? sha : sha.substring(0, length);
}

/** Parts of the names of events that always run for the last commit of the default branch. */
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
 * @param format the template's first argument; ISO 8601 if it is empty or missing
 * @param options Handlebars' own last argument
 * @param warn called for an unknown zone, which is taken as UTC
 * @throws TypeError for wrong arguments.
 */
function formatDate(date: Date, format: unknown, options: unknown, warn: (text: string) => void): string {
  const attributes = isRecord(options) && isRecord(options.hash) ? options.hash : undefined;
  if (attributes === undefined) {
    throw new TypeError(
      "a date needs a format, and takes nothing else but tz=: {{date 'YYYYMMDD' tz='UTC'}}",
    );
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
  if (!known) warn(`${JSON.stringify(zone)} is not a time zone; UTC is used`);
  const local = known ? moment(date).tz(zone) : moment.utc(date);
  return typeof format === "string" && format !== "" ? local.locale("en").format(format) : local.format();
}
