import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../plan/config";
import type { Digest } from "../plan/digest";
import type { ReleaseManifest } from "../plan/manifest";
import { releaseManifest, tagOutcomes } from "../plan/release-manifest";
import type { ReleasePlan } from "../plan/release-plan";
import { descriptionInputs } from "../plan/resource-inputs";
import { tagName } from "../plan/resource-names";
import { fleetImages } from "../plan/service-manifest";
import { HubDescription, type RegistryProvider } from "../provider/sdk/resources";
import { writeServiceManifest } from "../report/service-manifest";
import { writeArtifacts } from "../report/write-artifacts";
import { buildFacts } from "./build-facts";
import { ImageRelease, type ImageReleaseArgs } from "./image-release";
import { Promotion } from "./promotion";
import { TagSet } from "./tag-set";

/** The outputs of a stack that releases. */
export interface ReleaseOutputs {
  /** Image -> its index digest, the same in every registry. */
  readonly digests: pulumi.Output<Record<string, string>>;
  /** Image -> `host/path@digest`, one a registry. */
  readonly references: pulumi.Output<Record<string, readonly string[]>>;
  /** Image -> its tags. */
  readonly tags: pulumi.Output<Record<string, readonly string[]>>;
  readonly manifest: pulumi.Output<ReleaseManifest>;
}

/** An image whose content is proved, however it came to be. */
interface ProvedImage {
  readonly digest: pulumi.Output<Digest>;
  readonly attestations: pulumi.Output<Digest[]>;
  readonly proofs: readonly pulumi.Resource[];
}

type ProvedImages = readonly (readonly [name: string, image: ProvedImage])[];

/** Declares what a plan says: content first, then its tags; puts out what exists afterwards. */
export function carryOut(
  plan: ReleasePlan,
  config: Config,
  provider: RegistryProvider,
  projectDir: string,
): ReleaseOutputs {
  const images =
    config.promote === undefined ? releaseImages(plan, config, provider) : promoteImages(plan, provider);
  const tags = new TagSet(
    "tags",
    {
      levels: plan.levels,
      ...(plan.lane === undefined ? {} : { lane: plan.lane }),
      digests: Object.fromEntries(images.map(([name, { digest }]) => [name, digest])),
      repositories: Object.fromEntries(plan.images.map((image) => [image.name, image.repositories])),
      proofs: images.flatMap(([, { proofs }]) => proofs),
    },
    { providers: [provider] },
  );
  const manifest = pulumi
    .output({
      digests: Object.fromEntries(images.map(([name, { digest }]) => [name, digest])),
      attestations: Object.fromEntries(images.map(([name, { attestations }]) => [name, attestations])),
      tags: tags.tags,
    })
    .apply(async (facts) => {
      const made = releaseManifest(plan, facts);
      // Reached only when every tag is set: the files tell of a release that is whole.
      if (!pulumi.runtime.isDryRun()) {
        const built = await buildFacts(plan.images, config.builder.name, provider);
        await writeArtifacts(projectDir, config.artifacts, made, {
          tags: tagOutcomes(plan, made),
          ...(built === undefined ? {} : { build: built }),
        });
        const fleet = fleetImages(config, plan);
        if (fleet !== undefined) await writeServiceManifest(projectDir, config.artifacts, fleet);
      }
      return made;
    });
  describe(plan, provider, tags, manifest);
  const byImage = <T>(value: (image: ReleaseManifest["images"][number]) => T) =>
    manifest.apply((made) => Object.fromEntries(made.images.map((image) => [image.name, value(image)])));
  return {
    digests: byImage((image) => image.digest),
    references: byImage((image) => image.references),
    tags: byImage((image) => [...new Set(image.tags.map((tag) => tag.name))]),
    manifest,
  };
}

/** Last of all: a description that fails leaves a release that is whole. */
function describe(
  { descriptions = [], images }: ReleasePlan,
  provider: RegistryProvider,
  tags: TagSet,
  manifest: pulumi.Output<ReleaseManifest>,
): void {
  for (const description of descriptions) {
    const { image, repository, full } = description;
    const siblings = images.find(({ name }) => name === image)?.repositories ?? [];
    new HubDescription(
      tagName(image, "description", repository, siblings),
      {
        ...descriptionInputs(description),
        // The release's files are written by then, whatever becomes of the description.
        full: pulumi.runtime.isDryRun() ? full : manifest.apply(() => full),
      },
      { provider, dependsOn: [tags], retainOnDelete: true },
    );
  }
}

function promoteImages(plan: ReleasePlan, provider: RegistryProvider): ProvedImages {
  return plan.images.map(
    (image) => [image.name, new Promotion(image.name, { plan: image }, { providers: [provider] })] as const,
  );
}

/** At most `builder.concurrency` builds at once: each waits for the one that many places before it. */
function releaseImages(plan: ReleasePlan, config: Config, provider: RegistryProvider): ProvedImages {
  const builds: pulumi.Resource[] = [];
  const width = config.builder.concurrency ?? Number.POSITIVE_INFINITY;
  const digests = new Map<string, ImageRelease["digest"]>();
  return plan.images.map((image) => {
    const baseDigest = digests.get(image.intent.base?.image ?? "");
    const before = Number.isFinite(width) ? builds[builds.length - width] : undefined;
    const imageRelease = new ImageRelease(
      image.name,
      {
        plan: image,
        ...(baseDigest === undefined ? {} : { baseDigest }),
        revision: image.intent.revision,
        sign: config.sign.mode,
        builder: config.builder,
        root: config.root,
        plainHttpHosts: config.registries.filter(({ plainHttp }) => plainHttp).map(({ host }) => host),
        credentials: pushCredentials(config),
        after: before === undefined ? [] : [before],
      },
      { providers: [provider] },
    );
    if (imageRelease.build !== undefined) builds.push(imageRelease.build);
    digests.set(image.name, imageRelease.digest);
    return [image.name, imageRelease] as const;
  });
}

/** For the build's push: what the environment and the stack give. The machine's own Docker login is BuildKit's anyway. */
function pushCredentials({ registries }: Config): ImageReleaseArgs["credentials"] {
  return registries.flatMap(({ host, username, password }) =>
    username === undefined || password === undefined ? [] : [{ host, username, password }],
  );
}
