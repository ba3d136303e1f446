import { dockerHub, Release } from "slipway";

export = async () => {
  const plan = await Release.plan({
    repository: "joakimp/opencode-devbox",
    registries: [dockerHub("joakimp")],

    // Builds base-<12 hex> if no registry has it, then moves base-latest to it. BASE_HASH pins another.
    base: { dockerfile: "Dockerfile.base", include: ["rootfs/**", "entrypoint*.sh"] },

    images: {
      "opencode-devbox": {
        dockerfile: "Dockerfile.variant",
        platforms: ["linux/amd64", "linux/arm64"],
        buildArgs: { INSTALL_OPENCODE: "true" },
        // Written after every tag, with HUB_PAT or the registry's token. Unchanged if the release does not get `latest`.
        description: {
          file: "DOCKER_HUB.md",
          short: "A development container with opencode, for amd64 and arm64",
        },
      },
    },

    // ${RELEASE_TAG}${suffix} and latest${suffix}, one build at a time, without a cache.
    variants: [
      { suffix: "" },
      {
        suffix: "-omos",
        // OMOS_VERSION=1.4.2 pins it; the plan shows both versions.
        buildArgs: { INSTALL_OMOS: "true", OMOS_VERSION: { latestOf: "npm:oh-my-opencode-slim" } },
      },
    ],
  });
  return new Release("release", plan).outputs;
};
