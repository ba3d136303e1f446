import type { Config } from "./config";
import type { ManifestImage, ReleaseManifest } from "./manifest";
import type { ReleasePlan } from "./release-plan";

/** Whether an image is part of a release. `only` names images, and includes the bases that they are built FROM. */
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

/** The last release's images that this one does not touch, without those that are not configured any more. */
export function keptImages(config: Config, previous: ReleaseManifest | undefined): ManifestImage[] {
  return (previous?.images ?? []).filter(
    ({ name }) => !isSelected(config, name) && config.images.some((image) => image.name === name),
  );
}

/** `slipway up` sets this variable to the services that the engine is limited to. */
export const SELECTED_VARIABLE = "SLIPWAY_SELECTED";

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly parent?: string;
}

const RELEASE = "slipway:index:Release";
/** What all images share, and every run declares. The last three are in states of older versions. */
const SHARED = [
  "pulumi:pulumi:Stack",
  RELEASE,
  "slipway-registry:index:Tags",
  "slipway:index:TagSet",
  "slipway-registry:index:Tag",
  "slipway-registry:index:Barrier",
];

/** The types of an image's component: `ImageRelease`, `Promotion`. */
const COMPONENT = "slipway:index:";

/**
 * The URNs for the engine's `--exclude`, so that only the images of some plans are released: all resources in the state
 * that are neither shared nor theirs.
 */
export function engineExcludes(resources: readonly StateResource[], plans: readonly ReleasePlan[]): string[] {
  const images = new Set(plans.flatMap((plan) => plan.images.map(({ name }) => name)));
  // The name of a resource begins with its release's name; states of older versions have no release.
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
 * Whether everything in a state is in registries too. Then a killed run loses nothing, and the engine may write its state
 * only once, at the end. False for an empty state: it does not show what the program will declare.
 */
export function isAllInRegistries(resources: readonly StateResource[]): boolean {
  const isReleases = ({ type }: StateResource) =>
    type === "pulumi:pulumi:Stack" ||
    /^(?:pulumi:providers|slipway|slipway-registry|docker-build):/.test(type);
  return resources.length > 0 && resources.every(isReleases);
}
