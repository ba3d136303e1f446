import { z } from "zod";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";

/** Texts that end up in workflow files. None can contain an expression, and none needs quotes in a shell. */

const fileName = grammar.text(
  /^[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$/,
  "is not a workflow file's name, such as release-docker.yml",
);

const title = grammar.text(
  /^[A-Za-z0-9][^\p{Cc}$"'#\\]*$/u,
  "is not a title: one line, without $ # \\ and quotes",
);

const environmentName = grammar.text(
  /^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,98}[A-Za-z0-9._-])?$/,
  "is not an environment's name: letters, digits, spaces and . _ -",
);

const runnerLabel = grammar.text(
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  "is not a runner's label, such as ubuntu-24.04",
);

const secretName = grammar.text(
  /^(?!GITHUB_)[A-Z_][A-Z0-9_]*$/,
  "is not a secret's name: capitals, digits and _, not beginning with GITHUB_",
);

/** A branch's or tag's name with the patterns that GitHub's filters and git's globs share, and `+` after a class. */
const REF_PATTERN =
  /^(?![/.+-])(?:[A-Za-z0-9._+@-]|\/(?![./])|\*(?!\*)|\[(?:[A-Za-z0-9](?:-[A-Za-z0-9])?)+\]\+?)+$/;

const refPattern = grammar
  .text(REF_PATTERN, "is not a branch's or tag's name, * for any letters and [0-9]+ for any number")
  .refine((text) => !/[./]$|\.\.|\.lock$/.test(text), { error: "is not a branch's or tag's name" });

const tagPattern = z.string().superRefine((text, context) => {
  for (const issue of refPattern.safeParse(text.replace(/^!/, "")).error?.issues ?? [])
    context.addIssue({ code: "custom", message: issue.message });
});

const word = grammar.text(
  /^[A-Za-z0-9@%_+=:,./-]+$/,
  "is not a word that needs no quotes: letters, digits and @ % _ + = : , . / -",
);

const CRON_RANGES = [
  { name: "hour", from: 0, to: 23 },
  { name: "day", from: 1, to: 31 },
  { name: "month", from: 1, to: 12 },
  { name: "weekday", from: 0, to: 6 },
] as const;

/** A cron schedule that runs once an hour at most. */
function isCron(text: string): boolean {
  const [minute = "", ...rest] = text.split(" ");
  return (
    /^[0-9]{1,2}$/.test(minute) &&
    Number(minute) < 60 &&
    rest.length === CRON_RANGES.length &&
    CRON_RANGES.every(({ from, to }, index) => isCronField(rest[index] ?? "", from, to))
  );
}

function isCronField(text: string, from: number, to: number): boolean {
  if (text === "*") return true;
  return text.split(",").every((part) => {
    const [, first = "", last = first] = /^([0-9]{1,2})(?:-([0-9]{1,2}))?$/.exec(part) ?? [];
    return first !== "" && from <= Number(first) && Number(first) <= Number(last) && Number(last) <= to;
  });
}

const releaseSchema = z
  .strictObject({
    file: fileName.default("release.yml").describe("The file's name. @default release.yml"),
    name: title.optional().describe("The workflow's title. @default Release, with the lane's name"),
    on: z
      .array(z.enum(["release", "tags"]))
      .optional()
      .describe(
        "What starts it, besides a manual dispatch: a published `release`, or pushed git `tags`. @default [tags] for a lane, else [release]",
      ),
    tags: grammar
      .listOf(tagPattern, "leave it out for the default")
      .refine(([first]) => !first?.startsWith("!"), {
        error: "begins with an exclusion; start with a pattern of tags that are versions",
      })
      .optional()
      .describe(
        "Git tags that are versions, as GitHub's filter patterns: * for anything but a slash, [0-9]+ for a number, ! to exclude tags that an earlier pattern matches. @default the lane's trigger, else v* @example [v*, '!v*-rc*']",
      ),
  })
  .meta({ what: "a release workflow: { file: release.yml }" });

const deploySchema = z
  .strictObject({
    file: fileName.optional().describe("The file's name. @default deploy-<stack>.yml"),
    name: title.optional().describe("The workflow's title. @default Deploy <stack>"),
    branches: grammar
      .listOf(refPattern, "name at least one branch")
      .default(["main"])
      .describe("Release each commit that is pushed to these branches. @default [main]"),
  })
  .meta({ what: "a deploy workflow: { branches: [main] }" });

const promoteSchema = z
  .strictObject({
    file: fileName.optional().describe("The file's name. @default promote-<stack>.yml"),
    name: title.optional().describe("The workflow's title. @default Promote to <stack>"),
    follow: grammar.flag(
      true,
      "Also promote at the end of the workflow that deploys the source stack, after the environment's reviewers approve. @default true",
    ),
  })
  .meta({ what: "a promote workflow: { follow: true }" });

const previewSchema = z
  .strictObject({
    file: fileName
      .default("preview.yml")
      .describe("The file's name; stacks that name the same one share it. @default preview.yml"),
  })
  .meta({ what: "a preview workflow: { file: preview.yml }" });

const driftSchema = z
  .strictObject({
    file: fileName
      .default("drift.yml")
      .describe("The file's name; stacks that name the same one share it. @default drift.yml"),
    cron: z
      .string()
      .refine(isCron, {
        error: "is not a schedule, minute hour day month weekday, once an hour at most: 17 5 * * *",
      })
      .default("17 5 * * *")
      .describe("When to check, in UTC. @default 17 5 * * *"),
    environment: environmentName
      .default("drift")
      .describe("The environment whose secrets the check uses; it should have no reviewers. @default drift"),
    currentBases: grammar.flag(
      false,
      "Also fail when a base image has moved since the newest version was built on it. Stacks that share the file share this check; the plan names what to release. @default false",
    ),
  })
  .meta({ what: "a drift workflow: { cron: 17 5 * * * }" });

export const workflowsSchema = z
  .strictObject({
    hosts: grammar
      .listOf(z.enum(["github", "gitea"]), "leave it out for github")
      .default(["github"])
      .describe("Which folders are written: .github/workflows, .gitea/workflows. @default [github]"),
    directory: grammar.projectPath
      .refine((text) => /^(?:\.|[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*)$/.test(text), {
        error: "is not a folder of plain names, such as release",
      })
      .default(".")
      .describe("The folder of the repository that has Pulumi.yaml. @default . @example release"),
    runner: runnerLabel.default("ubuntu-24.04").describe("The runner's label. @default ubuntu-24.04"),
    runners: z
      .union([z.boolean(), z.partialRecord(z.enum(PLATFORMS), runnerLabel)])
      .default(false)
      .meta({ what: "true, or a runner's label by platform: { linux/arm64: ubuntu-24.04-arm }" })
      .describe(
        "Build each platform on its own runner and merge the results by digest: `true` for GitHub's amd64 and arm64 runners, or labels by platform. @default false @example { linux/arm64: ubuntu-24.04-arm }",
      ),
    node: grammar
      .text(/^[0-9]+(?:\.[0-9]+){0,2}$/, "is not a version of Node, such as 24")
      .default("24")
      .describe('The version of Node on the runner. @default "24"'),
    install: grammar
      .listOf(word, "expected a command's words")
      .default(["npm", "ci", "--ignore-scripts"])
      .describe(
        "The command that installs the project's packages, as a list of words. Keep it from running the packages' own scripts. @default [npm, ci, --ignore-scripts]",
      ),
    environment: environmentName
      .optional()
      .describe("The environment with the secrets and reviewers of a release. @default the stack's name"),
    secrets: z
      .array(secretName)
      .default([])
      .describe(
        "Further secrets that a release gets as variables of the same name, such as a backend's credentials. @default none @example [AWS_ACCESS_KEY_ID]",
      ),
    timeout: grammar
      .wholeNumber(1)
      .max(360, { error: "is more than 360, GitHub's limit" })
      .default(60)
      .describe("Minutes after which a job that builds is cancelled. @default 60"),
    queue: z
      .enum(["single", "max"])
      .default("single")
      .describe(
        "How many runs of one version can wait on GitHub: `single` keeps the newest, `max` a hundred. actionlint 1.7.12 does not know `max` yet. @default single",
      ),
    keyless: z
      .boolean()
      .optional()
      .describe(
        "Jobs that release can ask GitHub for an identity (id-token: write). This follows from `sign.mode`, and must not contradict it. @default true if sign.mode is keyless",
      ),
    attest: grammar.flag(
      false,
      "Let GitHub attest the build provenance of each released image. @default false",
    ),
    release: releaseSchema.optional().describe("The workflow that releases a version. @default none"),
    deploy: deploySchema
      .optional()
      .describe("The workflow that releases each commit of a branch. @default none"),
    promote: promoteSchema
      .optional()
      .describe(
        "The workflow that promotes once the environment's reviewers approve; needs `slipway:promote`. @default none",
      ),
    preview: previewSchema
      .optional()
      .describe("The workflow that shows the plan on pull requests. @default none"),
    drift: driftSchema
      .optional()
      .describe("The workflow that fails when released tags are missing or have changed. @default none"),
  })
  .meta({ what: "workflows: { release: { file: … }, preview: {}, … }" });
