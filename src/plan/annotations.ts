/** Keys of annotations and media types that Slipway writes, beside OCI's own. */

/** On an image index: the content key it was built from. A hint: a signed claim has to confirm it. */
export const CONTENT_KEY_ANNOTATION = "dev.slipway.content-key";
/** On a base's index: the short hash in its tag, by which a pin finds it. */
export const BASE_ANNOTATION = "dev.slipway.base";
/** On the index of one platform's build: the content key of the image that it is a part of. It is no candidate. */
export const PART_ANNOTATION = "dev.slipway.part-of";
/** On an image index: `unavailable` where an SBOM was wanted and its generator could not be reached. Else absent. */
export const SBOM_ANNOTATION = "dev.slipway.sbom";
/** On an index without its SBOM that was merged from platforms' parts: `parts`. Else absent. */
export const MERGED_ANNOTATION = "dev.slipway.merged";
export const REVISION_ANNOTATION = "org.opencontainers.image.revision";
export const VERSION_ANNOTATION = "org.opencontainers.image.version";
/** OCI: when the image was made; here the commit's date. */
export const CREATED_ANNOTATION = "org.opencontainers.image.created";
/** On an image index: the digests of the build's statements that are its referrers, separated by commas. Else absent. */
export const ATTESTATIONS_ANNOTATION = "dev.slipway.attestations";
/** An in-toto statement, as BuildKit stores it and as a referrer's artifact type. */
export const IN_TOTO_MEDIA_TYPE = "application/vnd.in-toto+json";
/** BuildKit's annotation of a statement's layer: what it is about, without reading it. */
export const PREDICATE_TYPE_ANNOTATION = "in-toto.io/predicate-type";
/** The artifact type and in-toto predicate type of a release statement. */
export const STATEMENT_ARTIFACT_TYPE = "application/vnd.slipway.release.v1+json";
export const STATEMENT_PREDICATE_TYPE = "https://slipway.dev/release/v1";
/** The in-toto predicate type of the claim that a stack signs right after a build. */
export const CLAIM_PREDICATE_TYPE = "https://slipway.dev/claim/v1";
/** A Sigstore bundle: the layer's media type and the referrer's artifact type. @see https://docs.sigstore.dev/about/bundle/ */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** cosign's predicate type for "this image is signed": it says no more than its subject. */
export const SIGNATURE_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1";
