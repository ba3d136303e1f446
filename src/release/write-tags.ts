import { type Digest, shortDigest } from "../plan/digest";
import { liveTag } from "../plan/planned-tags";
import { reasonOf } from "../plan/problem";
import { type DesiredLevel, type TagInput, tagReference } from "../plan/resource-inputs";
import { decideTag, type LiveTag, newerVersion } from "../plan/tag-policy";
import { tagOfVersion } from "../plan/versions";
import { readImage } from "../registry/read-image";
import type { Context } from "./operation";

/** How often floating tags are read again while other releases write them too. */
const ROUNDS = 5;

/** `host/path:tag` -> its digest. */
export type TagDigests = Readonly<Record<string, Digest | undefined>>;

/**
 * Writes the tags of a release, each level after all of the one before. A tag that already has its digest is not
 * written; any other is judged by the tag policy first. Registries have no compare-and-swap, so at the end this lists
 * the versions and reads the floating tags again, and gives each to the newest version until none changes.
 *
 * @returns what each tag points to in the end
 * @throws Error that lists which tags of a level are set and which are not
 */
export async function writeTags(
  context: Context,
  urn: string,
  levels: readonly DesiredLevel[],
  digests: TagDigests,
): Promise<Record<string, Digest>> {
  const writer = new TagWriter(context, urn, digests);
  for (const level of levels) await writer.writeLevel(level);
  await writer.settle();
  return Object.fromEntries(writer.written);
}

class TagWriter {
  readonly written = new Map<string, Digest>();
  readonly #context: Context;
  readonly #urn: string;
  readonly #digests: TagDigests;
  readonly #moved: TagInput[] = [];

  constructor(context: Context, urn: string, digests: TagDigests) {
    this.#context = context;
    this.#urn = urn;
    this.#digests = digests;
  }

  async writeLevel({ name, tags }: DesiredLevel): Promise<void> {
    const open = tags.filter((tag) => !this.#isInPlace(tag));
    if (open.length > 0) await this.#context.log.status(this.#urn, `writing ${name} (${open.length})`);
    const results = await Promise.allSettled(open.map((tag) => this.#write(tag)));
    const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (reasons.length === 0) return;
    const references = (list: readonly TagInput[]) => list.map(tagReference).join(", ") || "none";
    const isSet = (tag: TagInput) => this.written.has(tagReference(tag));
    throw new Error(
      [
        ...new Set(reasons.map(reasonOf)),
        `  Set: ${references(tags.filter(isSet))}`,
        `  Not set: ${references(tags.filter((tag) => !isSet(tag)))}`,
      ].join("\n"),
      { cause: reasons[0] },
    );
  }

  /** By what the plan has just read, without another request. */
  #isInPlace(tag: TagInput): boolean {
    const digest = this.#digestOf(tag);
    if (tag.from !== digest) return false;
    this.written.set(tagReference(tag), digest);
    return true;
  }

  #digestOf(tag: TagInput): Digest {
    const digest = this.#digests[tagReference(tag)];
    if (digest === undefined) throw new Error(`${tagReference(tag)}: the digest is not known`);
    return digest;
  }

  async #write(tag: TagInput): Promise<void> {
    const digest = this.#digestOf(tag);
    const { client, path } = this.#context.registries.at(tag.repository);
    const live = (await client.headManifest(path, tag.desired.name))?.digest;
    if (live !== digest) {
      const decision = await this.#decide(tag, live);
      if (decision.action === "refuse") throw new Error(`${tag.repository}: ${decision.reason}`);
      if (decision.action === "keep") {
        if (live === undefined) {
          if (decision.code !== "tag-newer-exists")
            throw new Error(`${tagReference(tag)}: not written, because ${decision.reason}`);
          // `settle` points the new tag to the newer version.
          this.#moved.push(tag);
          return;
        }
        await this.#warn(tag, `stays where it is: ${decision.reason}`);
        this.written.set(tagReference(tag), live);
        return;
      }
      await this.#put(tag, digest);
      if (tag.desired.class === "floating") this.#moved.push(tag);
    }
    this.written.set(tagReference(tag), digest);
  }

  async #decide(tag: TagInput, live: Digest | undefined): Promise<ReturnType<typeof decideTag>> {
    const { desired, repository, from, ancestry } = tag;
    const isFloating = desired.class === "floating";
    // The plan judged this move, and the tag has not changed. `settle` finds versions that appeared since then.
    if (isFloating && live === from) return { action: "move" };
    const { client, path } = this.#context.registries.at(repository);
    const found = live && (await readImage(client, path, live, { statements: false }));
    return decideTag(
      desired,
      found && (await this.#verified(tag, liveTag(found))),
      isFloating ? await this.#versions(tag, new Map()) : [],
      live === from ? ancestry : "unknown",
    );
  }

  /** The live tag; marked unverified if releases are signed and no trusted signer claims it as this image. */
  async #verified({ repository, image }: TagInput, live: LiveTag): Promise<LiveTag> {
    const { signing, registries } = this.#context;
    if (!signing.isOn) return live;
    const { claims, statements } = await signing.factsAs(image, registries.at(repository), live.digest);
    return claims.length + statements.length > 0 ? live : { digest: live.digest, unverified: true };
  }

  /** Writes the manifest's bytes under the tag's name. They are read once for all tags of a digest. */
  async #put({ repository, desired: { name } }: TagInput, digest: Digest): Promise<void> {
    const { registries } = this.#context;
    const location = registries.at(repository);
    const manifest = await registries.manifest(location, digest);
    if (manifest === undefined)
      throw new Error(
        `${repository} does not have ${digest}, so ${name} cannot point to it. Run \`pulumi up\` again.`,
      );
    await location.client.putManifest(location.path, name, manifest.bytes, manifest.descriptor.mediaType);
  }

  /** Reads the floating tags that were moved again, together with the versions that exist now. */
  async settle(): Promise<void> {
    let open: readonly TagInput[] = this.#moved;
    for (let round = 1; open.length > 0; round += 1) {
      if (round > ROUNDS) {
        throw new Error(
          `${open.map(tagReference).join(", ")}: being written by another tool at the same time, and did not settle ` +
            `after ${ROUNDS} attempts. Run \`pulumi up\` again when the other release has ended.`,
        );
      }
      const lists = new Map<string, Promise<string[]>>();
      const settled = await Promise.all(open.map((tag) => this.#settleTag(tag, lists)));
      open = open.filter((_, at) => !settled[at]);
    }
  }

  async #settleTag(tag: TagInput, lists: Map<string, Promise<string[]>>): Promise<boolean> {
    const own = this.#digestOf(tag);
    const expected = (await this.#newerDigest(tag, lists)) ?? own;
    const { client, path } = this.#context.registries.at(tag.repository);
    const now = (await client.headManifest(path, tag.desired.name))?.digest;
    if (now !== expected) {
      await this.#put(tag, expected);
      return false;
    }
    this.written.set(tagReference(tag), expected);
    if (expected !== own) await this.#warn(tag, "a newer version was released meanwhile and holds it now");
    return true;
  }

  /** The digest of a newer, verified version in the same repository, if there is one. */
  async #newerDigest(tag: TagInput, lists: Map<string, Promise<string[]>>): Promise<Digest | undefined> {
    const { desired, repository } = tag;
    if (desired.version === undefined || desired.overridden) return undefined;
    const newer = newerVersion(desired, await this.#versions(tag, lists));
    if (newer === undefined) return undefined;
    const name = tagOfVersion(newer.text, desired.form);
    return this.#versionDigest(tag, repository, name, newer.text);
  }

  /** Tag names in all of the image's repositories, without unverified versions that are newer than the released one. */
  async #versions(tag: TagInput, lists: Map<string, Promise<string[]>>): Promise<string[]> {
    const { siblings, desired } = tag;
    const list = (repository: string) => {
      const { client, path } = this.#context.registries.at(repository);
      const known = lists.get(repository) ?? client.listTags(path);
      lists.set(repository, known);
      return known;
    };
    let names = [...new Set((await Promise.all(siblings.map(list))).flat())];
    if (!this.#context.signing.isOn) return names;
    for (;;) {
      const newer = newerVersion(desired, names);
      if (newer === undefined) return names;
      const name = tagOfVersion(newer.text, desired.form);
      const stated = await Promise.all(
        siblings.map((repository) => this.#versionDigest(tag, repository, name, newer.text)),
      );
      if (stated.some((digest) => digest !== undefined)) return names;
      names = names.filter((known) => known !== name);
    }
  }

  /** What a version tag points to. If releases are signed, a trusted signer has to state that it is this version. */
  async #versionDigest(
    { image, lane }: TagInput,
    repository: string,
    name: string,
    version: string,
  ): Promise<Digest | undefined> {
    const { signing, registries } = this.#context;
    const location = registries.at(repository);
    const digest = (await location.client.headManifest(location.path, name))?.digest;
    if (digest === undefined || !signing.isOn) return digest;
    const { statements } = await signing.factsAs(image, location, digest);
    const isStated = statements.some((stated) => stated.version === version && stated.lane === lane);
    return isStated ? digest : undefined;
  }

  #warn(tag: TagInput, message: string): Promise<void> {
    return this.#context.log.warn(this.#urn, `${tagReference(tag)}: ${message}`);
  }
}

/** `latest: sha256:756867c07ffa (live) -> sha256:01e0d8f536d9` */
export function moved(reference: string, from: Digest | undefined, to: Digest | undefined): string {
  const short = (digest: Digest | undefined, none: string) =>
    digest === undefined ? none : shortDigest(digest);
  return `${reference}: ${short(from, "missing")} (live) -> ${short(to, "to be built")}`;
}
