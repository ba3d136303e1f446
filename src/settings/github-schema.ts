import { z } from "zod";
import * as grammar from "./grammar";
import { workflowsSchema } from "./workflows-schema";

/** What GitHub allows as the name of a secret or variable. */
const NAME = /^(?!GITHUB_)[A-Z_][A-Z0-9_]*$/;
/** A pattern of refs: GitHub's fnmatch, where `*` does not match `/`. */
const PATTERN = /^[A-Za-z0-9_*?.+/@[\]-]+$/;
const REVIEWER = /^[A-Za-z0-9](?:-?[A-Za-z0-9])*(?:\/[a-z0-9][a-z0-9_-]*)?$/;
const BRANCH = /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{))[A-Za-z0-9._/@+-]+(?<![./])$/;

const name = grammar.text(
  NAME,
  "is not a secret's or variable's name: capitals, digits and _, and not GITHUB_… at the start",
);

const secrets = z
  .record(name, grammar.secret)
  .default({})
  .meta({ what: "secrets by name: { DOCKERHUB_TOKEN: … }" });

const variables = z
  .record(name, z.string().max(48_000, { error: "is longer than GitHub's 48 KB" }))
  .default({})
  .meta({ what: "variables by name: { DOCKERHUB_USERNAME: octo }" });

const patterns = z.array(grammar.text(PATTERN, "is not a pattern of refs, such as v*"));

const environmentSchema = z
  .strictObject({
    reviewers: z
      .array(grammar.text(REVIEWER, "is neither a login nor a team, organization/team"))
      .max(6, { error: "has more than six entries, which GitHub does not allow" })
      .default([])
      .describe("Who must approve a job: logins and organization/team, at most six. @default none"),
    waitTimer: grammar
      .wholeNumber(0)
      .max(43_200, { error: "is more than 43200 minutes, 30 days" })
      .default(0)
      .describe("Minutes that a job has to wait. @default 0"),
    preventSelfReview: grammar.flag(false, "The user who starts a job cannot approve it. @default false"),
    adminsBypass: grammar.flag(true, "Administrators can skip these rules. @default true"),
    tags: patterns
      .optional()
      .describe(
        "Git tags that may deploy. Any ref may deploy if this and `branches` are empty lists. @default what starts the workflows that name the environment, else v* and each lane's; none if `branches` is set @example [v*]",
      ),
    branches: patterns
      .optional()
      .describe(
        "Branches that may deploy. @default what starts the workflows that name the environment; none if `tags` is set @example [main]",
      ),
    secrets: secrets.describe("Secrets of this environment only. @default none"),
    variables: variables.describe("Variables of this environment only. @default none"),
  })
  .meta({ what: "an environment: { reviewers: [octocat], tags: [v*], secrets: … }" });

const labelSchema = z
  .strictObject({
    name: grammar.line.describe("The label's name. @example release"),
    color: grammar
      .text(/^[0-9a-fA-F]{6}$/, "is not six hex digits")
      .default("ededed")
      .describe("The color, as six hex digits. @default ededed"),
    description: grammar.line.optional().describe("The label's description. @default none"),
  })
  .meta({ what: "a label: { name: release, color: 0e8a16 }" });

const fileSchema = z
  .strictObject({
    path: grammar.projectPath.describe(
      "The file's path in the repository. @example .github/workflows/release-docker.yml",
    ),
    from: grammar.projectPath.optional().describe("The file's path in the project. @default the same path"),
    content: z
      .string()
      .optional()
      .describe("The file's text, instead of a file of the project. @default the text of `from`"),
  })
  .meta({ what: "a file: { path: .github/workflows/release-docker.yml }" });

/** A release stack's workflows, and a setup stack's settings of the repository. Parts that are left out stay as they are. */
export const githubSchema = z
  .strictObject({
    workflows: workflowsSchema
      .optional()
      .describe("The workflow files that `slipway workflows` writes for this stack. @default none"),
    setup: grammar.flag(
      false,
      "This stack sets up the GitHub repository, and releases nothing. @default false",
    ),
    repository: grammar.githubRepository
      .optional()
      .describe("The GitHub repository. @default slipway:repository @example octo/app"),
    baseUrl: z
      .url({ protocol: /^https?$/, error: "is not an http(s) address" })
      .optional()
      .describe("The URL of an Enterprise server. @default GITHUB_BASE_URL, GITHUB_API_URL or github.com"),
    token: grammar.secret
      .optional()
      .describe("A token for this stack, as secret configuration. @default GH_TOKEN or GITHUB_TOKEN"),
    writeDelayMs: grammar
      .wholeNumber(1)
      .default(1000)
      .describe("Milliseconds between two writes, as GitHub asks of clients. @default 1000"),
    secrets: secrets.describe(
      "Actions secrets of the whole repository. Every workflow of every branch can read them, so put secrets of a release into `environments`. @default none",
    ),
    variables: variables.describe("Actions variables of the whole repository. @default none"),
    environments: z
      .record(
        grammar.text(
          /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
          "is not an environment's name: letters, digits and . _ -",
        ),
        environmentSchema,
      )
      .default({})
      .meta({ what: "environments by name: { prod: { reviewers: [octocat] } }" })
      .describe("Environments with their rules and secrets. @default none"),
    tagRules: z
      .union([
        z.boolean(),
        z
          .strictObject({
            name: grammar.line.default("Release tags").describe("The ruleset's name. @default Release tags"),
            patterns: patterns
              .default([])
              .describe("Further git tags to protect, besides v* and each lane's. @default none"),
          })
          .meta({ what: "tag rules: true, or { name: …, patterns: [v*] }" }),
      ])
      .default(false)
      .describe(
        "Protects v* and the git tags of each lane against being moved or deleted: true, or a name and further patterns. @default false",
      ),
    permissions: z
      .strictObject({
        shaPinning: grammar.flag(true, "Workflows must name actions by a full commit SHA. @default true"),
        allowed: z
          .enum(["all", "local_only", "selected"])
          .default("all")
          .describe("Which actions may run. @default all"),
        patterns: z
          .array(grammar.line)
          .default([])
          .describe(
            "With `selected`: the actions that may run besides GitHub's own. @default none @example [docker/*]",
          ),
        workflowToken: z
          .enum(["read", "write"])
          .default("read")
          .describe("The default rights of a workflow's token. @default read"),
      })
      .meta({ what: "permissions of Actions: { shaPinning: true, allowed: all }" })
      .optional()
      .describe("What Actions may do in the repository. @default left as it is"),
    labels: z
      .union([z.boolean(), z.array(labelSchema)])
      .default(false)
      .describe(
        "Labels for issues and pull requests: a list, or true for release, backport, breaking and rollback. @default false",
      ),
    files: z
      .array(fileSchema)
      .default([])
      .describe("Files to commit to the repository, one commit each. @default none"),
    workflowFiles: grammar.flag(
      false,
      "Also commit the files that `slipway workflows` writes for the project's stacks. @default false",
    ),
    branch: grammar
      .text(BRANCH, "is not a branch's name")
      .optional()
      .describe("The branch that files are committed to. @default the repository's default branch"),
    pullRequest: grammar.flag(
      false,
      "Open a pull request from `branch` to the default branch. @default false",
    ),
  })
  .meta({ what: "settings for GitHub: { workflows: … }, or { setup: true, secrets: …, tagRules: true }" });

export type CheckedGitHub = z.output<typeof githubSchema>;
