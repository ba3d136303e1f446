import { dockerHub, ghcr, Release, type ReleaseArgs, RepositorySetup, stackSettings } from "slipway";

const release: ReleaseArgs = {
  repository: "octo/container",
  registries: [
    ghcr("octo"), // GITHUB_ACTOR and GITHUB_TOKEN in a workflow
    dockerHub("octo", { optional: true }), // skipped, with a notice, without DOCKERHUB_USERNAME and DOCKERHUB_TOKEN
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
};

export = async () => {
  // Pulumi.setup.yaml sets up the GitHub repository, with the workflow files of this release.
  if (stackSettings().github?.setup) {
    const plan = await RepositorySetup.plan({}, release);
    return new RepositorySetup("repository", plan).outputs;
  }
  const plan = await Release.plan(release);
  return new Release("release", plan).outputs;
};
