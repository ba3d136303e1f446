import * as pulumi from "@pulumi/pulumi";
import { reasonOf } from "../src/plan/problem";

/**
 * An error without a stack trace, for the user to read. A trace would also cost half a minute: the SDK inspects every
 * error in colour, which is very slow in Node 20 for frames below `node_modules`.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}

/** What stopped a plan, as an error for the user to read. SLIPWAY_DEBUG keeps where it happened. */
export function planError(error: unknown): unknown {
  return error instanceof Error && !process.env.SLIPWAY_DEBUG ? runError(reasonOf(error)) : error;
}

/** Errors of the language itself are mistakes in a program, whose author needs the line. */
const MISTAKES = new Set(["TypeError", "ReferenceError", "RangeError"]);
const FRAME = /^\s+at (?!.*(?:\(|at )node:)(?!.*[\\/]node_modules[\\/]).*:\d+:\d+\)?$/m;

/**
 * Lets the SDK print the message alone of any error that a program does not catch. By itself it prints Node's stack,
 * in colours, whatever `--color` and NO_COLOR say. SLIPWAY_DEBUG keeps the stack.
 */
export function printUncaughtPlainly(): void {
  if (process.env.SLIPWAY_DEBUG) return;
  // Before the SDK's own listeners, which print.
  process.prependListener("uncaughtException", makePlain);
  process.prependListener("unhandledRejection", makePlain);
}

function makePlain(error: unknown): void {
  if (!(error instanceof Error) || "__pulumiRunError" in error) return;
  // The SDK names the resource of such an error, and prints no stack where this says so.
  if (pulumi.ResourceError.isInstance(error)) return void Reflect.set(error, "hideStack", true);
  const frame = MISTAKES.has(error.name) ? FRAME.exec(error.stack ?? "")?.[0] : undefined;
  const message = frame === undefined ? reasonOf(error) : `${error.name}: ${error.message}\n${frame}`;
  // One of the SDK's two listeners prints the stack, the other one the message of an error that has this mark.
  Object.assign(error, { message, stack: message, __pulumiRunError: true });
}
