import { Command } from "commander";
import { addReleaseFlags, type ReleaseOptions, releaseFlags } from "./release-flags";
import { STACK_HELP, stackToUse } from "./stack-flag";

interface MergeOptions extends ReleaseOptions {
  readonly stack?: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly services?: string;
}

const HELP = `
Every image that has to be built needs a part for every platform, of the content
that this checkout plans; else nothing is written. Then \`pulumi up\`,
\`slipway up\` or \`slipway publish\` finds the content and builds nothing.

Exit codes: 0 merged, or there already; 1 refused or failed; 2 used wrongly;
130 interrupted. Running it again goes on.`;

/** `slipway merge`: one index of the parts that `slipway build` made, in every registry, under its candidate tag. */
export function mergeCommand(): Command {
  const command = new Command("merge")
    .description("Put together what `slipway build` made for each platform, so that a release finds it.")
    .argument("[folder]", "with the files that `slipway build` wrote; default parts in the artifacts' folder")
    .option("--services <names>", "only these, separated by commas")
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--config-file <file>", "default Pulumi.<stack>.yaml");
  return addReleaseFlags(command)
    .addHelpText("after", HELP)
    .action(async (folder: string | undefined, options: MergeOptions) => {
      const { mergeParts } = await import("../parts/merge-parts.js");
      const { cwd, configFile, services } = options;
      process.exitCode = await mergeParts({
        stack: await stackToUse(options),
        cwd,
        env: process.env,
        flags: releaseFlags(options),
        ...(folder === undefined ? {} : { folder }),
        ...(configFile === undefined ? {} : { configFile }),
        ...(services === undefined ? {} : { services }),
      });
    });
}
