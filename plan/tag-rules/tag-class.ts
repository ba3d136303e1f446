import type { TagClass } from "../tag-policy";
import { type ReleaseEvent, tagOf } from "./event";
import type { Trace } from "./expressions";
import type { TagRule } from "./tag-rule";

/**
 * The class of a rule's tag: what the tag promises. It follows from the rule and from where its text came from, never
 * from what the tag looks like.
 *
 * | rule                                                              | class      |
 * | ----------------------------------------------------------------- | ---------- |
 * | any, with `slipway-class=…`                                       | as it says |
 * | semver, pep440: the pattern tells the whole version               | version    |
 * | semver, pep440: any pattern, for a pre-release (pep440: also post and dev) | version |
 * | semver, pep440: the pattern leaves a part out (`{{major}}.{{minor}}`) | floating |
 * | match                                                             | version    |
 * | ref, event=tag                                                    | version    |
 * | raw, with `{{tag}}` on a git tag, or `{{input '…'}}`              | version    |
 * | raw, literally the git tag (or it without its `v`)                | version    |
 * | raw, literally a dispatched input whose name ends in tag, version | version    |
 * | sha                                                               | revision   |
 * | anything else that has `{{sha}}` in its name                      | revision   |
 * | ref, event=branch; ref, event=pr; edge; schedule; other raw       | floating   |
 * | the `latest` that the flavor adds                                 | floating   |
 *
 * `match` is write-once even where its pattern cuts a version short, since nothing tells that from a whole one:
 * `slipway-class=floating` says so.
 *
 * @param value the tag without prefix and suffix, not yet cleaned
 * @param wholeVersion for semver and pep440: whether the tag tells the whole version
 * @param uses the expressions that gave the tag its text, prefix and suffix included
 */
export function tagClass(
  rule: TagRule,
  value: string,
  wholeVersion: boolean,
  uses: Trace["uses"],
  event: ReleaseEvent,
): TagClass {
  return (
    rule.class ?? (isVersion(rule, value, wholeVersion, uses, event) ? "version" : movingClass(rule, uses))
  );
}

function isVersion(
  rule: TagRule,
  value: string,
  wholeVersion: boolean,
  uses: Trace["uses"],
  event: ReleaseEvent,
): boolean {
  switch (rule.type) {
    case "semver":
    case "pep440":
      return wholeVersion;
    case "match":
      return true;
    case "ref":
      return rule.event === "tag";
    case "raw":
      return uses.has("tag") || uses.has("input") || isReleaseName(value, event);
    case "edge":
    case "schedule":
    case "sha":
      return false;
  }
}

function movingClass(rule: TagRule, uses: Trace["uses"]): TagClass {
  return rule.type === "sha" || uses.has("sha") ? "revision" : "floating";
}

/**
 * Whether a literal is the name of what is being released. A workflow that writes `value=${{ inputs.tag }}` or
 * `value=${{ github.ref_name }}` has put the text in before we see the rule.
 */
function isReleaseName(value: string, event: ReleaseEvent): boolean {
  if (value === "") return false;
  const tag = tagOf(event.ref);
  if (tag !== undefined && (value === tag || value === tag.replace(/^v/, ""))) return true;
  return Object.entries(event.inputs).some(
    ([name, input]) => /(?:tag|version)$/i.test(name) && input === value,
  );
}
