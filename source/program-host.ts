import type { PlannedRelease, PlanOptions } from "../plan/planned-release";
import type { SetupPlan } from "../plan/setup/plan";

/** What a program says in code: `ReleaseArgs` or `RepositorySetupArgs`, with every secret resolved. */
export type Code = Readonly<Record<string, unknown>>;

/**
 * What plans the releases of a program that no engine runs: the `slipway` command, and `slipway/testing`. Under an
 * engine there is none, and the program plans for itself.
 */
export interface ProgramHost {
  readonly planRelease: (code: Code, options: PlanOptions) => Promise<PlannedRelease>;
  readonly planSetup: (code: Code) => Promise<SetupPlan>;
}

/** The command and the program's copy of this package are two bundles; a registered symbol is the same in both. */
const HOST = Symbol.for("slipway.program-host");

export function programHost(): ProgramHost | undefined {
  return Reflect.get(globalThis, HOST);
}

/** @returns a function that removes the host again */
export function hostProgram(host: ProgramHost): () => void {
  Reflect.set(globalThis, HOST, host);
  return () => Reflect.deleteProperty(globalThis, HOST);
}
