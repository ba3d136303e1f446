import { setTimeout as delay } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { getEngine } from "@pulumi/pulumi/runtime/settings";
import { reasonOf } from "../src/plan/problem";
import { isRecord } from "../src/plan/record";

/** Between a program and the engine that runs it: errors, debug lines, the state of stacks. */

/**
 * An error without a stack trace, for the user to read. A trace would also cost half a minute: the SDK inspects every
 * error in colour, which is very slow in Node 20 for frames below `node_modules`.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}

/** The cause of a failed plan, as an error for the user to read. SLIPWAY_DEBUG keeps the stack trace. */
export function planError(error: unknown): unknown {
  return error instanceof Error && !process.env.SLIPWAY_DEBUG ? runError(reasonOf(error)) : error;
}

/** Errors of the language itself are mistakes in a program, whose author needs the line. */
const MISTAKES = new Set(["TypeError", "ReferenceError", "RangeError"]);
const FRAME = /^\s+at (?!.*(?:\(|at )node:)(?!.*[\\/]node_modules[\\/]).*:\d+:\d+\)?$/m;

/**
 * Makes the SDK print only the message of an error that a program does not catch. By default it prints Node's stack, in
 * colours, whatever `--color` and NO_COLOR say. SLIPWAY_DEBUG keeps the stack.
 */
export function printUncaughtPlainly(): void {
  if (process.env.SLIPWAY_DEBUG) return;
  // Before the SDK's own listeners, which print.
  process.prependListener("uncaughtException", makePlain);
  process.prependListener("unhandledRejection", makePlain);
}

function makePlain(error: unknown): void {
  if (!(error instanceof Error) || "__pulumiRunError" in error) return;
  // The SDK names the resource of such an error, and prints no stack if this is set.
  if (pulumi.ResourceError.isInstance(error)) return void Reflect.set(error, "hideStack", true);
  const frame = MISTAKES.has(error.name) ? FRAME.exec(error.stack ?? "")?.[0] : undefined;
  const message = frame === undefined ? reasonOf(error) : `${error.name}: ${error.message}\n${frame}`;
  // One of the SDK's two listeners prints the stack; the other prints the message of an error with this mark.
  Object.assign(error, { message, stack: message, __pulumiRunError: true });
}

/**
 * Drops the SDK's debug lines. Each contains the engine's answer for a resource, with tokens and secrets in plain text,
 * and `--debug` or `-v=3` would print it.
 */
export function quietDebug(): void {
  const engine = getEngine();
  if (engine === undefined) return;
  const log: unknown = Reflect.get(engine, "log");
  if (typeof log !== "function") return;
  Reflect.set(engine, "log", (request: unknown, ...rest: unknown[]) => {
    const done = rest.at(-1);
    if (!isDebug(request) || typeof done !== "function") return log.call(engine, request, ...rest);
    done(null);
    return undefined;
  });
}

function isDebug(request: unknown): boolean {
  const severity: unknown =
    typeof request === "object" && request !== null ? Reflect.get(request, "getSeverity") : undefined;
  return typeof severity === "function" && severity.call(request) === LogSeverity.DEBUG;
}

/** How often to read a checkpoint that is being written. */
const ATTEMPTS = 5;

/** The outputs of each resource in a stack's state, by default of this one's; empty if there is no such stack. */
export async function resourceOutputs(
  stack = pulumi.getStack(),
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
  for (let attempt = 1; ; attempt++) {
    try {
      const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
        stackName,
      });
      return Object.values(outputs ?? {}).flatMap((resource) =>
        isRecord(resource) && isRecord(resource.outputs) ? [resource.outputs] : [],
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The engine has no code for a stack that does not exist, only these texts.
      if (/unknown stack|no stack named|not find stack/i.test(error.message)) return [];
      // With a file backend, this run may be writing the checkpoint at the same time, not atomically.
      const isHalfWritten = /failed to load checkpoint/.test(error.message);
      if (!isHalfWritten || attempt === ATTEMPTS) throw error;
      await delay(200 * attempt);
    }
  }
}
