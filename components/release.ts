import * as pulumi from "@pulumi/pulumi";
import { readPulumiConfig } from "../config/pulumi-config";
import type { Config } from "../plan/config";
import type { ReleaseManifest } from "../plan/manifest";
import { parseManifest } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import { releaseManifest, tagOutcomes, writtenRepositories } from "../plan/release-manifest";
import type { ReleasePlan } from "../plan/release-plan";
import { providerConfig } from "../provider/provider-config";
import { provePush, readRegistries, resolveImages } from "../provider/sdk/functions";
import { RegistryProvider } from "../provider/sdk/resources";
import { planText, refusalText } from "../report/plan-text";
import { writeArtifacts } from "../report/write-artifacts";
import { planRelease } from "../source/plan-release";
import { ImageRelease, type ImageReleaseArgs } from "./image-release";
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

/** The whole program: configuration, plan, components, outputs. @throws pulumi.RunError with every refusal */
export async function release(): Promise<ReleaseOutputs> {
  try {
    const projectDir = process.cwd();
    const config = readPulumiConfig(process.env);
    const provider = new RegistryProvider("slipway-registry", providerConfig(config));
    const plan = await planRelease({
      config,
      stack: pulumi.getStack(),
      projectDir,
      env: process.env,
      now: new Date(),
      ...(await previousManifest()),
      registries: {
        resolveImages: (references) => resolveImages(references, provider),
        readRegistries: (request) => readRegistries(request, provider),
      },
    });
    if (pulumi.runtime.isDryRun()) await pulumi.log.info(planText(plan));
    if (plan.refusals.length > 0) throw refusal(refusalText(plan));
    const written = writtenRepositories(plan);
    if (!pulumi.runtime.isDryRun() && written.length > 0) await provePush(written, provider);
    return carryOut(plan, config, provider, projectDir);
  } catch (error) {
    if (error instanceof ProblemError) throw refusal(error.message);
    throw error;
  }
}

/**
 * An error that is for a person: its message alone. A stack would also cost half a minute, since the SDK inspects every
 * error in colour, and Node 20 loops over frames below `node_modules` there until a string is too long.
 */
function refusal(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}

function carryOut(
  plan: ReleasePlan,
  config: Config,
  provider: RegistryProvider,
  projectDir: string,
): ReleaseOutputs {
  const releases = releaseImages(plan, config, provider);
  const tags = new TagSet(
    "tags",
    {
      levels: plan.levels,
      digests: Object.fromEntries(releases.map(([name, { digest }]) => [name, digest])),
      repositories: Object.fromEntries(plan.images.map((image) => [image.name, image.repositories])),
      proofs: releases.flatMap(([, { proofs }]) => proofs),
    },
    { providers: [provider] },
  );
  const manifest = pulumi
    .output({
      digests: Object.fromEntries(releases.map(([name, { digest }]) => [name, digest])),
      attestations: Object.fromEntries(releases.map(([name, { attestations }]) => [name, attestations])),
      tags: tags.tags,
    })
    .apply(async (facts) => {
      const made = releaseManifest(plan, facts);
      // Reached only when every tag is set: the files tell of a release that is whole.
      if (!pulumi.runtime.isDryRun()) {
        await writeArtifacts(projectDir, config.artifacts, made, tagOutcomes(plan, made));
      }
      return made;
    });
  const byImage = <T>(value: (image: ReleaseManifest["images"][number]) => T) =>
    manifest.apply(({ images }) => Object.fromEntries(images.map((image) => [image.name, value(image)])));
  return {
    digests: byImage((image) => image.digest),
    references: byImage((image) => image.references),
    tags: byImage((image) => [...new Set(image.tags.map((tag) => tag.name))]),
    manifest,
  };
}

/** At most `builder.concurrency` builds at once: each waits for the one that many places before it. */
function releaseImages(
  plan: ReleasePlan,
  config: Config,
  provider: RegistryProvider,
): (readonly [string, ImageRelease])[] {
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
        revision: plan.revision,
        builder: config.builder,
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

/** The manifest that this stack's last successful run put out; a first run has none. */
async function previousManifest(): Promise<{ previous?: ReleaseManifest }> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name: stackName });
  const previous = parseManifest(outputs?.manifest);
  return previous === undefined ? {} : { previous };
}
