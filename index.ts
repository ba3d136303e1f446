import { Release, type ReleaseArgs, RepositorySetup, stackSettings } from "./components";

/** What is released. Pulumi.<stack>.yaml says where to, and that prod promotes what stage verified. */
const release: ReleaseArgs = {
  images: {
    // Your own image: give it a name, and say where its Dockerfile is.
    sample: {
      context: "sample",
      platforms: ["linux/amd64", "linux/arm64"],
      // The generator of an SBOM comes from docker.io, and releasing the sample needs no other server.
      sbom: false,
      // docker/metadata-action's syntax. The git tag v1.2.3 gives 1.2.3, 1.2, 1, latest and sha-0123abc; a branch gives
      // its name. 1.2.3 is written once; 1.2, 1 and latest move forward only; a pre-release moves none of them.
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
  // Pulumi.setup.yaml: what the GitHub repository has.
  if (stackSettings().github?.setup) {
    const plan = await RepositorySetup.plan({}, release);
    return new RepositorySetup("repository", plan).outputs;
  }
  // Every refusal is known here: nothing has been registered or written yet.
  const plan = await Release.plan(release);
  return new Release("release", plan).outputs;
};
