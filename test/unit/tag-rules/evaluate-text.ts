import { evaluateTagRules, type TagRulesInput } from "../../../src/plan/tag-rules/evaluate";
import type { ReleaseEvent } from "../../../src/plan/tag-rules/event";
import { parseFlavor } from "../../../src/plan/tag-rules/inputs";
import { parseTagRules } from "../../../src/plan/tag-rules/tag-rule";

export const NOW = new Date("2020-01-10T00:30:00Z");
export const SHA = "860c1904a1ce19322e91ac35af1ab07466440c37";

/** A push to the default branch of octocat/Hello-World, or what `parts` says instead. */
function anEvent(parts: Partial<ReleaseEvent> = {}): ReleaseEvent {
  return {
    eventName: "push",
    ref: "refs/heads/master",
    sha: SHA,
    commitDate: new Date("2019-12-31T23:15:00Z"),
    baseRef: "",
    defaultBranch: "master",
    inputs: {},
    repository: {
      name: "Hello-World",
      description: "This your first repo!",
      url: "https://github.com/octocat/Hello-World",
      defaultBranch: "master",
      license: "MIT",
    },
    ...parts,
  };
}

/** Evaluates rules and flavor as they are written. */
export function evaluateText(
  rules: readonly string[],
  event: Partial<ReleaseEvent> = {},
  more: Partial<Omit<TagRulesInput, "rules" | "flavor" | "event">> & {
    readonly flavor?: readonly string[];
  } = {},
) {
  const { flavor = [], ...rest } = more;
  return evaluateTagRules({
    images: [],
    now: NOW,
    ...rest,
    rules: parseTagRules(rules),
    flavor: parseFlavor(flavor),
    event: anEvent(event),
  });
}
