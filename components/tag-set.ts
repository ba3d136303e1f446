import * as pulumi from "@pulumi/pulumi";
import type { ManifestTag } from "../plan/manifest";
import type { PlannedTag, TagLevel } from "../plan/release-plan";
import { digestOfTag, tagInputs } from "../plan/resource-inputs";
import { tagName } from "../plan/resource-names";
import { Barrier, Tag } from "../provider/sdk/resources";

export interface TagSetArgs {
  /** Levels in the order of writing: a level is written only after all of the one before. */
  readonly levels: readonly TagLevel[];
  /** Image -> its digest. @example { app: imageRelease.digest } */
  readonly digests: Readonly<Record<string, pulumi.Input<string>>>;
  /** Image -> its repositories, `host/path`. */
  readonly repositories: Readonly<Record<string, readonly string[]>>;
  /** The lane that is released. @default none */
  readonly lane?: string;
  /** Makes a tag's resource name from its name in older versions. @default the same */
  readonly names?: (former: string) => string;
  /** Everything that has to exist before the first tag may move. */
  readonly proofs: readonly pulumi.Resource[];
}

/** All tags of a release, written in order: version tags first, `latest` last. */
export class TagSet extends pulumi.ComponentResource {
  /** Every tag with the digest it points to. */
  public readonly tags: pulumi.Output<ManifestTagOfImage[]>;

  constructor(name: string, args: TagSetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:TagSet", name, {}, opts);
    let barrier = new Barrier(
      `${name}-proven`,
      { reached: "every image is proved in every registry" },
      { parent: this, dependsOn: [...args.proofs] },
    );
    const written = args.levels.flatMap((level, index) => {
      const tags = level.tags.map((tag) => ({ tag, resource: this.write(args, tag, barrier) }));
      const isLast = index === args.levels.length - 1;
      if (!isLast) {
        barrier = new Barrier(
          `${name}-${level.name.replaceAll(" ", "-")}`,
          { reached: `${level.name} are set` },
          { parent: this, dependsOn: tags.map(({ resource }) => resource) },
        );
      }
      return tags;
    });
    this.tags = pulumi.output(
      written.map(({ tag, resource }) =>
        resource.digest.apply((digest) => ({
          image: tag.image,
          repository: tag.repository,
          name: tag.name,
          class: tag.class,
          digest,
        })),
      ),
    );
    this.registerOutputs({ tags: this.tags });
  }

  /** Names of an image's tags, once all of them are set. */
  ofImage(image: string): pulumi.Output<string[]> {
    return this.tags.apply((tags) => [
      ...new Set(tags.filter((tag) => tag.image === image).map(({ name }) => name)),
    ]);
  }

  private write(args: TagSetArgs, tag: PlannedTag, barrier: Barrier): Tag {
    const siblings = args.repositories[tag.image] ?? [];
    const former = tagName(tag.image, tag.slot, tag.repository, siblings);
    const { names = (name) => name } = args;
    return new Tag(
      names(former),
      { ...tagInputs(tag, siblings, args.lane ?? ""), digest: digestOfTag(tag, args.digests) },
      { parent: this, dependsOn: [barrier], retainOnDelete: true, aliases: [{ name: former }] },
    );
  }
}

/** A tag of the manifest, with the image it belongs to. */
export interface ManifestTagOfImage extends ManifestTag {
  readonly image: string;
}
