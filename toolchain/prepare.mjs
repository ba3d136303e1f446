// Prepares npm start, npm test and npm run env: npm packages, parts, the sample's binaries, local services.

import { existsSync } from "node:fs";
import path from "node:path";
import { chooseBuilder, neededParts } from "./builder.mjs";
import { childEnvironment, cleared, exportLines, toolchainVariables } from "./environment.mjs";
import { installPackages, provideSample } from "./npm-packages.mjs";
import { cacheDir, projectDir, registryPort } from "./paths.mjs";
import { onDemand } from "./pins.mjs";
import { createProgress } from "./progress.mjs";
import { keptBins, pathFolders, provideToolchain, throwFailures } from "./provide.mjs";
import { servicesUp } from "./services.mjs";
import { refreshStageConfig } from "./stage.mjs";

/** @param {{ tests: boolean }} options tests: with the tests' own parts, and without the embedded registry */
export async function prepare({ tests }) {
  const since = Date.now();
  const progress = createProgress();
  const builder = await chooseBuilder({ progress });
  // Let the others finish if one fails, so that a second try has less to do.
  const [packages, parts, sample] = await Promise.allSettled([
    installPackages({ progress }),
    provideToolchain({ parts: neededParts({ builder, tests }), progress }),
    provideSample({ progress }),
  ]);
  throwFailures([packages, parts, sample]);
  if (parts.status === "rejected") throw parts.reason;
  const toolchain = parts.value;
  const only = tests ? "builder" : undefined;
  const services = await servicesUp({ bins: toolchain.bins, builder, progress, only });
  const variables = toolchainVariables(toolchain);
  progress.say(`✓ toolchain ready (${((Date.now() - since) / 1000).toFixed(1)} s)\n`);
  return { bins: toolchain.bins, env: childEnvironment(variables), variables, services, progress };
}

/** @param {string[]} [more] parts on demand: "github" for the setup stack */
export async function printEnvironment(more = []) {
  const cache = cacheDir();
  const progress = createProgress({ stream: process.stderr });
  // Commands that only read need no builder.
  const builder = await chooseBuilder({ cache, progress }).catch(() => undefined);
  const parts = [...neededParts({ builder, tests: false }), ...more];
  const toolchain = await provideToolchain({ parts, progress, cache });
  // Also offer the tests' tools, if the tests have already installed them.
  const testTools = pathFolders(keptBins(onDemand, cache), cache);
  const variables = toolchainVariables({ ...toolchain, path: [...toolchain.path, ...testTools] });
  if (existsSync(path.join(projectDir, "Pulumi.stage.yaml"))) {
    const stateDir = path.dirname(variables.SLIPWAY_STAGE_CONFIG);
    refreshStageConfig({ project: projectDir, stateDir, registryPort: registryPort() });
  }
  process.stdout.write(`${exportLines(variables, cleared)}\n`);
}
