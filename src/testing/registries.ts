import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION, VERSION_ANNOTATION } from "../plan/annotations";
import { digestOf } from "../plan/digest";
import { parseReference, repositoryKey } from "../plan/reference";
import type { FoundImage } from "../plan/registry-state";
import type { RegistryReader } from "../registry/read-state";

/** The image that a tag of a fake registry points to. By default, a verified release of this stack. */
export interface FakeImage {
  /** @example "1.2.3" @default none: a build of a commit */
  readonly version?: string;
  /** The commit. @default a commit of its own */
  readonly revision?: string;
  /** @default linux/amd64 and linux/arm64 */
  readonly platforms?: readonly string[];
  /** Without a signed statement and claim. @default false */
  readonly unverified?: boolean;
}

/** `host/path` -> tag -> image. @example { "ghcr.io/octo/api": { "1.2.2": { version: "1.2.2" } } } */
export type FakeRegistries = Readonly<Record<string, Readonly<Record<string, FakeImage>>>>;

const ZERO = "0".repeat(40);

/** Reads registries from values. Every registry can be reached. */
export function fakeRegistries(registries: FakeRegistries): RegistryReader {
  const find = (repository: string, tag: string) => {
    const image = registries[repository]?.[tag];
    return image === undefined ? undefined : foundImage(repository, image);
  };
  const byDigest = (repository: string, digest: string) =>
    Object.keys(registries[repository] ?? {})
      .map((tag) => find(repository, tag))
      .find((found) => found?.digest === digest);
  return {
    // In repositories that are not given, as for a base, every reference has its own digest.
    resolveImages: async (references) => ({
      digests: Object.fromEntries(
        references.flatMap((reference) => {
          const { tag = "latest", ...name } = parseReference(reference);
          const repository = repositoryKey(name);
          if (registries[repository] === undefined) return [[reference, digestOf(Buffer.from(reference))]];
          const found = find(repository, tag);
          return found === undefined ? [] : [[reference, found.digest]];
        }),
      ),
      problems: [],
    }),
    // Every base supports every platform.
    indexPlatforms: async () => ({}),
    inspectImages: async (references) => ({
      found: Object.fromEntries(
        references.flatMap((reference) => {
          const { tag = "latest", digest, ...name } = parseReference(reference);
          const repository = repositoryKey(name);
          const found = digest === undefined ? find(repository, tag) : byDigest(repository, digest);
          return found === undefined ? [] : [[reference, found]];
        }),
      ),
      problems: [],
    }),
    readRegistries: async (request) => ({
      access: Object.fromEntries(
        request.registries.map(({ host }) => [host, { status: "ready", credentials: "none needed" }]),
      ),
      repositories: Object.fromEntries(
        request.repositories.map((name) => {
          const repository = repositoryKey(name);
          const found = name.tags.flatMap((tag) => {
            const image = find(repository, tag);
            return image === undefined ? [] : [[tag, image] as const];
          });
          return [
            repository,
            { tags: Object.keys(registries[repository] ?? {}), found: Object.fromEntries(found) },
          ];
        }),
      ),
    }),
    verifyImage: async ({ repositories, digest }) =>
      repositories.map((repository) => ({
        repository,
        digest,
        verified: true,
        predicates: [],
        platforms: [],
        problems: [],
      })),
  };
}

function foundImage(repository: string, { version, platforms, ...image }: FakeImage): FoundImage {
  const digest = digestOf(
    Buffer.from(JSON.stringify([repository.split("/").at(-1), version, image.revision])),
  );
  const revision = image.revision ?? (version === undefined ? ZERO : digest.slice(7, 47));
  const contentKey = digest.slice(7);
  const known = platforms ?? ["linux/amd64", "linux/arm64"];
  const name = repository.split("/").at(-1) ?? "";
  const facts = {
    schema: 1 as const,
    image: name,
    lane: "",
    revision,
    contentKey,
    repositories: [repository],
  };
  const statements =
    version === undefined ? [] : [{ ...facts, version, platforms: known, inputs: {}, bases: {} }];
  const claim = { ...facts, version };
  return {
    digest,
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: known,
    annotations: {
      [REVISION_ANNOTATION]: revision,
      [CONTENT_KEY_ANNOTATION]: contentKey,
      ...(version === undefined ? {} : { [VERSION_ANNOTATION]: version }),
    },
    statements,
    signed: image.unverified === true ? { claims: [], statements: [] } : { claims: [claim], statements },
  };
}
