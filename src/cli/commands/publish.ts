import { Command } from "commander";
import { addRunFlags, type RunOptions, runOf } from "./flags";

interface PublishOptions extends RunOptions {
  readonly print?: true;
  readonly json?: true;
}

const HELP = `
The way out when an engine or CI is broken: the plan, tags and manifests of
\`pulumi up\`, which adopts them later.

Environment:
  CI_DOCKER_CLI, DOCKER_CLI   the program: docker (with buildx), nerdctl, or one
                              that takes their \`login\` and \`build\`; the first
                              that is set, default docker. It is needed only
                              where something is built.
  CI_PUSH=false               run nothing and ask no registry; print the
                              commands, write the program's own files

Passwords reach it by --password-stdin, in a Docker configuration for this run
alone. Running it again completes a release.

Exit codes: 0 released, 1 refused or failed, 2 used wrongly, 130 interrupted.`;

export function publishCommand(): Command {
  const command = new Command("publish").description(
    "Release without an engine: build with docker, nerdctl or alike; same plan, same manifests.",
  );
  return addRunFlags(command)
    .option("--print", "only print the commands; registries are read, and nothing is written")
    .option("--json", "print the release manifest as JSON")
    .addHelpText("after", HELP)
    .action(async (options: PublishOptions, self: Command) => {
      if (options.print && options.json) {
        self.error("error: --print shows commands and --json a release's manifest; give one of them");
      }
      const { publish } = await import("../publish/publish.js");
      process.exitCode = await publish({
        ...(await runOf(options)),
        output: options.print ? "commands" : options.json ? "json" : "table",
      });
    });
}
