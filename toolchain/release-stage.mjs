// @ts-check
// npm start: the sample's release on the stage stack.

import path from "node:path";
import { ensureStack, runInForeground } from "./engine.mjs";
import { projectDir } from "./paths.mjs";
import { registryPort } from "./ports.mjs";
import { prepare } from "./prepare.mjs";
import { refreshStageConfig } from "./stage-config.mjs";

/** @param {string[]} args further ones for `pulumi up` @returns {Promise<number>} the exit code */
export async function releaseStage(args) {
  const { bins, env, variables } = await prepare({ tests: false });
  const pulumi = /** @type {string} */ (bins.pulumi);
  const stateDir = path.dirname(/** @type {string} */ (variables.SLIPWAY_STAGE_CONFIG));
  await ensureStack({ project: projectDir, stateDir, env, pulumi });
  const config = refreshStageConfig({ project: projectDir, stateDir, registryPort: registryPort() });

  const up = ["up", "--yes", "--stack", "stage", "--config-file", config, "--suppress-outputs", ...args];
  const code = await runInForeground(pulumi, up, { cwd: projectDir, env });
  if (code !== 0) {
    console.error(
      `\nThe release did not finish (pulumi ended with code ${code}). Running npm start again finishes what is missing.`,
    );
    return code;
  }
  return runInForeground(process.execPath, [path.join(projectDir, "cli", "slipway.js"), "report"], {
    cwd: projectDir,
    env,
  });
}
