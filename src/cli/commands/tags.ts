import { Command, InvalidArgumentError } from "commander";
import { collect } from "./flags";

export interface TagsOptions {
  readonly image: readonly string[];
  readonly rule: readonly string[];
  readonly flavor: readonly string[];
  readonly label: readonly string[];
  readonly annotation: readonly string[];
  readonly ref?: string;
  readonly sha?: string;
  readonly event?: string;
  readonly eventFile?: string;
  readonly repository?: string;
  readonly repositoryFile?: string;
  readonly commitDate?: Date;
  readonly now?: Date;
  readonly json?: true;
}

const ENVIRONMENT_HELP = `
A list's value may be one entry or several lines. With several lines it is read
as the action's own input is: "#" comments a line out, and a field in double
quotes loses them.

Environment (GitHub's; flags win):
  GITHUB_REF, GITHUB_SHA, GITHUB_EVENT_NAME, GITHUB_EVENT_PATH,
  GITHUB_REPOSITORY, GITHUB_SERVER_URL
  DOCKER_METADATA_SHORT_SHA_LENGTH   characters of a commit in tags, default 7
  DOCKER_METADATA_PR_HEAD_SHA        "true": a pull request's own head instead
                                     of its merge commit

Examples:
  $ npx --no slipway tags --ref refs/tags/v1.2.3 --image ghcr.io/octo/app \\
      --rule 'type=semver,pattern={{version}}'
  $ npx --no slipway tags --image ghcr.io/octo/app \\
      --rule type=sha --flavor latest=true

Exit codes: 0 shown, 1 failed, 2 used wrongly, also by a rule.`;

export function tagsCommand(): Command {
  return new Command("tags")
    .description("Show the tags and labels that rules in docker/metadata-action's syntax give for an event.")
    .option("--image <name>", "repository such as ghcr.io/octo/app (repeats)", collect, [])
    .option("--rule <rule>", "tag rule such as type=semver,pattern={{version}} (repeats)", collect, [])
    .option("--flavor <entry>", "latest=auto, prefix=…, suffix=… (repeats)", collect, [])
    .option("--label <key=value>", "label of your own (repeats)", collect, [])
    .option("--annotation <key=value>", "annotation of your own (repeats)", collect, [])
    .option("--ref <ref>", "refs/heads/…, refs/tags/… or refs/pull/…/merge; default GITHUB_REF")
    .option("--sha <commit>", "commit; default GITHUB_SHA")
    .option("--event <name>", "event such as push; default GITHUB_EVENT_NAME")
    .option("--event-file <file>", "JSON of the event; default GITHUB_EVENT_PATH")
    .option("--repository <owner/name>", "default GITHUB_REPOSITORY")
    .option(
      "--repository-file <file>",
      "JSON that GitHub's API answers for the repository; default the event's own",
    )
    .option("--commit-date <date>", "the commit's date; default the event's, then git's, then now", parseDate)
    .option("--now <date>", "the current time, ISO 8601; default the clock's", parseDate)
    .option(
      "--json",
      'print {"version", "partial", "latest", "tags", "labels"}, "annotations" with --annotation',
    )
    .addHelpText("after", ENVIRONMENT_HELP)
    .action(async (options: TagsOptions, command: Command) => {
      // Loaded here: Handlebars and moment are slow to load.
      const { printTags } = await import("../tags.js");
      printTags(options, command);
    });
}

function parseDate(value: string): Date {
  const date = new Date(value);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError("expected a date such as 2020-01-10T00:30:00Z");
  return date;
}
