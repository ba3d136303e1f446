import { BUNDLE_MEDIA_TYPE, IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../plan/annotations";
import { type Digest, digestOf } from "../plan/digest";
import { EMPTY_CONFIG } from "../plan/image-index";
import type { RepositoryAt } from "./client";
import { type RegistryError, repositoryError } from "./errors";
import { type Descriptor, isManifest, type ManifestJson, TOO_MANY_HINT } from "./manifest";
import { isDamage, readReferrerLayer } from "./referrers";

/** Whether the caller accepts a bundle or release statement, before it is copied. @param bytes of its only layer */
export type AcceptReferrer = (
  referrer: Descriptor,
  manifest: ManifestJson,
  bytes: Uint8Array,
) => Promise<boolean>;

interface Kind {
  /** Of its only layer. */
  readonly mediaType: string;
  readonly limit: number;
}

const MIB = 1024 * 1024;

/** By artifact type. Build statements are copied only where the index names them, so a signature covers them. */
const KINDS: Readonly<Record<string, Kind>> = {
  [BUNDLE_MEDIA_TYPE]: { mediaType: BUNDLE_MEDIA_TYPE, limit: 16 * MIB },
  [STATEMENT_ARTIFACT_TYPE]: { mediaType: IN_TOTO_MEDIA_TYPE, limit: MIB },
  [IN_TOTO_MEDIA_TYPE]: { mediaType: IN_TOTO_MEDIA_TYPE, limit: 32 * MIB },
};

/** The most referrers of one copy, and the most bytes of their layers. */
const MOST_REFERRERS = 1_000;
const MOST_BYTES = 512 * MIB;

const EMPTY = digestOf(EMPTY_CONFIG);
const OTHER_KIND = "of a kind that is not copied";
const OTHER_SHAPE = "of another shape than their kind has";

/**
 * Decides which referrers are copied with content. Anyone who may push to the source can attach some, so only known
 * kinds in their exact shape pass, about the digest that lists them, and not too many of them.
 */
export class ReferrerGate {
  /** Why -> how many did not pass. */
  readonly skipped = new Map<string, number>();
  readonly #from: RepositoryAt;
  readonly #accept: AcceptReferrer | undefined;
  readonly #named = new Set<Digest>();
  #read = 0;
  #bytes = 0;

  constructor(from: RepositoryAt, accept: AcceptReferrer | undefined) {
    this.#from = from;
    this.#accept = accept;
  }

  allow(named: readonly Digest[]): void {
    for (const digest of named) this.#named.add(digest);
  }

  /** By the listing alone, so that junk costs no request. Some registries leave the type out. */
  isKnownKind({ artifactType, digest }: Descriptor): boolean {
    if (artifactType === undefined || this.#kind(artifactType, digest) !== undefined) return true;
    this.#skip(OTHER_KIND);
    return false;
  }

  /** @throws RegistryError `registry-too-large` for more than a release has. */
  async mayPass(subject: Digest, digest: Digest): Promise<"yes" | "no" | "missing"> {
    if (++this.#read > MOST_REFERRERS) throw this.#tooMany(`more than ${MOST_REFERRERS} referrers`);
    const { client, repository } = this.#from;
    const found = await client.getManifest(repository, digest).catch((error: unknown) => {
      if (isDamage(error)) return "damaged" as const;
      throw error;
    });
    if (found === undefined) return "missing";
    if (found === "damaged") return this.#skip(OTHER_SHAPE);
    const { json, descriptor } = found;
    const kind = isManifest(json) ? this.#kind(json.artifactType ?? "", digest) : undefined;
    if (kind === undefined || !isManifest(json)) return this.#skip(OTHER_KIND);
    if (json.subject?.digest !== subject) return this.#skip("not about the digest that lists them");
    const [layer] = json.layers;
    const isShaped =
      json.config.digest === EMPTY &&
      json.layers.length === 1 &&
      layer?.mediaType === kind.mediaType &&
      layer.size <= kind.limit;
    if (!isShaped) return this.#skip(OTHER_SHAPE);
    this.#bytes += layer.size;
    if (this.#bytes > MOST_BYTES) throw this.#tooMany(`referrers of more than ${MOST_BYTES} bytes`);
    if (this.#accept === undefined || json.artifactType === IN_TOTO_MEDIA_TYPE) return "yes";
    const bytes = await readReferrerLayer(this.#from, digest, kind);
    if (bytes === undefined) return this.#skip(OTHER_SHAPE);
    return (await this.#accept(descriptor, json, bytes)) ? "yes" : this.#skip("not accepted");
  }

  #kind(artifactType: string, digest: Digest): Kind | undefined {
    if (artifactType === IN_TOTO_MEDIA_TYPE && !this.#named.has(digest)) return undefined;
    return Object.hasOwn(KINDS, artifactType) ? KINDS[artifactType] : undefined;
  }

  #skip(why: string): "no" {
    this.skipped.set(why, (this.skipped.get(why) ?? 0) + 1);
    return "no";
  }

  #tooMany(what: string): RegistryError {
    const said = ` has ${what} of one image, and they are not copied`;
    return repositoryError(this.#from, "registry-too-large", said, TOO_MANY_HINT);
  }
}
