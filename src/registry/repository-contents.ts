import { randomBytes } from "node:crypto";
import { type Digest, digestOf } from "../plan/digest";
import { EMPTY_CONFIG } from "../plan/image-index";
import { subjectOfTag } from "../plan/prunable-tags";
import type { ManifestLinks, PrunableImage, RepositoryContents } from "../plan/prune";
import type { RepositoryAt } from "./client";
import { RegistryError } from "./errors";
import { isIndex, isIndexType, isManifest, OCI_EMPTY, OCI_MANIFEST } from "./manifests";

/** Levels of referrers of referrers and of indexes in indexes. Releases make fewer. */
const DEEPEST = 8;

interface ContentsOptions {
  readonly at: RepositoryAt;
  /** Tags whose images are read with everything that belongs to them. */
  readonly mayGo: (tag: string) => boolean;
  /** @param tags all tags of the digest */
  readonly readImage: (digest: Digest, tags: readonly string[]) => Promise<PrunableImage | undefined>;
}

/**
 * Reads a repository for a prune, which repeats it before each removal: tags each time, manifests once, since the bytes
 * of a digest cannot change.
 */
export class ContentsReader {
  readonly #options: ContentsOptions;
  readonly #manifests = new Map<Digest, Promise<ManifestLinks | undefined>>();
  readonly #indexes = new Map<Digest, readonly Digest[]>();
  readonly #images = new Map<Digest, Promise<PrunableImage | undefined>>();
  readonly #referrers = new Map<Digest, Promise<readonly Digest[]>>();

  constructor(options: ContentsOptions) {
    this.#options = options;
  }

  /** @param fresh digests to read again with their referrers */
  async read(fresh: readonly Digest[] = []): Promise<RepositoryContents> {
    for (const digest of fresh) {
      const { children = [] } = (await this.#manifests.get(digest)) ?? {};
      for (const part of [digest, ...children]) this.#referrers.delete(part);
      this.#images.delete(digest);
      this.#manifests.delete(digest);
    }
    const { at, mayGo } = this.#options;
    const { client, repository } = at;
    const names = await client.listTags(repository);
    const heads = await Promise.all(
      names.map(async (name) => [name, (await client.headManifest(repository, name))?.digest] as const),
    );
    const tags = new Map(heads.flatMap(([name, digest]) => (digest === undefined ? [] : [[name, digest]])));
    const manifests = new Map<Digest, ManifestLinks>();
    const images = new Map<Digest, PrunableImage>();
    await Promise.all([...new Set(tags.values())].map((digest) => this.#readIndex(digest, manifests)));
    const prunable = new Set([...tags].flatMap(([name, digest]) => (mayGo(name) ? [digest] : [])));
    await Promise.all(
      [...prunable].map(async (digest) => {
        await this.#readAll(digest, manifests);
        const own = [...tags].flatMap(([name, at]) => (at === digest ? [name] : []));
        const read = this.#images.get(digest) ?? this.#options.readImage(digest, own);
        this.#images.set(digest, read);
        const image = await read;
        if (image !== undefined) images.set(digest, image);
      }),
    );
    const gone = new Set<Digest>();
    await Promise.all(
      [...tags].map(async ([name, digest]) => {
        const subject = subjectOfTag(name);
        if (subject === undefined || manifests.has(subject)) return;
        if ((await client.headManifest(repository, subject)) !== undefined) return;
        gone.add(subject);
        for (const child of manifests.get(digest)?.children ?? []) await this.#add(child, manifests);
      }),
    );
    return { repository: `${client.host}/${repository}`, tags, manifests, images, gone };
  }

  /** A manifest, and the indexes in it. */
  async #readIndex(digest: Digest, into: Map<Digest, ManifestLinks>, depth = 0): Promise<void> {
    await this.#add(digest, into);
    if (depth === DEEPEST) return;
    await Promise.all(
      (this.#indexes.get(digest) ?? [])
        .filter((child) => !into.has(child))
        .map((child) => this.#readIndex(child, into, depth + 1)),
    );
  }

  /** A manifest with all its platforms and referrers. */
  async #readAll(digest: Digest, into: Map<Digest, ManifestLinks>, depth = 0): Promise<void> {
    const links = await this.#add(digest, into);
    if (links === undefined || depth === DEEPEST) return;
    const referrers = await this.#referrersOf(digest);
    await Promise.all([...links.children, ...referrers].map((part) => this.#readAll(part, into, depth + 1)));
  }

  async #add(digest: Digest, into: Map<Digest, ManifestLinks>): Promise<ManifestLinks | undefined> {
    const links = this.#manifests.get(digest) ?? this.#links(digest);
    this.#manifests.set(digest, links);
    const found = await links;
    if (found === undefined) this.#manifests.delete(digest);
    else into.set(digest, found);
    return found;
  }

  #referrersOf(digest: Digest): Promise<readonly Digest[]> {
    const { client, repository } = this.#options.at;
    const listed =
      this.#referrers.get(digest) ??
      client.referrers(repository, digest).then((found) => found.map((entry) => entry.digest));
    this.#referrers.set(digest, listed);
    return listed;
  }

  async #links(digest: Digest): Promise<ManifestLinks | undefined> {
    const { client, repository } = this.#options.at;
    const manifest = await client.getManifest(repository, digest);
    if (manifest === undefined) return undefined;
    const { json } = manifest;
    const entries = isIndex(json) ? json.manifests : [];
    this.#indexes.set(
      digest,
      entries.filter(({ mediaType }) => isIndexType(mediaType)).map((entry) => entry.digest),
    );
    const subject = isIndex(json) || isManifest(json) ? json.subject?.digest : undefined;
    return { children: entries.map((entry) => entry.digest), subject };
  }
}

/** What a registry deletes with a tag: only the tag, its manifest with all other tags, or nothing (it refuses). */
export type TagDeletion = "tag" | "manifest" | "nothing";

/** Checks, by a digest that cannot exist, that a registry allows deletes. @throws RegistryError if it does not */
export async function checkDeletion({ client, repository }: RepositoryAt): Promise<void> {
  await client.deleteManifest(repository, digestOf(randomBytes(32)));
}

/** Finds out with a manifest of its own and two tags, and deletes it again, so that no release is at risk. */
export async function tryTagDeletion({ client, repository }: RepositoryAt): Promise<TagDeletion> {
  const id = randomBytes(8).toString("hex");
  const config = { mediaType: OCI_EMPTY, ...(await client.putBlob(repository, EMPTY_CONFIG)) };
  const empty = { mediaType: config.mediaType, digest: config.digest, size: config.size };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: empty,
      layers: [empty],
      annotations: { "dev.slipway.prune": id },
    }),
  );
  const [first, second] = [`slipway-prune-${id}-1`, `slipway-prune-${id}-2`];
  try {
    for (const tag of [first, second]) await client.putManifest(repository, tag, bytes, OCI_MANIFEST);
    const deleted = await client.deleteTag(repository, first).catch(asUnsupported);
    if (!deleted || (await client.headManifest(repository, first)) !== undefined) return "nothing";
    return (await client.headManifest(repository, second)) === undefined ? "manifest" : "tag";
  } finally {
    await client.deleteManifest(repository, digestOf(bytes));
  }
}

function asUnsupported(error: unknown): false {
  if (error instanceof RegistryError && error.code === "registry-unsupported") return false;
  throw error;
}
