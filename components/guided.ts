import type { Config } from "../src/plan/config";
import { ProblemError } from "../src/plan/problem";
import { SELECTED_VARIABLE, selectedImages } from "../src/plan/selection";
import type { Environment } from "../src/settings/environment";

/**
 * Refuses what a bare `pulumi up` cannot do: release a selection of images, for which the engine has to leave all other
 * resources as they are, and a dry run. A program cannot ask the engine for either.
 *
 * @throws ProblemError `services-need-targets`, `push-off`
 */
export function refuseUnguided(config: Config, env: Environment): void {
  if (!config.push) {
    throw new ProblemError("Nothing is to be pushed, and the engine can only release:", [
      {
        code: "push-off",
        path: "push",
        message: "false (CI_PUSH) is a dry run",
        hint: "Run `npx --no slipway up`, which then only plans; or unset CI_PUSH.",
      },
    ]);
  }
  const selected = selectedImages(config)?.join(",");
  if (selected === undefined || env[SELECTED_VARIABLE] === selected) return;
  throw new ProblemError("A selection of images is released by `slipway up`:", [
    {
      code: "services-need-targets",
      path: "only",
      message: `${selected} alone would look to the engine as if all other images were to be deleted`,
      hint: `Run: npx --no slipway up --services ${selected}  (or: npx --no slipway preview --services ${selected}); for all images, clear CI_SERVICES, CI_SERVICE_FILTER and SERVICES.`,
    },
  ]);
}
