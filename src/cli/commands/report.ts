import { Command } from "commander";
import { say } from "../terminal";

interface ReportOptions {
  readonly manifest: string;
  readonly json?: true;
}

export function reportCommand(): Command {
  return new Command("report")
    .description("Show the last release: images, digests, platforms, tags and what happened to each.")
    .option("--manifest <file>", "the release manifest", "artifacts/release-manifest.json")
    .option("--json", "print the manifest itself")
    .addHelpText("after", "\nExit codes: 0 shown, 1 the manifest cannot be read, 2 used wrongly.")
    .action(async (options: ReportOptions) => {
      const { failureAfter, readManifestFile } = await import("../../report/manifest-file.js");
      const { releaseTable } = await import("../../report/release-table.js");
      const manifest = await readManifestFile(options.manifest);
      process.stdout.write(
        options.json ? `${JSON.stringify(manifest, undefined, 2)}\n` : releaseTable(manifest),
      );
      const failure = await failureAfter(options.manifest);
      if (failure !== undefined) say(failure);
    });
}
