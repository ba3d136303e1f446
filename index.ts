import { Release, type ReleaseArgs, RepositorySetup, stackSettings } from "./components";

/** What is released. Pulumi.<stack>.yaml says where, and that prod promotes what stage verified. */
const release: ReleaseArgs = {
  images: {
    // Your own image: give it a name, and say where its Dockerfile is.
    sample: {
      context: "examples/sample",
      platforms: ["linux/amd64", "linux/arm64"],
      // An SBOM needs a generator from docker.io. Without one, the sample needs only the local registry.
      sbom: false,
      // docker/metadata-action's syntax. The git tag v1.2.3 gives 1.2.3, 1.2, 1, latest and sha-0123abc; a branch gives
      // its name. 1.2.3 is written once. 1.2, 1 and latest only move forward, and never to a pre-release.
      tags: [
        "type=semver,pattern={{version}}",
        "type=semver,pattern={{major}}.{{minor}}",
        "type=semver,pattern={{major}}",
        "type=ref,event=branch",
        "type=sha",
      ],
    },
  },
};

export = async () => {
  // Pulumi.setup.yaml sets up the GitHub repository.
  if (stackSettings().github?.setup) {
    const plan = await RepositorySetup.plan({}, release);
    return new RepositorySetup("repository", plan).outputs;
  }
  // Every refusal is known here: nothing has been registered or written yet.
  const plan = await Release.plan(release);
  return new Release("release", plan).outputs;
};
