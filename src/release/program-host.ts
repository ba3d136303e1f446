import type { PlannedRelease, PlanOptions } from "../plan/release-plan";
import type { SetupPlan } from "../plan/setup/plan";

/** The arguments in a program's code, `ReleaseArgs` or `RepositorySetupArgs`, with every secret resolved. */
export type Code = Readonly<Record<string, unknown>>;

/**
 * Plans for a program that runs without an engine, in the `slipway` command and in `slipway/testing`. With an engine
 * there is no host, and the program plans by itself.
 */
export interface ProgramHost {
  readonly planRelease: (code: Code, options: PlanOptions) => Promise<PlannedRelease>;
  readonly planSetup: (code: Code) => Promise<SetupPlan>;
}

/** A registered symbol, because the command and the program load two bundles of this package. */
const HOST = Symbol.for("slipway.program-host");

export function programHost(): ProgramHost | undefined {
  return Reflect.get(globalThis, HOST);
}

/** @returns a function that removes the host */
export function hostProgram(host: ProgramHost): () => void {
  Reflect.set(globalThis, HOST, host);
  return () => Reflect.deleteProperty(globalThis, HOST);
}
