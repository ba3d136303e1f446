// @ts-check

import { existsSync } from "node:fs";
import path from "node:path";
import { chooseBuilder } from "./builder-choice.mjs";
import { cleared, toolchainVariables } from "./environment.mjs";
import { neededParts } from "./needed-parts.mjs";
import { cacheDir, projectDir } from "./paths.mjs";
import { onDemand } from "./pins.mjs";
import { registryPort } from "./ports.mjs";
import { createProgress } from "./progress.mjs";
import { keptBins, pathFolders, provideToolchain } from "./provide.mjs";
import { exportLines } from "./shell.mjs";
import { refreshStageConfig } from "./stage-config.mjs";

/** @param {string[]} [more] parts on demand: "github" for the setup stack */
export async function printEnvironment(more = []) {
  const cache = cacheDir();
  const progress = createProgress({ stream: process.stderr });
  // Who only looks needs no builder.
  const builder = await chooseBuilder({ cache, progress }).catch(() => undefined);
  const toolchain = await provideToolchain({
    parts: [...neededParts({ builder, tests: false }), ...more],
    progress,
    cache,
  });
  // The judges of the tests are there for a person too, once the tests have fetched them.
  const judges = pathFolders(keptBins(onDemand, cache), cache);
  const variables = toolchainVariables({ ...toolchain, path: [...toolchain.path, ...judges] }, { cache });
  if (existsSync(path.join(projectDir, "Pulumi.stage.yaml"))) {
    const stateDir = path.dirname(/** @type {string} */ (variables.SLIPWAY_STAGE_CONFIG));
    refreshStageConfig({ project: projectDir, stateDir, registryPort: registryPort() });
  }
  process.stdout.write(`${exportLines(variables, cleared)}\n`);
}
