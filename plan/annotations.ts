/** Keys of annotations and media types that Slipway writes, beside OCI's own. */

/** On an image index: the content key it was built from. A candidate is believed by it alone. */
export const CONTENT_KEY_ANNOTATION = "dev.slipway.content-key";
/** On the index of one platform's build: the content key of the image that it is a part of. It is no candidate. */
export const PART_ANNOTATION = "dev.slipway.part-of";
/** OCI: the revision of the packaged software. */
export const REVISION_ANNOTATION = "org.opencontainers.image.revision";
/** OCI: the version of the packaged software. */
export const VERSION_ANNOTATION = "org.opencontainers.image.version";
/** OCI: when the image was made; here the commit's date. */
export const CREATED_ANNOTATION = "org.opencontainers.image.created";
/** The artifact type and in-toto predicate type of a release statement. */
export const STATEMENT_ARTIFACT_TYPE = "application/vnd.slipway.release.v1+json";
export const STATEMENT_PREDICATE_TYPE = "https://slipway.dev/release/v1";
/** A Sigstore bundle: the layer's media type and the referrer's artifact type. @see https://docs.sigstore.dev/about/bundle/ */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** cosign's predicate type for "this image is signed": it says no more than its subject. */
export const SIGNATURE_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1";
