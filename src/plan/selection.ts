import type { Config } from "./config";
import type { ManifestImage, ReleaseManifest } from "./manifest";
import type { ReleasePlan } from "./release-plan";

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

/** `slipway up` says by this variable that the engine leaves everything but these services alone. */
export const SELECTED_VARIABLE = "SLIPWAY_SELECTED";

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly parent?: string;
}

const RELEASE = "slipway:index:Release";
/** What all images share; it is declared whichever are selected. The last three are in state of older versions. */
const SHARED = [
  "pulumi:pulumi:Stack",
  RELEASE,
  "slipway-registry:index:Tags",
  "slipway:index:TagSet",
  "slipway-registry:index:Tag",
  "slipway-registry:index:Barrier",
];

/** An image's own component: `ImageRelease`, `Promotion`. */
const COMPONENT = "slipway:index:";

/**
 * What the engine has to leave alone (`--exclude`) so that only the images of some plans are released: every resource of the
 * state that is neither shared nor theirs, by its whole URN.
 */
export function engineExcludes(resources: readonly StateResource[], plans: readonly ReleasePlan[]): string[] {
  const images = new Set(plans.flatMap((plan) => plan.images.map(({ name }) => name)));
  // A release's name is in front of the names of its resources; state of older versions has no release.
  const prefixes = resources.filter(({ type }) => type === RELEASE).map(({ urn }) => `${nameOf(urn)}-`);
  const plainName = (urn: string): string => {
    const name = nameOf(urn);
    const prefix = urn.includes(`${RELEASE}$`) ? prefixes.find((known) => name.startsWith(known)) : undefined;
    return name.slice(prefix?.length ?? 0);
  };
  const isOurs = ({ urn, type, parent = "" }: StateResource): boolean => {
    if (SHARED.includes(type) || type.startsWith("pulumi:providers:")) return true;
    if (type.startsWith(COMPONENT)) return images.has(plainName(urn));
    return parent.includes(COMPONENT) && images.has(plainName(parent));
  };
  return [...new Set(resources.filter((resource) => !isOurs(resource)).map(({ urn }) => urn))].sort();
}

/** `urn:pulumi:stack::project::type::name` -> the name. */
function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/**
 * Whether all that a state holds is in registries too. A run that is killed then loses nothing, so the engine may write state
 * once, at the end. An empty state says nothing about what the program will declare.
 */
export function isAllInRegistries(resources: readonly StateResource[]): boolean {
  const isReleases = ({ type }: StateResource) =>
    type === "pulumi:pulumi:Stack" ||
    /^(?:pulumi:providers|slipway|slipway-registry|docker-build):/.test(type);
  return resources.length > 0 && resources.every(isReleases);
}
