#!/usr/bin/env node
// npm start: installs what is missing, then releases the sample on the stage stack to the embedded registry.

import { command } from "./node-version.mjs";

const usage = `Usage: npm start [-- <options of pulumi up>]

Installs what is missing (npm packages, Pulumi engine and provider, local registry and builder), releases the sample
on the stage stack to the embedded registry, and shows the release. A second run changes nothing.

  SLIPWAY_REGISTRY_PORT   the embedded registry's port (default 5000)
  SLIPWAY_BUILDKIT_HOST   your own BuildKit (unix:///… or tcp://host:port) to build with
  SLIPWAY_DOCKER=off      don't use a Docker engine, even if one answers
  SLIPWAY_CACHE           the cache folder
`;

await command(usage, async (args) => {
  const { releaseStage } = await import("./release-stage.mjs");
  return releaseStage(args);
});
