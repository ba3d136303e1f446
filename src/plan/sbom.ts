import { CONTENT_KEY_ANNOTATION, MERGED_ANNOTATION, SBOM_ANNOTATION } from "./annotations";
import type { SbomConfig } from "./config";
import type { Digest } from "./digest";
import type { Problem } from "./problem";
import { parseReference } from "./reference";
import type { FoundImage } from "./registry-state";
import type { ImageIntent } from "./release-intent";
import type { PlannedContent, PlannedImage } from "./release-plan";

/** Makes an image's SBOM: by its digest, whatever its tag says by now; or why none can be made today. */
export interface SbomGenerator {
  readonly reference: string;
  readonly digest?: Digest;
  readonly unavailable?: string;
}

/** What is known of an image's SBOM: made by BuildKit, not wanted, or wanted and not to be had. */
export type SbomState = "attached" | "none" | "unavailable";

/** The value of `SBOM_ANNOTATION`: an SBOM was wanted, and its generator could not be reached. */
export const SBOM_UNAVAILABLE = "unavailable" satisfies SbomState;

/** What a registry answered about a generator. No answer, because it was not asked, is no reason to go without. */
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

/** A generator that was chosen is required; without the default one the release goes on, with a notice. */
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

/** The generator as BuildKit takes it: `docker.io/docker/buildkit-syft-scanner@sha256:…`. */
export function generatorReference(generator: SbomGenerator): string | undefined {
  if (generator.unavailable !== undefined) return undefined;
  if (generator.digest === undefined) return generator.reference;
  const { host, path } = parseReference(generator.reference);
  return `${host}/${path}@${generator.digest}`;
}

/** An image that was built while its generator could not be reached. */
export function lacksSbom(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[SBOM_ANNOTATION] === SBOM_UNAVAILABLE;
}

/** Equal content, which has the SBOM that the other one lacks: a tag that holds it is not moved back to the other. */
export function outranks(
  live: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>> | undefined,
): boolean {
  const key = other?.[CONTENT_KEY_ANNOTATION];
  const isEqual = key !== undefined && live[CONTENT_KEY_ANNOTATION] === key;
  return isEqual && lacksSbom(other) && !lacksSbom(live);
}

/**
 * Content without its SBOM gives way to a build as soon as one can be made; not what was merged from parts. Each
 * machine would decide that by what it reaches at its moment, and the one that releases has no builder for all platforms.
 */
export function givesWayToBuild(
  annotations: Readonly<Record<string, string>>,
  generator: SbomGenerator | undefined,
): boolean {
  const canDoBetter = generator !== undefined && generator.unavailable === undefined;
  return lacksSbom(annotations) && canDoBetter && annotations[MERGED_ANNOTATION] === undefined;
}

/**
 * What a release can say of an image's SBOM; undefined if unknown (content of other tools).
 *
 * @param seen the content, where it exists
 */
export function sbomState(
  intent: ImageIntent,
  content: PlannedContent,
  seen: FoundImage | undefined,
): SbomState | undefined {
  if (lacksSbom(seen?.annotations)) return "unavailable";
  // Promoted, or gone back to: today's settings did not make it.
  if (intent.existing !== undefined)
    return intent.existing.from === "promotion" ? intent.existing.sbom : undefined;
  const wanted = intent.image.sbom === false ? "none" : "attached";
  if (content.from === "build") return intent.sbom?.unavailable === undefined ? wanted : "unavailable";
  // A base's key does not cover how it was attested; other keys do.
  const isOurs =
    intent.image.addressed === undefined && seen?.annotations[CONTENT_KEY_ANNOTATION] === intent.contentKey;
  return isOurs ? wanted : undefined;
}

/**
 * Each image without an SBOM, and why; one notice for all that have the same reason. What to do stands on a line of its
 * own. Nothing of a generator that is needed: the plan is refused then (see `generatorProblems`).
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
  // Without the request: `getaddrinfo ENOTFOUND registry-1.docker.io`.
  const reason = unavailable.replace(/^.* could not be reached for [A-Z]+ \S+: /, "");
  return (
    `${reference} cannot be reached (${reason})\n` +
    "Name one that can be (sbom, or SLIPWAY_SBOM_GENERATOR), or set sbom: false"
  );
}
