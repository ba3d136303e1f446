// @ts-check
// The buildx builder `slipway`, written as buildx keeps its builders: docker-build has buildx compiled in, so neither
// its program nor Docker's is needed to make one.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { buildxConfigDir } from "./environment.mjs";
import { writeWhole } from "./files.mjs";
import { buildkitImage } from "./pins.mjs";

const builderName = "slipway";

/**
 * @typedef {{ driver: 'remote', endpoint: string }
 *   | { driver: 'docker-container', endpoint: string }} Builder endpoint: of BuildKit, or the Docker context
 */

/** @param {Builder} builder */
export function builderText({ driver, endpoint }) {
  // The host's network: the embedded registry is at the host's localhost.
  const options = driver === "docker-container" ? { image: buildkitImage, network: "host" } : null;
  const node = {
    Name: `${builderName}0`,
    Endpoint: endpoint,
    Platforms: null,
    DriverOpts: options,
    Flags: null,
    Files: null,
  };
  return JSON.stringify({ Name: builderName, Driver: driver, Nodes: [node], Dynamic: false });
}

/** Writes the builder and makes it the current one, which docker-build takes. @param {string} cache @param {Builder} builder */
export function writeBuilder(cache, builder) {
  const dir = buildxConfigDir(cache);
  for (const folder of ["instances", "defaults", "activity"])
    mkdirSync(path.join(dir, folder), { recursive: true, mode: 0o700 });
  writeIfOther(path.join(dir, "instances", builderName), builderText(builder));
  // Global: whatever the current Docker context is.
  writeIfOther(path.join(dir, "current"), JSON.stringify({ Key: "", Name: builderName, Global: true }));
}

/** @param {string} file @param {string} text */
function writeIfOther(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeWhole(file, text, 0o600);
}
