// npm start: releases the sample on the stage stack.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { projectDir, registryPort } from "./paths.mjs";
import { prepare } from "./prepare.mjs";
import { lastLines, run, runInForeground } from "./run.mjs";
import { ensureStack, refreshStageConfig, saysHowToSign } from "./stage.mjs";

/** Ignored by git, because each clone has its own key. */
const PUBLIC_KEY = "cosign.local.pub";

const slipway = path.join(projectDir, "src", "cli", "slipway.js");

/** @param {string[]} args more arguments for `pulumi up` @returns {Promise<number>} the exit code */
export async function releaseStage(args) {
  const { bins, env, variables } = await prepare({ tests: false });
  const pulumi = /** @type {string} */ (bins.pulumi);
  const stateDir = path.dirname(variables.SLIPWAY_STAGE_CONFIG);
  await ensureStack({ project: projectDir, stateDir, env, pulumi });
  const config = refreshStageConfig({ project: projectDir, stateDir, registryPort: registryPort() });

  await ensureKeys(config, env);

  const up = ["up", "--yes", "--stack", "stage", "--config-file", config, "--suppress-outputs", ...args];
  const { runQuietly } = createRequire(import.meta.url)("./load.cjs").load("src/cli/engine/run-pulumi.ts");
  const code = await runQuietly(pulumi, up, { cwd: projectDir, env });
  if (code !== 0) return code;
  return runInForeground(process.execPath, [slipway, "report"], { cwd: projectDir, env });
}

/** Makes this clone's signing key, unless it has one. @param {string} config @param {NodeJS.ProcessEnv} env */
async function ensureKeys(config, env) {
  const isOwn = saysHowToSign(readFileSync(path.join(projectDir, "Pulumi.stage.yaml"), "utf8"));
  const file = path.join(projectDir, PUBLIC_KEY);
  const hasKey = saysHowToSign(readFileSync(config, "utf8"));
  if (isOwn || (hasKey && existsSync(file)) || env.COSIGN_PRIVATE_KEY) return;
  // The private key was deleted with an earlier stack.
  if (!hasKey) rmSync(file, { force: true });
  const keys = ["keys", "--stack", "stage", "--config-file", config, "--public-key", PUBLIC_KEY];
  const made = await run(process.execPath, [slipway, ...keys], { cwd: projectDir, env });
  if (made.code !== 0) {
    throw new Error(`SLIPWAY_KEYS_FAILED: the signing key could not be made:\n${lastLines(made.output)}`);
  }
  console.log(`✓ signing key made, with the public key in ${PUBLIC_KEY}\n`);
}
