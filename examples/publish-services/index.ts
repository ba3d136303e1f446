import { type ImageArgs, type PlannedRelease, Release, type ReleaseFile, readList, registry } from "slipway";

/** Terraform and Nomad read the same list. */
const services = readList("infra/docker/services.list");

const images: Record<string, ImageArgs> = {};
for (const name of services) {
  images[name] = {
    context: `services/${name}`, // a service is built again when a file of its own changes
    dockerfile: "../../infra/docker/Dockerfile",
    target: name,
    platforms: ["linux/amd64"], // CI_IMAGE_PLATFORM
    tags: ["type=ref,event=tag"], // CI_IMAGE_TAG, else the git tag; written once
    flavor: ["latest=false"],
    labels: "none", // without a version label, an unchanged service keeps its digest and is not built
  };
}

export = async () => {
  const plan = await Release.plan(
    {
      registries: [registry("registry.stage")], // CI_REGISTRY
      publishVersionTag: true, // refused without CI_IMAGE_TAG or a git tag
      images, // CI_SERVICES, CI_SERVICE_FILTER or SERVICES select some of them
      variables: ["SERVICES"],
    },
    { files: (planned) => [serviceManifest(planned)] },
  );
  return new Release("services", plan).outputs;
};

/** The file that pipelines read: each service with its newest tag. A service that was left out keeps its last tag. */
function serviceManifest({ plan, config }: PlannedRelease): ReleaseFile {
  const [primary] = config.registries;
  const released = plan.images.map(({ intent, ...image }) => ({ ...image, tags: intent.tags }));
  const versionOf = (image: {
    readonly tags: readonly { readonly name: string; readonly class: string }[];
  }) => image.tags.find((tag) => tag.class === "version")?.name;
  const content = {
    registry: [primary?.host, primary?.namespace].filter(Boolean).join("/"),
    tag: released.map(versionOf)[0],
    push: config.push,
    images: services.flatMap((name) =>
      [...released, ...plan.kept]
        .filter((image) => image.name === name)
        .map((image) => ({ name, image: `${image.repositories[0]}:${versionOf(image)}` })),
    ),
  };
  return {
    path: "artifacts/docker/service-image-manifest.json",
    content: `${JSON.stringify(content, undefined, 2)}\n`,
  };
}
