import { CONTENT_KEY_ANNOTATION, MERGED_ANNOTATION, SBOM_ANNOTATION } from "./annotations";
import type { SbomConfig } from "./config";
import type { Digest } from "./digest";
import type { Problem } from "./problem";
import { parseReference } from "./reference";
import type { FoundImage } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent, PlannedImage } from "./release-plan";

/** The generator of an image's SBOM, or why it is unavailable. */
export interface SbomGenerator {
  readonly reference: string;
  readonly digest?: Digest;
  readonly unavailable?: string;
}

/** BuildKit made it, it is turned off, or its generator was unavailable. */
export type SbomState = "attached" | "none" | "unavailable";

/** The value of `SBOM_ANNOTATION`. */
export const SBOM_UNAVAILABLE = "unavailable" satisfies SbomState;

/** Resolves a generator from its registry's answer. Without an answer, because it was not asked, it is used by its tag. */
export function sbomGenerator(
  { generator: reference }: SbomConfig,
  resolved: { readonly digests: Readonly<Record<string, Digest>>; readonly problems: readonly Problem[] },
): SbomGenerator {
  const digest = resolved.digests[reference];
  if (digest !== undefined) return { reference, digest };
  const problem = resolved.problems.find(({ path }) => path === reference);
  if (problem === undefined) return { reference };
  const isAbsent = problem.code === "base-not-found";
  return { reference, unavailable: isAbsent ? "its registry does not have it" : problem.message };
}

/** Refuses a release whose required generator is unavailable. Without the default one, `sbomNotices` reports it. */
export function generatorProblems(
  config: SbomConfig | false,
  generator: SbomGenerator | undefined,
  path: string,
): Problem[] {
  if (config === false || !config.required) return [];
  if (generator?.unavailable === undefined) return [];
  return [
    {
      code: "sbom-generator",
      path: `${path}.sbom`,
      message: `the SBOM generator ${generator.reference} cannot be resolved: ${generator.unavailable}`,
      hint: "Check its name, sign in to its registry, name another one, or set sbom: false",
    },
  ];
}

/** The generator for BuildKit: `docker.io/docker/buildkit-syft-scanner@sha256:…`. */
export function generatorReference(generator: SbomGenerator): string | undefined {
  if (generator.unavailable !== undefined) return undefined;
  if (generator.digest === undefined) return generator.reference;
  const { host, path } = parseReference(generator.reference);
  return `${host}/${path}@${generator.digest}`;
}

/** Whether an image was built while its generator was unavailable. */
export function lacksSbom(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[SBOM_ANNOTATION] === SBOM_UNAVAILABLE;
}

/** Whether a tag's image is equal content with the SBOM that the other one lacks: then the tag does not move. */
export function hasMoreSbom(
  live: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>> | undefined,
): boolean {
  const key = other?.[CONTENT_KEY_ANNOTATION];
  const isEqual = key !== undefined && live[CONTENT_KEY_ANNOTATION] === key;
  return isEqual && lacksSbom(other) && !lacksSbom(live);
}

/**
 * Content that lacks its SBOM is built again once the generator is available. Content that was merged from parts is not:
 * each machine would decide for itself, and the one that releases has no builder for all platforms.
 */
export function givesWayToBuild(
  annotations: Readonly<Record<string, string>>,
  generator: SbomGenerator | undefined,
): boolean {
  const canDoBetter = generator !== undefined && generator.unavailable === undefined;
  return lacksSbom(annotations) && canDoBetter && annotations[MERGED_ANNOTATION] === undefined;
}

/** The state of an image's SBOM; undefined if unknown, as for content of other tools. @param seen content that exists */
export function sbomState(
  intent: ImageIntent,
  content: PlannedContent,
  seen: FoundImage | undefined,
): SbomState | undefined {
  if (lacksSbom(seen?.annotations)) return "unavailable";
  // Today's settings did not make what is promoted or gone back to.
  if (intent.existing !== undefined)
    return intent.existing.from === "promotion" ? intent.existing.sbom : undefined;
  const asConfigured = intent.image.sbom === false ? "none" : "attached";
  if (content.from === "build") return intent.sbom?.unavailable === undefined ? asConfigured : "unavailable";
  // Unlike other content keys, a base's does not cover its attestations.
  const isOurs =
    intent.image.addressed === undefined && seen?.annotations[CONTENT_KEY_ANNOTATION] === intent.contentKey;
  return isOurs ? asConfigured : undefined;
}

/**
 * Reports the images without an SBOM, grouped by reason, with what to do on a second line. A required generator is left
 * to `generatorProblems`.
 */
export function sbomNotices(images: readonly PlannedImage[]): string[] {
  const reasons = [...new Set(images.flatMap((image) => reasonWithout(image) ?? []))];
  return reasons.map((reason) => {
    const without = images.filter((image) => reasonWithout(image) === reason);
    return `no SBOM for ${without.map(({ name }) => name).join(", ")}: ${reason}`;
  });
}

function reasonWithout({ intent, content, sbom }: PlannedImage): string | undefined {
  if (sbom === "none") return content.from === "build" ? "it is turned off (sbom: false)" : undefined;
  if (sbom !== "unavailable") return undefined;
  if (content.from !== "build")
    return "it was built while its generator could not be reached; what is released stays as it is";
  if (intent.image.sbom !== false && intent.image.sbom.required) return undefined;
  const { reference = "", unavailable = "" } = intent.sbom ?? {};
  // Only the cause: `getaddrinfo ENOTFOUND registry-1.docker.io`.
  const reason = unavailable.replace(/^.* could not be reached for [A-Z]+ \S+: /, "");
  return (
    `${reference} cannot be reached (${reason})\n` +
    "Name one that can be (sbom, or SLIPWAY_SBOM_GENERATOR), or set sbom: false"
  );
}
