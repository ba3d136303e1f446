import type { PlannedImage } from "./release-plan";

/**
 * The name of the build of a content; another generation where every registry lost the first one's, and another name
 * for one that had to do without its SBOM.
 */
export function buildName(
  image: string,
  contentKey: string,
  { build, sbom }: Pick<PlannedImage, "build" | "sbom">,
): string {
  const generation = build === undefined || build.generation === 0 ? "" : `-${build.generation}`;
  return `${image}-build-${contentKey.slice(0, 12)}${sbom === "unavailable" ? "-no-sbom" : ""}${generation}`;
}

/** @param siblings all repositories of the image */
export function descriptionName(image: string, repository: string, siblings: readonly string[]): string {
  return `${image}-description-${place(repository, siblings)}`;
}

/** Which of an image's registries, as short as can be: its host, and the rest where two share a host. */
function place(repository: string, siblings: readonly string[]): string {
  const hostOf = (name: string) => name.split("/")[0] ?? name;
  const host = hostOf(repository);
  const alone = siblings.filter((sibling) => hostOf(sibling) === host).length < 2;
  return (alone ? host : repository).replace(/[^A-Za-z0-9.-]+/g, "-");
}
