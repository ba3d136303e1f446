/** Keys of annotations and media types that Slipway writes, beside OCI's own. */

/** On an image index: the content key that it was built from. Only a signed claim confirms it. */
export const CONTENT_KEY_ANNOTATION = "dev.slipway.content-key";
/** On a base's index: the short hash in its tag, which a pin names. */
export const BASE_ANNOTATION = "dev.slipway.base";
/** On the index of one platform's build: the content key of the whole image. */
export const PART_ANNOTATION = "dev.slipway.part-of";
/** On an image index: `unavailable` if it has no SBOM because the generator could not be reached. Else absent. */
export const SBOM_ANNOTATION = "dev.slipway.sbom";
/** On an index that lacks its SBOM and was merged from platforms' parts: `parts`. Else absent. */
export const MERGED_ANNOTATION = "dev.slipway.merged";
export const REVISION_ANNOTATION = "org.opencontainers.image.revision";
export const VERSION_ANNOTATION = "org.opencontainers.image.version";
/** OCI's date of the image; here the commit's date. */
export const CREATED_ANNOTATION = "org.opencontainers.image.created";
/** On an image index: the digests of the build's statements if they are referrers, separated by commas. Else absent. */
export const ATTESTATIONS_ANNOTATION = "dev.slipway.attestations";
/** An in-toto statement: the media type of BuildKit's layer, and the artifact type of a referrer. */
export const IN_TOTO_MEDIA_TYPE = "application/vnd.in-toto+json";
/** BuildKit's annotation on a statement's layer: the predicate type. */
export const PREDICATE_TYPE_ANNOTATION = "in-toto.io/predicate-type";
/** The artifact type and in-toto predicate type of a release statement. */
export const STATEMENT_ARTIFACT_TYPE = "application/vnd.slipway.release.v1+json";
export const STATEMENT_PREDICATE_TYPE = "https://slipway.dev/release/v1";
/** The in-toto predicate type of the claim that a stack signs right after a build. */
export const CLAIM_PREDICATE_TYPE = "https://slipway.dev/claim/v1";
/** A Sigstore bundle: the layer's media type and the referrer's artifact type. @see https://docs.sigstore.dev/about/bundle/ */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** cosign's predicate type for a plain signature, which has no content of its own. */
export const SIGNATURE_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1";
