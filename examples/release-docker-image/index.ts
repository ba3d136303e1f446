import { dockerHub, ghcr, Release } from "slipway";

export = async () => {
  const plan = await Release.plan({
    repository: "graysurf/agent-workspace-launcher",
    // Every variable is read with this prefix first, such as AWL_DOCKER_RELEASE_VERSION.
    envPrefix: "AWL_DOCKER_RELEASE_",
    registries: [
      dockerHub("graysurf"), // DOCKERHUB_USERNAME and DOCKERHUB_TOKEN
      ghcr("graysurf"), // GITHUB_ACTOR and GITHUB_TOKEN in a workflow, else GHCR_USERNAME and GHCR_TOKEN
    ],
    images: {
      "agent-workspace-launcher": {
        platforms: ["linux/amd64", "linux/arm64"],
        buildArgs: { AGENT_KIT_REF: { file: "VERSIONS.env" } }, // refused if the file or the key is missing
        flavor: ["latest=true"], // also for a release without a version; it never goes back
        tags: ["type=semver,pattern={{version}},prefix=v", "type=sha"],
      },
    },
  });
  return new Release("release", plan).outputs;
};
