import { Command } from "commander";

const HELP = `
The SBOMs are those that the build attached (sbom), read by the images' digests;
slipway verify says who signed an image.

Examples:
  $ npx --no slipway compare ghcr.io/octo/app:1.2.3 ghcr.io/octo/app:1.2.3-r1
  $ npx --no slipway compare debian@sha256:… debian:12

Exit codes: 0 compared, 1 an image or its SBOM cannot be read, 2 used wrongly.`;

export function compareCommand(): Command {
  return new Command("compare")
    .description("Show the packages in which two images differ, by their SBOMs.")
    .argument("<old>", "an image's reference")
    .argument("<new>", "an image's reference")
    .option("--json", "print the differences as JSON")
    .addHelpText("after", HELP)
    .action(async (before: string, after: string, options: { readonly json?: true }) => {
      const { compareImages } = await import("../compare.js");
      const { NO_CONFIG } = await import("../../release/provider-config.js");
      const { Registries } = await import("../../release/registries.js");
      const { packageChangesText } = await import("../../report/package-changes.js");
      const platforms = await compareImages(new Registries(NO_CONFIG, process.env), before, after);
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ platforms }, undefined, 2)}\n`
          : `${packageChangesText(platforms).join("\n")}\n`,
      );
    });
}
