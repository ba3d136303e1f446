/** Names on their way into a URL: only what OCI's grammar allows gets there, so nothing needs escaping. */
import { type Digest, isDigest } from "../plan/digest";
import { REPOSITORY_PATTERN, TAG_PATTERN } from "../plan/reference";
import { RegistryError } from "./errors";

function badName(registry: string, what: string, value: string): RegistryError {
  return new RegistryError({
    code: "registry-bad-name",
    registry,
    summary: `${JSON.stringify(value.slice(0, 300))} is not a ${what} that ${registry} could have`,
    hint: "See https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests.",
  });
}

/** @throws RegistryError `registry-bad-name` */
export function checkRepository(registry: string, repository: string): string {
  if (repository.length > 255 || !REPOSITORY_PATTERN.test(repository)) {
    throw badName(registry, "repository name", repository);
  }
  return repository;
}

/** @throws RegistryError `registry-bad-name` */
export function checkDigest(registry: string, digest: string): Digest {
  if (!isDigest(digest)) throw badName(registry, "digest", digest);
  return digest;
}

/**
 * A tag or a digest.
 *
 * @throws RegistryError `registry-bad-name`
 */
export function checkReference(registry: string, reference: string): string {
  if (!TAG_PATTERN.test(reference) && !isDigest(reference))
    throw badName(registry, "tag or digest", reference);
  return reference;
}
