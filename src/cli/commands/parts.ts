import { Command } from "commander";
import { addRunFlags, type RunOptions, runOf } from "./flags";

interface BuildOptions extends RunOptions {
  readonly platform: readonly string[];
  readonly out?: string;
}

const BUILD_HELP = `
For platforms that are built on machines of their own: run it on each, bring the
files together, then \`slipway merge\`, then release as always. Nothing is tagged.
Without it, \`pulumi up\` builds all platforms in one.

Environment:
  CI_DOCKER_CLI, DOCKER_CLI   the program: docker (with buildx), nerdctl, or one
                              that takes their \`login\` and \`build\`

Exit codes: 0 built, or nothing had to be; 1 refused or failed; 2 used wrongly;
130 interrupted. Running it again goes on.`;

export function buildCommand(): Command {
  const command = new Command("build")
    .description("Build some platforms only, on a machine of their own, for `slipway merge`.")
    .requiredOption("-p, --platform <platforms>", "repeatable, or separated by commas: linux/arm64", collect)
    .option("-o, --out <folder>", "where <platform>.json goes; default parts in the artifacts' folder");
  return addRunFlags(command)
    .addHelpText("after", BUILD_HELP)
    .action(async (options: BuildOptions, self: Command) => {
      if (options.platform.length === 0) self.error("error: --platform names no platform");
      const { buildParts } = await import("../parts/build-parts.js");
      const { platform: platforms, out } = options;
      process.exitCode = await buildParts({ ...(await runOf(options)), platforms, out });
    });
}

function collect(written: string, earlier: readonly string[] = []): string[] {
  const names = written.split(",").map((name) => name.trim());
  return [...new Set([...earlier, ...names.filter((name) => name !== "")])];
}

const MERGE_HELP = `
Every image that has to be built needs a part for every platform, of the content
that this checkout plans; else nothing is written. Then \`pulumi up\`,
\`slipway up\` or \`slipway publish\` finds the content and builds nothing.

Exit codes: 0 merged, or there already; 1 refused or failed; 2 used wrongly;
130 interrupted. Running it again goes on.`;

export function mergeCommand(): Command {
  const command = new Command("merge")
    .description("Put together what `slipway build` made for each platform, so that a release finds it.")
    .argument(
      "[folder]",
      "with the files that `slipway build` wrote; default parts in the artifacts' folder",
    );
  return addRunFlags(command)
    .addHelpText("after", MERGE_HELP)
    .action(async (folder: string | undefined, options: RunOptions) => {
      const { mergeParts } = await import("../parts/merge-parts.js");
      process.exitCode = await mergeParts({ ...(await runOf(options)), folder });
    });
}
