import * as pulumi from "@pulumi/pulumi";
import { ProblemError } from "../plan/problem";

/**
 * An error without a stack trace, for the user to read. A trace would also cost half a minute: the SDK inspects every
 * error in colour, which is very slow in Node 20 for frames below `node_modules`.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}

/** The problems that stopped a plan, as an error for the user to read; any other error as it is. */
export function planError(error: unknown): unknown {
  // An error that names a diagnostics file wraps the problems.
  const isForUser =
    error instanceof ProblemError || (error instanceof Error && error.cause instanceof ProblemError);
  return isForUser ? runError(error.message) : error;
}
