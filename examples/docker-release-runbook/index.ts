import { ghcr, Release } from "slipway";

/** Two independent lanes of one repository. Pulumi.main.yaml and Pulumi.standalone.yaml each release one. */
const lanes = [
  {
    name: "main",
    dockerfile: "Dockerfile",
    format: "vX.Y.Z",
    floating: "latest",
    trigger: "docker-v*",
  },
  {
    name: "standalone",
    dockerfile: "Dockerfile.standalone",
    format: "standalone-vX.Y.Z",
    floating: "standalone-latest",
    trigger: "standalone-v*",
  },
];

/** The runbook's prerequisites. `up` runs them before the build; a preview does not. */
const checks = [
  { name: "build", run: ["npm", "run", "build"] },
  { name: "core gate", run: ["npm", "run", "gate:core"] },
];

export = async () => {
  const plan = await Release.plan({
    // IMAGE_REPO=ghcr.io/<owner>/aionis changes the repository; PUBLISH_LATEST=false moves no floating tag.
    // Credentials: GHCR_USERNAME and GHCR_TOKEN, else GITHUB_ACTOR and GITHUB_TOKEN.
    registries: [ghcr("cognary")],
    variables: ["TAG", "PLATFORMS"], // the runbook's names for the version and the platforms
    images: { aionis: { platforms: ["linux/amd64", "linux/arm64"] } },
    lanes,
    checks,
  });
  return new Release("release", plan).outputs;
};
