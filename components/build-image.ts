import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { buildRecipe, releasedBaseContext, SBOM_ARGUMENT } from "../src/plan/build-recipe";
import type { BuilderConfig } from "../src/plan/config";
import { BASE_IMAGE } from "../src/plan/release-intent";
import type { PlannedImage } from "../src/plan/release-plan";
import { buildName } from "../src/plan/resource-inputs";
import type { Secret } from "../src/plan/secret";

/** How an image is built and where it is pushed to. */
export interface BuildArgs {
  /** What the plan says about this image. */
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
export function buildImage(
  name: string,
  args: BuildArgs,
  opts: pulumi.CustomResourceOptions,
): dockerBuild.Image {
  const { plan } = args;
  return new dockerBuild.Image(buildName(name, plan.intent.contentKey, plan), imageArgs(args), {
    ...opts,
    retainOnDelete: true,
    ignoreChanges: NO_CONTENT,
  });
}

function imageArgs(args: BuildArgs): dockerBuild.ImageArgs {
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
    ...(recipe.target === undefined ? {} : { target: recipe.target }),
    ...(secrets.length === 0 ? {} : { secrets: Object.fromEntries(secrets) }),
    // Without paths, the provider takes the agent's socket from its environment.
    ...(recipe.ssh.length === 0 ? {} : { ssh: recipe.ssh.map((id) => ({ id })) }),
    ...(recipe.network === undefined ? {} : { network: recipe.network }),
    ...(recipe.extraHosts.length === 0 ? {} : { addHosts: [...recipe.extraHosts] }),
    ...(builder.name === undefined ? {} : { builder: { name: builder.name } }),
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

function releasedBase({ plan, baseDigest }: BuildArgs): Record<string, { location: pulumi.Output<string> }> {
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
  if (known === undefined) throw new Error(`docker-build knows no platform ${platform}`);
  return known;
}
