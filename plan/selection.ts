import type { Config } from "./config";
import type { ManifestImage, ReleaseManifest } from "./manifest";

/** Whether an image is part of a release. With `only`, that is those that it names and what they are built FROM. */
export function isSelected({ only, images }: Pick<Config, "only" | "images">, image: string): boolean {
  return (
    only.length === 0 ||
    only.includes(image) ||
    images.some(({ name, base }) => base === image && isSelected({ only, images }, name))
  );
}

/** The images of a release with `only`, in the order of the settings; undefined if all are released. */
export function selectedImages(config: Pick<Config, "only" | "images">): string[] | undefined {
  if (config.only.length === 0) return undefined;
  return config.images.flatMap(({ name }) => (isSelected(config, name) ? [name] : []));
}

/** The last release's images that this one leaves alone, without those that are not configured any more. */
export function keptImages(config: Config, previous: ReleaseManifest | undefined): ManifestImage[] {
  return (previous?.images ?? []).filter(
    ({ name }) => !isSelected(config, name) && config.images.some((image) => image.name === name),
  );
}
