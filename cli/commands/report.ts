import { Command } from "commander";

interface ReportOptions {
  readonly manifest: string;
  readonly json?: true;
}

/** `slipway report`: what the last run released, as a table. */
export function reportCommand(): Command {
  return new Command("report")
    .description("Show what the last release made: images, digests, platforms, tags and what each did.")
    .option("--manifest <file>", "the release manifest", "artifacts/release-manifest.json")
    .option("--json", "print the manifest itself")
    .action(async (options: ReportOptions) => {
      const { readManifestFile, releaseTable } = modules();
      const manifest = await readManifestFile(options.manifest);
      process.stdout.write(
        options.json ? `${JSON.stringify(manifest, undefined, 2)}\n` : releaseTable(manifest),
      );
    });
}

/** Loaded when the command runs: `--help` and the other commands do without. */
function modules(): typeof import("../../report/read-manifest-file") & typeof import("../../report/release-table") {
  return { ...require("../../report/read-manifest-file"), ...require("../../report/release-table") };
}
