/** Tag rules with docker/metadata-action's meaning: text -> rules, an event -> tags and labels. */
export { evaluateTagRules, type TagEntry, type TagRulesInput, type TagRulesResult } from "./evaluate";
export type { ReleaseEvent, RepositoryFacts } from "./event";
export { type Flavor, parseFlavor } from "./flavor";
export { commitDateInPayload, correctedSha, type GitHubEvent, releaseEventFromGitHub } from "./github-event";
export { parseImages } from "./images";
export { listEntries } from "./input-list";
export { parseTagRule, parseTagRules } from "./parse-rule";
export { type Misspelling, misspeltInFlavor, misspeltInRule } from "./spelling";
export type { TagRule } from "./tag-rule";
