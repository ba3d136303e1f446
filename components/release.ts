import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../src/plan/config";
import type { Digest } from "../src/plan/digest";
import {
  type ManifestImage,
  type ReleaseFacts,
  type ReleaseManifest,
  releaseManifest,
  tagOutcomes,
  writtenTags,
} from "../src/plan/manifest";
import { mapValues } from "../src/plan/record";
import type { PlannedImage, PlannedRelease, PlanOptions, ReleasePlan } from "../src/plan/release-plan";
import { descriptionInputs, descriptionName, desiredTags } from "../src/plan/resource-inputs";
import { HubDescription, RegistryProvider, Tags } from "../src/provider/sdk";
import { buildFacts } from "../src/release/builder/build-facts";
import { providerConfig } from "../src/release/provider-config";
import { writeArtifacts, writeFiles } from "../src/report/manifest-file";
import type { PromotionArgs, ReleaseArgs } from "./args";
import { quietDebug } from "./engine";
import { ImagePromotion, ImageRelease, type ImageReleaseArgs } from "./image-release";
import { type ImagesOf, planOfProgram } from "./plan-release";

/** One image of a release. Its outputs are known once it is verified in every registry and its tags are set. */
export interface ReleasedImage {
  /** The index digest, the same in every registry. @example "sha256:756867c07ffa…" */
  readonly digest: pulumi.Output<Digest>;
  /** `host/path@digest` in the primary registry: what a deployment names. @example "ghcr.io/octo/api@sha256:756867c07ffa…" */
  readonly reference: pulumi.Output<string>;
  /** `host/path@digest` for each registry, the primary first. */
  readonly references: pulumi.Output<string[]>;
  /** Names of its tags. @example ["1.2.3", "1.2", "1", "latest"] */
  readonly tags: pulumi.Output<string[]>;
}

/** A summary of a release, for the outputs of the stack. */
export interface ReleaseOutputs {
  /** Image -> its index digest, the same in every registry. */
  readonly digests: pulumi.Output<Record<string, string>>;
  /** Image -> `host/path@digest` for each registry. */
  readonly references: pulumi.Output<Record<string, readonly string[]>>;
  /** Image -> its tags. */
  readonly tags: pulumi.Output<Record<string, readonly string[]>>;
}

/**
 * A release of images: built once for all platforms, pushed to every registry, verified, signed, and only then tagged,
 * `latest` last. With `promote`, the images are promoted by digest instead.
 *
 * @example
 * export = async () => {
 *   const plan = await Release.plan({ registries: [ghcr("octo")], images: { api: { context: "api" } } });
 *   return new Release("release", plan).outputs;
 * };
 */
export class Release<Image extends string = string> extends pulumi.ComponentResource {
  /** Each image by its name. One that this run leaves out has its last released values. @example release.images.api.reference */
  public readonly images: Readonly<Record<Image, ReleasedImage>>;
  /**
   * What exists after the release, known when all of it is done. State keeps it as an output of this component, where
   * the next run and stacks that promote from this one read it.
   */
  public readonly manifest: pulumi.Output<ReleaseManifest>;
  /** For the program to return. */
  public readonly outputs: ReleaseOutputs;

  /**
   * Plans a release: an ordinary awaited call, before any resource exists. Settings of the stack (`slipway:*`) win over
   * these arguments, the environment over both.
   *
   * @throws pulumi.RunError with every problem and every refusal at once; nothing was registered or written
   */
  static plan<Args extends ReleaseArgs>(
    args: Args,
    options: PlanOptions = {},
  ): Promise<PlannedRelease<ImagesOf<Args>>> {
    quietDebug();
    return planOfProgram(args, options);
  }

  constructor(name: string, planned: PlannedRelease<Image>, opts?: pulumi.ComponentResourceOptions) {
    // The compiler finds a forgotten `await` in TypeScript, but nothing does in JavaScript.
    if (planned instanceof Promise) throw new Error(`Release "${name}": await Release.plan(…) first`);
    super("slipway:index:Release", name, {}, opts);
    const restore = withoutStackTraces();
    try {
      const provider = this.registryProvider(name, planned, opts);
      const content =
        planned.config.promote === undefined
          ? this.build(name, planned, provider, opts?.dependsOn)
          : this.promote(name, planned, provider);
      const tags = this.tag(name, planned, content, provider);
      const images = Object.fromEntries([
        ...planned.plan.kept.map((image) => [image.name, keptImage(image)] as const),
        ...planned.plan.images.map((image) => [image.name, releasedImage(image, content, tags)] as const),
      ]);
      if (!hasEach<Image>(images, planned.plan)) throw new Error("an image of the plan was not declared");
      this.images = images;
      this.manifest = this.record(planned, content, tags);
      this.describe(name, planned, tags.resource, provider);
      this.outputs = outputsOf(this.manifest);
      this.registerOutputs({ manifest: this.manifest });
    } finally {
      restore();
    }
  }

  /** The provider in the options, or a new one. */
  private registryProvider(
    name: string,
    { config }: PlannedRelease,
    opts: pulumi.ComponentResourceOptions = {},
  ): RegistryProvider {
    const { providers = [] } = opts;
    const given = (Array.isArray(providers) ? providers : Object.values(providers)).find(
      (provider) => provider instanceof RegistryProvider,
    );
    if (given !== undefined) return given;
    // All children use the provider, so they wait for the release's dependencies too.
    const own = { ...this.child("slipway-registry"), dependsOn: opts.dependsOn };
    return new RegistryProvider(`${name}-registry`, providerConfig(config), own);
  }

  /** Options of a child, with an alias: older versions declared it at the root of the stack, under another name. */
  private child(formerName: string): pulumi.ResourceOptions {
    return { parent: this, aliases: [{ name: formerName, parent: pulumi.rootStackResource }] };
  }

  /** At most `builder.concurrency` builds run at once: each waits for the build that many places before it. */
  private build(
    name: string,
    { plan, config }: PlannedRelease,
    provider: RegistryProvider,
    dependsOn: pulumi.ResourceOptions["dependsOn"] = [],
  ): Content {
    const builds: pulumi.Resource[] = [];
    const width = config.builder.concurrency ?? Number.POSITIVE_INFINITY;
    const content: Record<string, ImageRelease> = {};
    for (const image of plan.images) {
      const baseDigest = content[image.intent.base?.image ?? ""]?.digest;
      const before = Number.isFinite(width) ? builds[builds.length - width] : undefined;
      const released = new ImageRelease(
        `${name}-${image.name}`,
        {
          plan: image,
          baseDigest,
          sign: config.sign.mode,
          builder: config.builder,
          root: config.root,
          plainHttpHosts: config.registries.filter(({ plainHttp }) => plainHttp).map(({ host }) => host),
          credentials: pushCredentials(config),
          after: before === undefined ? dependsOn : withResource(before, dependsOn),
        },
        { ...this.child(image.name), providers: [provider] },
      );
      if (released.build !== undefined) builds.push(released.build);
      content[image.name] = released;
    }
    return content;
  }

  private promote(name: string, { plan }: PlannedRelease, provider: RegistryProvider): Content {
    return Object.fromEntries(
      plan.images.map((image) => [
        image.name,
        new ImagePromotion(`${name}-${image.name}`, image, {
          ...this.child(image.name),
          providers: [provider],
        }),
      ]),
    );
  }

  private tag(name: string, { plan }: PlannedRelease, content: Content, provider: RegistryProvider): Written {
    const resource = new Tags(
      `${name}-tags`,
      { digests: mapValues(content, ({ digest }) => digest), plan: desiredTags(plan) },
      {
        parent: this,
        provider,
        retainOnDelete: true,
        dependsOn: Object.values(content).map((image) => image.content),
      },
    );
    const written = resource.tags.apply((digests) => writtenTags(plan, digests));
    return { resource, written };
  }

  /** The manifest. Its files are written only when every tag is set, so they describe a complete release. */
  private record(
    { plan, config, projectDir, files }: PlannedRelease,
    content: Content,
    tags: Written,
  ): pulumi.Output<ReleaseManifest> {
    return pulumi
      .output({
        digests: mapValues(content, ({ digest }) => digest),
        attestations: mapValues(content, ({ attestations }) => attestations),
        tags: tags.written,
      })
      .apply(async (facts) => {
        const made = releaseManifest(plan, facts);
        if (pulumi.runtime.isDryRun()) return made;
        const built = await buildFacts({
          images: plan.images,
          builder: config.builder.name,
          env: process.env,
        });
        await writeArtifacts(projectDir, config.artifacts, made, {
          tags: tagOutcomes(plan, made),
          build: built,
        });
        await writeFiles(projectDir, files);
        return made;
      });
  }

  /** Descriptions come last, so that the release is complete even if one fails. */
  private describe(name: string, { plan }: PlannedRelease, tags: Tags, provider: RegistryProvider): void {
    for (const description of plan.descriptions ?? []) {
      const { image, repository, full } = description;
      const siblings = plan.images.find((known) => known.name === image)?.repositories ?? [];
      const former = descriptionName(image, repository, siblings);
      new HubDescription(
        `${name}-${former}`,
        {
          ...descriptionInputs(description),
          // Waits for the release's files, so that they are written even if a description fails.
          full: pulumi.runtime.isDryRun() ? full : this.manifest.apply(() => full),
        },
        { ...this.child(former), provider, dependsOn: [tags], retainOnDelete: true },
      );
    }
  }
}

/**
 * A release of what another stack verified, by digest: copied to registries that lack it, and tagged by this stack's
 * rules.
 *
 * @example new Promotion("release", await Promotion.plan({ ...images, promote: { from: "stage" } }))
 */
export class Promotion<Image extends string = string> extends Release<Image> {
  /** @throws pulumi.RunError with every problem and every refusal at once; nothing was registered or written */
  static override plan<Args extends ReleaseArgs>(
    args: Args & PromotionArgs,
    options: PlanOptions = {},
  ): Promise<PlannedRelease<ImagesOf<Args>>> {
    return Release.plan<Args>(args, options);
  }
}

/**
 * The SDK takes a stack trace for each resource and promise, maps it through source maps, and keeps those of resources in
 * state: a third of a large release's time in the program, and half of its state. Errors thrown meanwhile have no stack.
 *
 * @returns a function that turns stack traces on again
 */
function withoutStackTraces(): () => void {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = () => "";
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  };
}

/** Image -> its verified content, built, adopted or promoted. */
type Content = Readonly<
  Record<
    string,
    {
      readonly digest: pulumi.Output<Digest>;
      readonly attestations: pulumi.Output<Digest[]>;
      readonly content: pulumi.Resource;
    }
  >
>;

/** Every tag, and what each points to when all are set. */
interface Written {
  readonly resource: Tags;
  readonly written: pulumi.Output<ReleaseFacts["tags"]>;
}

function tagNames(tags: readonly { readonly name: string }[]): string[] {
  return [...new Set(tags.map(({ name }) => name))];
}

function releasedImage(
  { name, repositories }: PlannedImage,
  content: Content,
  { written }: Written,
): ReleasedImage {
  const verified = content[name]?.digest;
  if (verified === undefined) throw new Error("an image of the plan was not declared");
  const tags = written.apply((all) => tagNames(all.filter(({ image }) => image === name)));
  // An image must not be deployed before its tags are set.
  const digest = pulumi.all([verified, tags]).apply(([known]) => known);
  const references = digest.apply((known) => repositories.map((repository) => `${repository}@${known}`));
  return { digest, references, reference: references.apply(([primary = ""]) => primary), tags };
}

/** An image that this release leaves alone, as it was last released. */
function keptImage({ digest, references, tags }: ManifestImage): ReleasedImage {
  return {
    digest: pulumi.output(digest),
    references: pulumi.output([...references]),
    reference: pulumi.output(references[0] ?? ""),
    tags: pulumi.output(tagNames(tags)),
  };
}

/** Whether each image that the program's code can name is there. */
function hasEach<Image extends string>(
  images: Readonly<Record<string, ReleasedImage>>,
  plan: ReleasePlan,
): images is Readonly<Record<Image, ReleasedImage>> {
  return [...plan.images, ...plan.kept].every(({ name }) => name in images);
}

function outputsOf(manifest: pulumi.Output<ReleaseManifest>): ReleaseOutputs {
  const byImage = <T>(value: (image: ReleaseManifest["images"][number]) => T) =>
    manifest.apply((made) => Object.fromEntries(made.images.map((image) => [image.name, value(image)])));
  return {
    digests: byImage((image) => image.digest),
    references: byImage((image) => image.references),
    tags: byImage((image) => tagNames(image.tags)),
  };
}

function withResource(
  resource: pulumi.Resource,
  dependsOn: NonNullable<pulumi.ResourceOptions["dependsOn"]>,
): pulumi.Output<pulumi.Resource[]> {
  return pulumi
    .output(dependsOn)
    .apply((others) => [resource, ...(Array.isArray(others) ? others : [others])]);
}

/** For the push, from the environment and the stack. BuildKit uses the machine's Docker login by itself. */
function pushCredentials({ registries }: Config): ImageReleaseArgs["credentials"] {
  return registries.flatMap(({ host, username, password }) =>
    username === undefined || password === undefined ? [] : [{ host, username, password }],
  );
}
