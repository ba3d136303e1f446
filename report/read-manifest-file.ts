import { readFile } from "node:fs/promises";
import { parseManifest } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import type { ManifestFile } from "./write-artifacts";

/** @throws ProblemError when there is no manifest, or it is not one */
export async function readManifestFile(file: string): Promise<ManifestFile> {
  const text = await readFile(file, "utf8").catch(() => {
    throw wrong(
      file,
      "there is no release manifest",
      "Release first: `pulumi up` (or `npm start`) writes it.",
    );
  });
  return parseManifestFile(text, file);
}

/** A manifest's file by its text. @param file what it is called in an error @throws ProblemError when it is none */
export function parseManifestFile(text: string, file: string): ManifestFile {
  const value: unknown = parseJson(text);
  const manifest = parseManifest(value);
  if (manifest === undefined || !hasRun(value)) {
    throw wrong(
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
  if (typeof value !== "object" || value === null || !("run" in value)) return false;
  const { run } = value;
  return typeof run === "object" && run !== null && "tags" in run && Array.isArray(run.tags);
}

function wrong(path: string, message: string, hint: string): ProblemError {
  return new ProblemError("No report:", [{ code: "manifest-unreadable", path, message, hint }]);
}
