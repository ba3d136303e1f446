import { Command, Option } from "commander";

export interface WorkflowsOptions {
  readonly cwd: string;
  readonly stack?: string;
  readonly check?: true;
  readonly print?: true;
  readonly outdated?: true;
  readonly json?: true;
}

const HELP = `
Settings: slipway:github.workflows in the stacks' files; a stack without has no
part in them.

Exit codes: 0 done, 1 failed, a difference with --check or an outdated pin with
--outdated, 2 used wrongly.

Environment: GITHUB_API_URL, GH_TOKEN or GITHUB_TOKEN, for --outdated.`;

export function workflowsCommand(): Command {
  return new Command("workflows")
    .description("Write the workflow files that the stacks' settings ask for.")
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("-s, --stack <name>", "only files that this stack has a part in")
    .addOption(
      new Option("--check", "write nothing; fail where a file differs, and say in which line").conflicts([
        "print",
        "outdated",
      ]),
    )
    .addOption(new Option("--print", "write nothing; print the files").conflicts("outdated"))
    .option("--outdated", "list pinned actions that have a newer release, by asking GitHub")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (options: WorkflowsOptions) => {
      if (options.outdated === true) {
        const { listOutdated } = await import("../workflows/outdated.js");
        process.exitCode = await listOutdated(options);
        return;
      }
      const { runWorkflows } = await import("../workflows/run-workflows.js");
      process.exitCode = await runWorkflows(options);
    });
}
