import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { type BuildFacts, parseManifest, type ReleaseManifest, type TagOutcome } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import { releaseMarkdown } from "./release-markdown";

export const MANIFEST_FILE = "release-manifest.json";
const REPORT_FILE = "release-report.md";

/** The content of the manifest's file: the manifest, and what the run did to each tag. */
export interface ManifestFile extends ReleaseManifest {
  readonly run: RunFacts;
}

export interface RunFacts {
  readonly tags: readonly TagOutcome[];
  readonly build?: BuildFacts;
}

/** @throws ProblemError if there is no manifest, or the file is not one */
export async function readManifestFile(file: string): Promise<ManifestFile> {
  const text = await readFile(file, "utf8").catch(() => {
    throw unreadable(
      file,
      "there is no release manifest",
      "Release first: `pulumi up` (or `npm start`) writes it.",
    );
  });
  return parseManifestFile(text, file);
}

/** @param file names the file in an error @throws ProblemError if the text is not a manifest's file */
export function parseManifestFile(text: string, file: string): ManifestFile {
  const value = parseJson(text);
  const manifest = parseManifest(value);
  if (manifest === undefined || !hasRun(value)) {
    throw unreadable(
      file,
      "this is no release manifest of schema 1",
      "Release again: `pulumi up` writes it again.",
    );
  }
  return { ...manifest, run: value.run };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasRun(value: unknown): value is Pick<ManifestFile, "run"> {
  return isRecord(value) && isRecord(value.run) && Array.isArray(value.run.tags);
}

function unreadable(path: string, message: string, hint: string): ProblemError {
  return new ProblemError("No report:", [{ code: "manifest-unreadable", path, message, hint }]);
}

/** The last run that failed on a registry after the manifest was written, with its file of diagnostics. */
export async function failureAfter(manifestFile: string): Promise<string | undefined> {
  const folder = path.dirname(manifestFile);
  const names = await readdir(folder);
  const name = names
    .filter((one) => /^diagnostics-.*\.json$/.test(one))
    .sort()
    .at(-1);
  if (name === undefined) return undefined;
  const value = parseJson(await readFile(path.join(folder, name), "utf8"));
  if (!isRecord(value) || typeof value.at !== "string" || typeof value.message !== "string") return undefined;
  if (Date.parse(value.at) < (await stat(manifestFile)).mtimeMs) return undefined;
  const [reason = ""] = value.message.split("\n");
  return `A later run failed (${value.at}): ${reason}\n  See ${path.join(folder, name)}`;
}

/** Writes the release manifest and its report, each atomically. */
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

/** Writes a file atomically and creates its folder. An existing file keeps its mode. */
export async function writeWholeFile(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, text);
}

export async function writeFiles(
  projectDir: string,
  files: readonly { readonly path: string; readonly content: string }[] = [],
): Promise<void> {
  for (const file of files) await writeWholeFile(path.resolve(projectDir, file.path), file.content);
}
