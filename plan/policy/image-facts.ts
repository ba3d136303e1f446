import type { Digest } from "../digest";
import type { PlannedImage } from "../release-plan";
import type { TagClass } from "../tag-policy";
import type { SignConfig } from "../trust";

/**
 * What a team's own rules can judge of an image, known before anything of it is built or copied. The same release gives
 * the same facts each time, so that a second run shows no change.
 */
export interface ImageFacts {
  readonly image: string;
  /** Without the form; absent for a release without one. */
  readonly version?: string;
  readonly revision: string;
  /** Made from the working tree (now or by an earlier run), promoted, or gone back to. */
  readonly origin: "source" | "promotion" | "rollback";
  /** `host/path`, the primary first. */
  readonly repositories: readonly string[];
  readonly platforms: readonly string[];
  /** Every tag that the rules give it; whether a floating one moves is the tag policy's matter. */
  readonly tags: readonly { readonly name: string; readonly class: TagClass }[];
  /** Reference in the Dockerfile -> the digest that it is pinned to. */
  readonly bases: Readonly<Record<string, Digest>>;
  readonly provenance: boolean;
  /** The SBOM generator's image; empty for none. */
  readonly sbom: string;
  readonly signed: SignConfig["mode"];
}

/** @param signed how this release signs; what is taken as it is keeps the signatures that it has */
export function imageFacts(plan: PlannedImage, signed: SignConfig["mode"] = "none"): ImageFacts {
  const { name, intent, repositories, content } = plan;
  const isTaken = content.from === "promotion" || content.from === "rollback";
  return {
    image: name,
    ...(intent.version === undefined ? {} : { version: intent.version }),
    revision: intent.revision,
    origin: isTaken ? content.from : "source",
    repositories,
    platforms: intent.image.platforms,
    tags: intent.tags.map((tag) => ({ name: tag.name, class: tag.class })),
    bases: intent.bases,
    provenance: intent.image.provenance,
    sbom: intent.image.sbom === false ? "" : intent.image.sbom.generator,
    signed,
  };
}
