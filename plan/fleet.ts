import type { Config } from "./config";
import type { ManifestImage, ReleaseManifest } from "./manifest";
import type { Problem } from "./problem";
import type { ImageIntent } from "./release-intent";

/** Whether an image is part of a release: where services are selected, it is one of them. */
export function isSelected({ fleet }: Config, image: string): boolean {
  return fleet?.selected === undefined || fleet.selected.includes(image);
}

/** What the last release left of the images that this one does not touch; images that are configured no more are gone. */
export function keptImages(config: Config, previous: ReleaseManifest | undefined): ManifestImage[] {
  return (previous?.images ?? []).filter(
    ({ name }) => !isSelected(config, name) && config.images.some((image) => image.name === name),
  );
}

/** A service without a tag could be found by nobody. */
export function fleetProblems({ fleet }: Config, intents: readonly ImageIntent[]): Problem[] {
  const untagged = intents.filter(({ name, tags }) => fleet?.names.includes(name) && tags.length === 0);
  if (untagged.length === 0) return [];
  return [
    {
      code: "services-no-tag",
      path: "slipway:services.tags",
      message: `no rule gives ${untagged.length === 1 ? untagged[0]?.name : `${untagged.length} services`} a tag`,
      hint: 'Name the release: CI_IMAGE_TAG="$(git rev-parse --short HEAD)", CI_IMAGE_TAG=2025.11.0, or a git tag at HEAD.',
    },
  ];
}
