import type { Digest } from "../plan/digest";
import { subjectOfTag } from "../plan/prunable-tags";
import type { ManifestLinks, PrunableImage, RepositoryContents } from "../plan/prune";
import type { RepositoryAt } from "./client";
import { isIndex, isIndexType, isManifest } from "./manifest";

/** Referrers of referrers, and indexes in indexes: more is nothing that a release makes. */
const DEEPEST = 8;

interface ContentsOptions {
  readonly at: RepositoryAt;
  /** Tags whose images are read with all that belongs to them. */
  readonly mayGo: (tag: string) => boolean;
  /** @param tags all that point to it */
  readonly readImage: (digest: Digest, tags: readonly string[]) => Promise<PrunableImage | undefined>;
}

/**
 * Reads a repository as a prune needs it, again and again: tags each time, and manifests once, since a digest's bytes
 * cannot change.
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

  /** @param fresh digests about which nothing that was read before counts */
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
    return { children: entries.map((entry) => entry.digest), ...(subject === undefined ? {} : { subject }) };
  }
}
