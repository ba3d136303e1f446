// @ts-check
// Which parts this machine needs: a Docker engine or a BuildKit of the person's own replaces ours.

import { byTheirTests, onDemand } from "./pins.mjs";
import { partsWithout } from "./provide.mjs";

/**
 * @param {{ builder: import('./builder-choice.mjs').BuilderChoice | undefined, tests: boolean }} options
 * @returns {string[]}
 */
export function neededParts({ builder, tests }) {
  const without = tests ? [...byTheirTests] : [...onDemand, ...byTheirTests];
  if (builder?.kind !== "own") without.push("buildkit", "runc");
  // On Docker Desktop the embedded registry is a container; tests start registries of their own.
  if (builder?.kind === "docker" && builder.engine.desktop && !tests) without.push("registry");
  return partsWithout(without);
}
