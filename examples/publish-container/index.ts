import { dockerHub, ghcr, Release } from "slipway";

export = async () => {
  const plan = await Release.plan({
    repository: "octo/container",
    registries: [
      ghcr("octo"), // GITHUB_ACTOR and GITHUB_TOKEN in a workflow
      dockerHub("octo", { optional: true }), // skipped, and said so, without DOCKERHUB_USERNAME and DOCKERHUB_TOKEN
    ],
    images: {
      container: {
        platforms: ["linux/amd64", "linux/arm64"],
        // Release v1.2.3   1.2.3, 1.2, 1, latest and sha-0123abc; 1.2, 1 and latest never go back
        // Manual dispatch  the tag that was typed in, written once, and sha-0123abc
        tags: [
          "type=semver,pattern={{version}}",
          "type=semver,pattern={{major}}.{{minor}}",
          "type=semver,pattern={{major}}",
          "type=raw,value={{input 'tag'}}",
          "type=sha",
        ],
      },
    },
  });
  return new Release("release", plan).outputs;
};
