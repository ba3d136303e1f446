import type { Environment } from "../config/environment";
import type { Config } from "../plan/config";
import { SELECTED_VARIABLE } from "../plan/engine-excludes";
import { ProblemError } from "../plan/problem";

/**
 * A selection of services is declared alone, so the engine has to be told to leave all other resources as they are; a
 * program cannot tell it that. Nor can it say that nothing is to be pushed.
 *
 * @throws ProblemError `services-need-targets`, `push-off`
 */
export function refuseUnguided({ fleet, push }: Config, env: Environment): void {
  if (!push) {
    throw new ProblemError("Nothing is to be pushed, and the engine can only release:", [
      {
        code: "push-off",
        path: "push",
        message: "false (CI_PUSH) is a dry run",
        hint: "Run `npx --no slipway up`, which then plans and writes the services' manifest alone; or unset CI_PUSH.",
      },
    ]);
  }
  const selected = fleet?.selected?.join(",");
  if (selected === undefined || env[SELECTED_VARIABLE] === selected) return;
  throw new ProblemError("A selection of services is released by `slipway up`:", [
    {
      code: "services-need-targets",
      path: "services.filter",
      message: `${selected} alone would look to the engine as if all other services were to be deleted`,
      hint: `Run: npx --no slipway up --services ${selected}  (or: npx --no slipway preview --services ${selected}); for all services, clear CI_SERVICES, CI_SERVICE_FILTER and SERVICES.`,
    },
  ]);
}
