import { z } from "zod";
import { resource } from "../resource";

const inputs = z.object({
  /** What has been reached when this exists, for people: `proven`, `version tags`. */
  reached: z.string(),
});

/**
 * One point in the order of a release. Everything before it is among its dependencies, everything after it depends
 * on it alone: many tags cost one edge each instead of an edge for each pair. It has no data and calls no registry.
 */
export const barrier = resource({
  token: "slipway-registry:index:Barrier",
  schema: inputs,
  diff: async (_context, { olds, news }) => ({
    changed: olds.inputs.reached === news.reached ? [] : ["reached"],
  }),
  create: async (_context, news) => ({ id: news.reached, outputs: news }),
  update: async (_context, { news }) => news,
  read: async (_context, current) => ({ inputs: current.inputs, outputs: current.outputs }),
});
