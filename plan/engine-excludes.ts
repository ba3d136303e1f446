import type { ReleasePlan } from "./release-plan";

/** `slipway up` says by this variable that the engine leaves everything but these services alone. */
export const SELECTED_VARIABLE = "SLIPWAY_SELECTED";

/** A resource of the stack's state, as `pulumi stack export` shows it. */
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
