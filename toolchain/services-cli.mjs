#!/usr/bin/env node
// @ts-check
// npm run services:up, services:down, services:status

import { requireNode } from "./node-version.mjs";

requireNode();

const usage = `Usage: node toolchain/services-cli.mjs up | down | status

  up      start the embedded registry and the builder, where they do not run yet
  down    stop them; what they store stays
  status  say what runs, where, and where its logs are

  SLIPWAY_REGISTRY_PORT   the registry's port (default 5000)
  SLIPWAY_BUILDKIT_HOST   a BuildKit of yours (unix:///… or tcp://host:port) instead of a local one
  SLIPWAY_DOCKER=off      don't use a Docker engine, even if one answers
  SLIPWAY_CACHE           the folder for everything that is kept
`;

const { runCommand } = await import("./command.mjs");
await runCommand(async () => {
  const [verb] = process.argv.slice(2);
  if (verb !== "up" && verb !== "down" && verb !== "status") {
    const asked = verb === "--help" || verb === "-h";
    (asked ? process.stdout : process.stderr).write(usage);
    return asked ? 0 : 2;
  }
  const { servicesDown, servicesStatus } = await import("./services.mjs");
  const { providedServices } = await import("./provided-services.mjs");
  const lines =
    verb === "up"
      ? await providedServices()
      : verb === "down"
        ? await servicesDown()
        : await servicesStatus();
  for (const { name, address, state, log } of lines) {
    console.log(`${name.padEnd(9)} ${state.padEnd(16)} ${address}${log ? `  (log: ${log})` : ""}`);
  }
  return 0;
});
