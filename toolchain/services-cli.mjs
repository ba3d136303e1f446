#!/usr/bin/env node
// npm run services:up, services:down, services:status

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: node toolchain/services-cli.mjs up | down | status

  up      start the embedded registry and the builder, where they do not run yet
  down    stop them; what they store stays
  status  say what runs, where, and where its logs are

  SLIPWAY_REGISTRY_PORT   the registry's port (default 5000)
  SLIPWAY_BUILDKIT_HOST   a BuildKit of yours (unix:///… or tcp://host:port) instead of a local one
  SLIPWAY_DOCKER=off      don't use a Docker engine, even if one answers
  SLIPWAY_CACHE           the folder for everything that is kept
`;

await command(usage, async (args) => {
  const { providedServices, servicesDown, servicesStatus } = await import("./services.mjs");
  const verbs = { up: providedServices, down: servicesDown, status: servicesStatus };
  const [verb = ""] = args;
  if (verb !== "up" && verb !== "down" && verb !== "status") return unknownArguments(args, usage);
  for (const { name, address, state, log } of await verbs[verb]()) {
    console.log(`${name.padEnd(9)} ${state.padEnd(16)} ${address}${log ? `  (log: ${log})` : ""}`);
  }
  return 0;
});
