import { LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import * as settings from "@pulumi/pulumi/runtime/settings";

/**
 * Drops the SDK's debug lines. Each contains the engine's answer for a resource, with tokens and secrets in plain text,
 * and `--debug` or `-v=3` would print it.
 */
export function quietDebug(): void {
  const engine = settings.getEngine();
  if (engine === undefined) return;
  const real: unknown = Reflect.get(engine, "log");
  if (typeof real !== "function") return;
  Reflect.set(engine, "log", (request: unknown, ...rest: unknown[]) => {
    const done = rest.at(-1);
    if (!isDebug(request) || typeof done !== "function") return real.call(engine, request, ...rest);
    done(null);
    return undefined;
  });
}

function isDebug(request: unknown): boolean {
  const severity: unknown =
    typeof request === "object" && request !== null ? Reflect.get(request, "getSeverity") : undefined;
  return typeof severity === "function" && severity.call(request) === LogSeverity.DEBUG;
}
