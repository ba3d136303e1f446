import path from "node:path";
import { type Problem, ProblemError } from "../plan/problem";
import { RegistryError } from "../registry/errors";
import { writeWholeFile } from "../report/manifest-file";
import type { Registries } from "./registries";
import type { Signing } from "./signing";

/** Lines that the engine shows beside a resource, in previews too. They must not contain a secret. */
export interface EngineLog {
  readonly info: (urn: string, message: string) => Promise<void>;
  readonly warn: (urn: string, message: string) => Promise<void>;
  /** Shown only while the resource is being worked on, and kept in no log. */
  readonly status: (urn: string, message: string) => Promise<void>;
}

/** Drops every line. */
export const NO_LOG: EngineLog = { info: async () => {}, warn: async () => {}, status: async () => {} };

/** What every operation may use besides its arguments. */
export interface Context {
  readonly registries: Registries;
  readonly signing: Signing;
  readonly log: EngineLog;
}

/** Runs an operation that writes. If a registry makes it fail, the error names a file with the last requests. */
export async function diagnosed<T>(
  context: Context,
  operation: { readonly name: string; readonly preview: boolean },
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (operation.preview || !isPushFailure(error)) throw error;
    const file = await writeDiagnostics(context, operation.name, error.message);
    if (file === undefined) throw error;
    throw new Error(`${error.message}\n  The last requests, without secrets: ${file}`, { cause: error });
  }
}

/**
 * The file has no headers, no credentials and no query that could carry one.
 *
 * @param operation what was being done: `create Tag app-latest-ghcr.io`
 * @returns its name, relative to the project; undefined if it cannot be written
 */
async function writeDiagnostics(
  { registries }: Context,
  operation: string,
  message: string,
): Promise<string | undefined> {
  if (registries.artifacts === undefined) return undefined;
  const at = new Date().toISOString();
  const diagnostics = {
    schema: 1,
    at,
    operation,
    message: await registries.redact(message),
    requests: registries.requests.entries,
  };
  const file = path.join(registries.artifacts, `diagnostics-${at.replaceAll(":", "-")}.json`);
  try {
    await writeWholeFile(path.resolve(file), `${JSON.stringify(diagnostics, undefined, 2)}\n`);
    return file;
  } catch {
    // The user needs the failure itself, not this one.
    return undefined;
  }
}

function isPushFailure(error: unknown): error is Error {
  if (error instanceof RegistryError) return error.code !== "registry-cancelled";
  if (error instanceof Error && error.cause !== undefined) return isPushFailure(error.cause);
  // A CLI that fails may well have failed at its push.
  const isPush = ({ code }: Problem) => code.startsWith("registry-") || code === "cli-failed";
  return error instanceof ProblemError && error.problems.some(isPush);
}
