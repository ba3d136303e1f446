import { Command } from "commander";
import type { DispatchFlags } from "../dispatch/settings";
import { reportUsage } from "../terminal";

const HELP = `
Environment (flags win):
  GH_TOKEN, GITHUB_TOKEN             the token; else what \`gh auth token\` says
  GITHUB_API_URL, GH_HOST, GH_REPO   the server and the repository, as for gh
  RELEASE_TAG                        the version
  With the stack's slipway:envPrefix before them: VERSION, INPUT_REF,
  WORKFLOW_REF, WORKFLOW, REPO, PUBLISH_VERSION_TAG, WAIT, TIMEOUT

Before anything starts it is checked that the version's git tag (or
--input-ref), the workflow, its inputs, the files of pinned versions, the
repository's variable PUBLISH_VERSION_TAG and its secrets are as the release
needs them. Without CI the same program releases from here: pulumi up

Exit codes: 0 released (with --no-wait: dispatched), 1 failed, cancelled or
timed out, 2 used wrongly. 130 (Ctrl-C), 143 (SIGTERM): the run goes on.`;

/** @param secondMs how long a second of waiting is */
export function dispatchCommand(secondMs = 1000): Command {
  return new Command("dispatch")
    .description("Release in CI: dispatch the workflow, follow its run, show what it released.")
    .option("--version <vX.Y.Z>", "the version to release")
    .option("--input-ref <ref>", "what to release; default the version's git tag")
    .option(
      "--workflow-ref <ref>",
      "branch or tag whose workflow file runs; default the version's tag, else the default branch",
    )
    .option("--workflow <file>", "the workflow's file; default release-docker.yml")
    .option("--repo <owner/name>", "default slipway:repository, then the git remote")
    .option("--api-url <url>", "GitHub's API, for an Enterprise server")
    .option("--publish-version-tag", "publish the version's tag")
    .option("--no-publish-version-tag", "do not publish the version's tag")
    .option("--no-wait", "dispatch, and do not wait for the run")
    .option("--timeout <time>", "how long to wait, such as 90s, 45m or 2h; default 2h")
    .option(
      "-s, --stack <name>",
      "the stack whose settings are read; default release, stage, else the only one",
    )
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--json", "print dispatch, run and release manifests as JSON")
    .addHelpText("after", HELP)
    .action(async (options: DispatchFlags, command: Command) => {
      const { dispatchRelease } = await import("../dispatch/dispatch-release.js");
      await reportUsage(command, () => dispatchRelease(options, process.env, secondMs));
    });
}
