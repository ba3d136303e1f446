import type { Config } from "./config";
import type { ManifestImage, ReleaseManifest } from "./manifest";

/** Whether an image is part of a release: all are, or those that `only` names and what they are built FROM. */
export function isSelected({ only, images }: Pick<Config, "only" | "images">, image: string): boolean {
  return (
    only.length === 0 ||
    only.includes(image) ||
    images.some(({ name, base }) => base === image && isSelected({ only, images }, name))
  );
}

/** The images of a narrowed release, in the order of the settings; undefined where all are released. */
export function selectedImages(config: Pick<Config, "only" | "images">): string[] | undefined {
  if (config.only.length === 0) return undefined;
  return config.images.flatMap(({ name }) => (isSelected(config, name) ? [name] : []));
}

/** What the last release left of the images that this one does not touch; images that are configured no more are gone. */
export function keptImages(config: Config, previous: ReleaseManifest | undefined): ManifestImage[] {
  return (previous?.images ?? []).filter(
    ({ name }) => !isSelected(config, name) && config.images.some((image) => image.name === name),
  );
}
