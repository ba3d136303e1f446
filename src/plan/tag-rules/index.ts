/** Tag rules with docker/metadata-action's meaning: text -> rules, an event -> tags and labels. */
export { evaluateTagRules, type TagEntry, type TagRulesInput, type TagRulesResult } from "./evaluate";
export type { ReleaseEvent, RepositoryFacts } from "./event";
export { commitDateInPayload, correctedSha, type GitHubEvent, releaseEventFromGitHub } from "./event";
export { type Flavor, listEntries, parseFlavor, parseImages } from "./inputs";
export { type Misspelling, misspeltInFlavor, misspeltInRule } from "./spelling";
export type { TagRule } from "./tag-rule";
export { parseTagRule, parseTagRules } from "./tag-rule";
