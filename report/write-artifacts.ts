import { mkdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { BuildFacts, ReleaseManifest, TagOutcome } from "../plan/manifest";
import { releaseMarkdown } from "./release-markdown";

/** In the folder for artifacts. */
export const MANIFEST_FILE = "release-manifest.json";
const REPORT_FILE = "release-report.md";

/** The manifest with what the run did to each tag: the file's content. */
export interface ManifestFile extends ReleaseManifest {
  readonly run: RunFacts;
}

export interface RunFacts {
  readonly tags: readonly TagOutcome[];
  /** Absent where nothing was built. */
  readonly build?: BuildFacts;
}

/** Writes the release manifest and its report, each whole or not at all. */
export async function writeArtifacts(
  projectDir: string,
  folder: string,
  manifest: ReleaseManifest,
  run: RunFacts,
): Promise<void> {
  const target = path.resolve(projectDir, folder);
  await mkdir(target, { recursive: true });
  const file: ManifestFile = { ...manifest, run };
  await writeFileAtomic(path.join(target, MANIFEST_FILE), `${JSON.stringify(file, undefined, 2)}\n`);
  await writeFileAtomic(path.join(target, REPORT_FILE), releaseMarkdown(manifest, run.tags, run.build));
}
