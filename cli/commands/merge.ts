import { Command } from "commander";
import { addRunFlags, type RunOptions, runOf } from "./flags";

const HELP = `
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
    .addHelpText("after", HELP)
    .action(async (folder: string | undefined, options: RunOptions) => {
      const { mergeParts } = await import("../parts/merge-parts.js");
      process.exitCode = await mergeParts({ ...(await runOf(options)), folder });
    });
}
