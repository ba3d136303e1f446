import path from "node:path";
import { type Problem, ProblemError } from "../plan/problem";
import { RegistryError } from "../registry/errors";
import type { RequestEntry } from "../registry/http";
import { writeWholeFile } from "../report/manifest-file";
import type { Context } from "./context";

/** What a diagnostics file holds: no header, no credentials, no query that could carry one. */
interface Diagnostics {
  readonly schema: 1;
  /** When it failed, ISO 8601, UTC. */
  readonly at: string;
  /** What was being done: `create Tag app-latest-ghcr.io`. */
  readonly operation: string;
  readonly message: string;
  /** The last requests, the oldest first. */
  readonly requests: readonly RequestEntry[];
}

/** Runs an operation that writes. Where a registry makes it fail, its error names a file with the last requests. */
export async function diagnosed<T>(
  context: Context,
  operation: { readonly name: string; readonly preview: boolean },
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (operation.preview || !isOfPush(error)) throw error;
    const file = await writeDiagnostics(context, operation.name, error.message);
    if (file === undefined) throw error;
    throw new Error(`${error.message}\n  The last requests, without secrets: ${file}`, { cause: error });
  }
}

/** The file's name as it was written, relative to the project; undefined where it cannot be written. */
async function writeDiagnostics(
  { registries }: Context,
  operation: string,
  message: string,
): Promise<string | undefined> {
  if (registries.artifacts === undefined) return undefined;
  const at = new Date().toISOString();
  const diagnostics: Diagnostics = {
    schema: 1,
    at,
    operation,
    message: await registries.redact(message),
    requests: registries.requests.entries(),
  };
  const file = path.join(registries.artifacts, `diagnostics-${at.replaceAll(":", "-")}.json`);
  try {
    await writeWholeFile(path.resolve(file), `${JSON.stringify(diagnostics, undefined, 2)}\n`);
    return file;
  } catch {
    // The failure itself is what a person has to read.
    return undefined;
  }
}

function isOfPush(error: unknown): error is Error {
  if (error instanceof RegistryError) return error.code !== "registry-cancelled";
  if (error instanceof Error && error.cause !== undefined) return isOfPush(error.cause);
  // A CLI that fails may well have failed at its push.
  const isPush = ({ code }: Problem) => code.startsWith("registry-") || code === "cli-failed";
  return error instanceof ProblemError && error.problems.some(isPush);
}
