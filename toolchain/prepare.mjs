// @ts-check
// Everything that npm start and npm test need: packages, parts, the sample's binaries, local services.

import { chooseBuilder } from "./builder-choice.mjs";
import { childEnvironment, toolchainVariables } from "./environment.mjs";
import { neededParts } from "./needed-parts.mjs";
import { installPackages } from "./npm-packages.mjs";
import { createProgress } from "./progress.mjs";
import { provideToolchain } from "./provide.mjs";
import { provideSample } from "./sample.mjs";
import { servicesUp } from "./services.mjs";

/**
 * @param {{ tests: boolean }} options tests: with the judges, and without the embedded registry
 */
export async function prepare({ tests }) {
  const since = Date.now();
  const progress = createProgress();
  const builder = await chooseBuilder({ progress });
  // All of it runs to its end, or to its own error, so that a second try finds as much as possible done.
  const [packages, parts, sample] = await Promise.allSettled([
    installPackages({ progress }),
    provideToolchain({ parts: neededParts({ builder, tests }), progress }),
    provideSample({ progress }),
  ]);
  const failures = [packages, parts, sample].flatMap((result) =>
    result.status === "rejected" ? [result.reason] : [],
  );
  if (failures.length > 0 || parts.status === "rejected") {
    throw new Error(
      failures.map((failure) => (failure instanceof Error ? failure.message : `${failure}`)).join("\n\n"),
    );
  }
  const toolchain = parts.value;
  const services = await servicesUp({
    bins: toolchain.bins,
    builder,
    progress,
    ...(tests ? { only: /** @type {const} */ ("builder") } : {}),
  });
  const variables = toolchainVariables(toolchain);
  progress.say(`✓ toolchain ready (${((Date.now() - since) / 1000).toFixed(1)} s)\n`);
  return { bins: toolchain.bins, env: childEnvironment(variables), variables, services, progress };
}
