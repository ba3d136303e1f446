import * as dockerBuild from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { CREATED_ANNOTATION } from "../plan/annotations";
import { BASE_IMAGE } from "../plan/base";
import type { BuilderConfig } from "../plan/config";
import { parseReference } from "../plan/reference";
import type { PlannedImage } from "../plan/release-plan";
import { buildName } from "../plan/resource-names";
import type { Secret } from "../plan/secret";

/** How an image is built and where it is pushed to. */
export interface BuildArgs {
  /** What the plan says about this image. */
  readonly plan: PlannedImage;
  /** The proved digest of the image that `plan.intent.base` names. @example base.digest */
  readonly baseDigest?: pulumi.Input<string>;
  /** Which builder, and how wide. @default buildx's current builder */
  readonly builder: BuilderConfig;
  /** Hosts that are spoken to without TLS. @example ["localhost:5000"] */
  readonly plainHttpHosts: readonly string[];
  /** For the push, where the machine's own Docker configuration does not have them. */
  readonly credentials: readonly {
    readonly host: string;
    readonly username: string;
    readonly password: Secret;
  }[];
}

/**
 * Inputs that say where and how fast, never what: a change of them builds nothing anew. What FROM lines mean is part of
 * the content key, and so of the resource's name.
 */
const NO_CONTENT = [
  "registries",
  "builder",
  "cacheFrom",
  "cacheTo",
  "context.named",
  `buildArgs.${BASE_IMAGE}`,
];

/**
 * One build for all platforms, pushed to every registry by digest, without a tag. The resource is named by what it
 * builds, so that it never updates: docker-build previews an update's digest as known and empty, and would use the
 * credentials of the last release.
 */
export function buildImage(
  name: string,
  args: BuildArgs,
  opts: pulumi.CustomResourceOptions,
): dockerBuild.Image {
  const { intent, build } = args.plan;
  return new dockerBuild.Image(buildName(name, intent.contentKey, build), imageArgs(args), {
    ...opts,
    retainOnDelete: true,
    ignoreChanges: NO_CONTENT,
  });
}

function imageArgs(args: BuildArgs): dockerBuild.ImageArgs {
  const { plan, builder, plainHttpHosts, credentials } = args;
  const { intent } = plan;
  const { image } = intent;
  const secrets = Object.entries(image.secrets).map(([id, secret]) => [id, secret.reveal()]);
  return {
    context: { location: image.context, named: { ...pinnedBases(intent.bases), ...releasedBase(args) } },
    dockerfile: { location: [image.context, image.dockerfile].join("/").replace(/^\.\//, "") },
    platforms: image.platforms.map(toPlatform),
    buildArgs: { ...intent.buildArgs, ...buildKitArgs(plan) },
    labels: { ...intent.labels },
    ...(image.target === undefined ? {} : { target: image.target }),
    ...(secrets.length === 0 ? {} : { secrets: Object.fromEntries(secrets) }),
    ...(builder.name === undefined ? {} : { builder: { name: builder.name } }),
    cacheFrom: image.cacheFrom.map((raw) => ({ raw })),
    cacheTo: image.cacheTo.map((raw) => ({
      raw: raw.includes("ignore-error") ? raw : `${raw},ignore-error=true`,
    })),
    exports: [{ raw: exportOf(plan, plainHttpHosts) }],
    push: false,
    // A preview needs no builder, only the files.
    buildOnPreview: false,
    registries: credentials.map(({ host, username, password }) => ({
      address: host,
      username,
      password: password.reveal(),
    })),
  };
}

/** FROM lines mean the digests that were resolved for the content key, whatever their tags say by now. */
function pinnedBases(bases: Readonly<Record<string, string>>): Record<string, { location: string }> {
  return Object.fromEntries(
    Object.entries(bases).map(([reference, digest]) => {
      const { host, path } = parseReference(reference);
      return [reference, { location: `docker-image://${host}/${path}@${digest}` }];
    }),
  );
}

/** The base of the same release, by the digest that was proved, whatever its tag says by now. */
function releasedBase({ plan, baseDigest }: BuildArgs): Record<string, { location: pulumi.Output<string> }> {
  const { base } = plan.intent;
  if (base === undefined) return {};
  if (baseDigest === undefined) throw new Error(`${plan.name}: baseDigest is missing, for ${base.image}`);
  return {
    [base.reference]: { location: pulumi.interpolate`docker-image://${base.repository}@${baseDigest}` },
  };
}

/** Build arguments that BuildKit itself reads. An index is always wanted: it carries the content key. */
function buildKitArgs({ intent }: PlannedImage): Record<string, string> {
  const { image } = intent;
  const created = intent.labels[CREATED_ANNOTATION];
  return {
    BUILDKIT_MULTI_PLATFORM: "1",
    ...(image.provenance ? { BUILDKIT_ATTEST_PROVENANCE: "mode=max" } : {}),
    ...(image.sbom === false ? {} : { BUILDKIT_ATTEST_SBOM: `generator=${image.sbom}` }),
    ...(created === undefined ? {} : { SOURCE_DATE_EPOCH: String(Math.floor(Date.parse(created) / 1000)) }),
  };
}

/** @see https://docs.docker.com/build/exporters/image-registry/ */
function exportOf({ repositories, intent }: PlannedImage, plainHttpHosts: readonly string[]): string {
  const insecure = repositories.some((repository) => plainHttpHosts.includes(repository.split("/")[0] ?? ""));
  const fields = [
    "type=image",
    "push=true",
    "push-by-digest=true",
    "oci-mediatypes=true",
    `name=${repositories.join(",")}`,
    ...(insecure ? ["registry.insecure=true"] : []),
    ...Object.entries(intent.annotations).map(([key, value]) => `annotation-index.${key}=${value}`),
  ];
  return fields.map(csvField).join(",");
}

/** RFC 4180. */
function csvField(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function toPlatform(platform: string): dockerBuild.Platform {
  const known = Object.values(dockerBuild.Platform).find((value) => value === platform);
  if (known === undefined) throw new Error(`docker-build knows no platform ${platform}`);
  return known;
}
