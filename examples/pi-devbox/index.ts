import { dockerHub, Release } from "slipway";

export = async () => {
  const plan = await Release.plan({
    registries: [dockerHub("joakimp")],
    images: {
      "pi-devbox": {
        tags: ["type=ref,event=tag"], // vX.Y.Z and latest
        // PI_VERSION=0.10.2 pins it; the plan shows both versions.
        buildArgs: { PI_VERSION: { latestOf: "npm:@mariozechner/pi-coding-agent" } },
      },
    },
  });
  return new Release("release", plan).outputs;
};
