import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { buildRecipe, releasedBaseContext, SBOM_ARGUMENT } from "../src/plan/build-recipe";
import type { BuilderConfig } from "../src/plan/config";
import type { Digest } from "../src/plan/digest";
import { BASE_IMAGE } from "../src/plan/release-intent";
import type { PlannedImage } from "../src/plan/release-plan";
import {
  buildName,
  copyInputs,
  desiredContent,
  imageFacts,
  referrerDigests,
} from "../src/plan/resource-inputs";
import type { Secret } from "../src/plan/secret";
import type { SignConfig } from "../src/plan/trust";
import { Content, ImageCopy } from "../src/provider/sdk";

export interface ImageReleaseArgs {
  readonly plan: PlannedImage;
  /** The verified digest of the image that `plan.intent.base` names. @example base.digest */
  readonly baseDigest?: pulumi.Input<string>;
  /** Which builder, and how many builds at once. @default buildx's current builder */
  readonly builder: BuilderConfig;
  /** The folder that the image's paths are relative to, itself relative to the project's. @default "." @example ".." */
  readonly root?: string;
  /** Hosts to reach without TLS. @example ["localhost:5000"] */
  readonly plainHttpHosts: readonly string[];
  /** For the push, if the machine's Docker configuration does not have them. */
  readonly credentials: readonly {
    readonly host: string;
    readonly username: string;
    readonly password: Secret;
  }[];
  /** How the provider signs. @default "none" @example "key" */
  readonly sign?: SignConfig["mode"];
  /** The build waits for these, which limits how many builds run at once. @default [] */
  readonly after?: pulumi.ResourceOptions["dependsOn"];
}

/**
 * One image: built once for all platforms if no registry has its content yet, verified to have the same digest in every
 * registry, and signed. The inputs are for Pulumi policy packs, which can judge them before anything is built.
 */
export class ImageRelease extends pulumi.ComponentResource {
  /** The index digest, the same in every registry. */
  public readonly digest: pulumi.Output<Digest>;
  /** Digests of the referrers: statements and signatures of this release. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** No tag may move before this. */
  public readonly content: pulumi.Resource;
  /** The build, if this stack makes it. */
  public readonly build: pulumi.Resource | undefined;

  constructor(name: string, args: ImageReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    const { plan, sign = "none", after } = args;
    super("slipway:index:ImageRelease", name, { ...imageFacts(plan, sign) }, opts);
    const build =
      plan.build === undefined ? undefined : buildImage(name, args, { parent: this, dependsOn: after });
    const content = new Content(
      `${name}-content`,
      {
        digest: "digest" in plan.content ? plan.content.digest : build?.digest,
        plan: desiredContent(plan, sign),
      },
      { parent: this, dependsOn: build },
    );
    this.build = build;
    this.content = content;
    this.digest = content.digest;
    this.attestations = content.referrers.apply(referrerDigests);
    this.registerOutputs({ digest: this.digest });
  }
}

/**
 * One image that was verified elsewhere, copied by digest to every registry of this stack: index, manifests, blobs,
 * attestations and all other referrers.
 */
export class ImagePromotion extends pulumi.ComponentResource {
  /** The index digest, the same in every registry and in the source. */
  public readonly digest: pulumi.Output<Digest>;
  /** Digests of its referrers: statements, attestations, signatures. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** No tag may move before this. */
  public readonly content: pulumi.Resource;

  constructor(name: string, plan: PlannedImage, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:Promotion", name, { ...imageFacts(plan) }, opts);
    const copy = new ImageCopy(`${name}-copy`, copyInputs(plan), { parent: this, retainOnDelete: true });
    this.content = copy;
    this.digest = copy.digest;
    this.attestations = copy.referrers;
    this.registerOutputs({ digest: this.digest });
  }
}

/**
 * Inputs that do not affect the content: changing them does not rebuild. The digests that FROM lines resolve to are in
 * the content key, and so in the resource's name.
 */
const NO_CONTENT = [
  "registries",
  "builder",
  "cacheFrom",
  "cacheTo",
  "context.named",
  `buildArgs.${BASE_IMAGE}`,
  `buildArgs.${SBOM_ARGUMENT}`,
];

/**
 * One build for all platforms, pushed to every registry by digest, without a tag. The resource's name contains the
 * content key, so it never updates: docker-build would preview an update's digest as known and empty, and use the
 * credentials of the last release.
 */
function buildImage(
  name: string,
  args: ImageReleaseArgs,
  opts: pulumi.CustomResourceOptions,
): dockerBuild.Image {
  const { plan } = args;
  return new dockerBuild.Image(buildName(name, plan.intent.contentKey, plan), buildInputs(args), {
    ...opts,
    retainOnDelete: true,
    ignoreChanges: NO_CONTENT,
  });
}

function buildInputs(args: ImageReleaseArgs): dockerBuild.ImageArgs {
  const { plan, builder, plainHttpHosts, credentials } = args;
  const recipe = buildRecipe(plan, plainHttpHosts, args.root ?? ".");
  const pinned = Object.entries(recipe.namedContexts).map(
    ([name, location]) => [name, { location }] as const,
  );
  const secrets = Object.entries(plan.intent.image.secrets).map(([id, secret]) => [id, secret.reveal()]);
  return {
    context: {
      location: recipe.context,
      named: { ...Object.fromEntries(pinned), ...releasedBase(args) },
    },
    dockerfile: { location: recipe.dockerfile },
    platforms: recipe.platforms.map(toPlatform),
    buildArgs: { ...recipe.buildArgs },
    labels: { ...recipe.labels },
    target: recipe.target,
    secrets: secrets.length === 0 ? undefined : Object.fromEntries(secrets),
    // Without paths, the provider takes the agent's socket from its environment.
    ssh: recipe.ssh.length === 0 ? undefined : recipe.ssh.map((id) => ({ id })),
    network: recipe.network,
    addHosts: recipe.extraHosts.length === 0 ? undefined : [...recipe.extraHosts],
    builder: builder.name === undefined ? undefined : { name: builder.name },
    cacheFrom: recipe.cacheFrom.map((raw) => ({ raw })),
    cacheTo: recipe.cacheTo.map((raw) => ({ raw })),
    exports: [{ raw: recipe.output }],
    push: false,
    // So a preview needs no builder.
    buildOnPreview: false,
    registries: credentials.map(({ host, username, password }) => ({
      address: host,
      username,
      password: password.reveal(),
    })),
  };
}

function releasedBase({
  plan,
  baseDigest,
}: ImageReleaseArgs): Record<string, { location: pulumi.Output<string> }> {
  const { base } = plan.intent;
  if (base === undefined) return {};
  if (baseDigest === undefined) throw new Error(`${plan.name}: baseDigest is missing, for ${base.image}`);
  return {
    [base.reference]: {
      location: pulumi.output(baseDigest).apply((digest) => releasedBaseContext(base, digest)),
    },
  };
}

function toPlatform(platform: string): dockerBuild.Platform {
  const known = Object.values(dockerBuild.Platform).find((value) => value === platform);
  if (known === undefined) throw new Error(`docker-build does not know the platform ${platform}`);
  return known;
}
