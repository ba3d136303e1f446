import { type Digest, isDigest } from "../plan/digest";
import type { Problem } from "../plan/problem";
import { REPOSITORY_PATTERN, TAG_PATTERN } from "../plan/reference";
import { safePath } from "./redact";

/** Codes are stable; texts are not. */
export type RegistryErrorCode =
  | "registry-unauthorized"
  /** The credentials are valid, but do not allow this. */
  | "registry-forbidden"
  /** Too many requests, after all retries. */
  | "registry-rate-limited"
  /** No connection: name, network or TLS. */
  | "registry-unreachable"
  | "registry-deadline"
  /** 5xx, after all retries. */
  | "registry-server-error"
  /** Content is not what its digest says. */
  | "registry-digest-mismatch"
  /** The registry does not offer this call, e.g. deleting a tag. */
  | "registry-unsupported"
  /** The registry does not allow tags to move. */
  | "registry-tag-immutable"
  | "registry-not-found"
  /** Another 4xx, e.g. for an invalid manifest. */
  | "registry-refused"
  | "registry-bad-answer"
  /** An answer above its size limit. */
  | "registry-too-large"
  /** A repository, tag or digest that OCI's grammar does not allow. Nothing was sent. */
  | "registry-bad-name"
  /** Another process kept writing the same thing. */
  | "registry-conflict"
  /** Docker's configuration is invalid, or a credential helper failed. */
  | "registry-credentials"
  /** The caller's signal aborted it. */
  | "registry-cancelled";

interface RegistryErrorDetails {
  readonly code: RegistryErrorCode;
  /** `docker.io`, not the host of its API. */
  readonly registry: string;
  readonly repository?: string;
  readonly status?: number;
  readonly method?: string;
  /** Without query parameters that could hold secrets. */
  readonly path?: string;
  /** One sentence without secrets. */
  readonly summary: string;
  readonly hint?: string;
  readonly transient?: boolean;
  /** How long the registry asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A request to a registry that failed. `message` is the summary and, on a second line, the hint. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly registry: string;
  readonly repository?: string;
  readonly status?: number;
  readonly method?: string;
  readonly path?: string;
  readonly summary: string;
  readonly hint?: string;
  /** The same request may succeed later. */
  readonly transient: boolean;
  readonly retryAfterMs?: number;

  constructor(details: RegistryErrorDetails) {
    super(
      details.hint === undefined ? details.summary : `${details.summary}\n  ${details.hint}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = "RegistryError";
    this.code = details.code;
    this.registry = details.registry;
    this.repository = details.repository;
    this.status = details.status;
    this.method = details.method;
    this.path = details.path;
    this.summary = details.summary;
    this.hint = details.hint;
    this.transient = details.transient ?? false;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The same error, not to be retried any more. @param reason why not */
  final(reason: string): RegistryError {
    const { cause } = this;
    return new RegistryError({ ...this, cause, summary: `${this.summary} (${reason})`, transient: false });
  }

  toProblem(): Problem {
    const path = this.repository === undefined ? this.registry : `${this.registry}/${this.repository}`;
    return { code: this.code, path, message: this.summary, hint: this.hint };
  }
}

export interface RequestContext {
  /** `docker.io`, not the host of its API. */
  readonly registry: string;
  readonly repository?: string;
  readonly method: string;
  readonly url: URL;
}

export function requestError(
  { registry, repository, method, url }: RequestContext,
  details: Omit<RegistryErrorDetails, "registry" | "repository" | "method" | "path">,
): RegistryError {
  return new RegistryError({ registry, repository, method, path: safePath(url), ...details });
}

/** @param what follows the repository in the message: ` has no …`, `@sha256:… cannot …` */
export function repositoryError(
  at: { readonly client: { readonly host: string }; readonly repository: string },
  code: RegistryErrorCode,
  what: string,
  hint?: string,
): RegistryError {
  const { repository } = at;
  const registry = at.client.host;
  return new RegistryError({ code, registry, repository, summary: `${registry}/${repository}${what}`, hint });
}

/** The host of a request, with its registry if that is another host. */
export function hostOf({ url, registry }: RequestContext): string {
  return url.host === registry ? url.host : `${url.host} (for ${registry})`;
}

function badName(registry: string, what: string, value: string): RegistryError {
  return new RegistryError({
    code: "registry-bad-name",
    registry,
    summary: `${JSON.stringify(value.slice(0, 300))} is not a valid ${what} (for ${registry})`,
    hint: "See https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests.",
  });
}

/**
 * Names go into URLs without escaping, so everything outside OCI's grammar is refused.
 *
 * @throws RegistryError `registry-bad-name`
 */
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

/** @throws RegistryError `registry-bad-name` */
export function checkTag(registry: string, tag: string): string {
  if (!TAG_PATTERN.test(tag)) throw badName(registry, "tag", tag);
  return tag;
}

/** @throws RegistryError `registry-bad-name` for what is neither a tag nor a digest */
export function checkReference(registry: string, reference: string): string {
  if (!TAG_PATTERN.test(reference) && !isDigest(reference))
    throw badName(registry, "tag or digest", reference);
  return reference;
}
