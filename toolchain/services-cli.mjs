#!/usr/bin/env node
// npm run services:up, services:down, services:status

import { command, unknownArguments } from "./node-version.mjs";

const usage = `Usage: node toolchain/services-cli.mjs up | down | status

  up      start the embedded registry and the builder, if they are not running
  down    stop them; their data stays
  status  show what is running, where, and its log

  SLIPWAY_REGISTRY_PORT   the registry's port (default 5000)
  SLIPWAY_BUILDKIT_HOST   your own BuildKit (unix:///… or tcp://host:port) instead of a local one
  SLIPWAY_DOCKER=off      don't use a Docker engine, even if one answers
  SLIPWAY_CACHE           the cache folder
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
