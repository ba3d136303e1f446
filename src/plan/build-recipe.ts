import { CREATED_ANNOTATION } from "./annotations";
import type { ImageConfig } from "./config";
import { parseReference, repositoryKey } from "./reference";
import type { BaseLink, ImageIntent } from "./release-intent";
import type { PlannedImage } from "./release-plan";
import { generatorReference } from "./sbom";

/** The build argument that names the SBOM generator. A new digest of it is no reason to build again. */
export const SBOM_ARGUMENT = "BUILDKIT_ATTEST_SBOM";

/** How an image is built and pushed, in BuildKit's words: the same for the engine and for a CLI. */
export interface BuildRecipe {
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** With those that BuildKit itself reads. */
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * The image's own, and what FROM lines mean: reference -> `docker-image://host/path@digest`; the base of the same
   * release is left out.
   */
  readonly namedContexts: Readonly<Record<string, string>>;
  readonly ssh: readonly string[];
  /** Of RUN lines. Default: the builder's. */
  readonly network?: "none" | "host";
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly cacheFrom: readonly string[];
  /** A cache that cannot be written fails no release. */
  readonly cacheTo: readonly string[];
  /** One exporter: pushed to every registry by digest, without a tag. */
  readonly output: string;
}

/**
 * @param plainHttpHosts hosts that are spoken to without TLS, `localhost:5000`
 * @param root the folder that an image's paths are relative to, from the project's folder: `.`, `..`
 */
export function buildRecipe(
  plan: PlannedImage,
  plainHttpHosts: readonly string[],
  root: string,
): BuildRecipe {
  const { intent } = plan;
  const { image } = intent;
  const fromRoot = (path: string) => (root === "." ? path : path === "." ? root : `${root}/${path}`);
  return {
    context: fromRoot(image.context),
    dockerfile: fromRoot([image.context, image.dockerfile].join("/").replace(/^\.\//, "")),
    target: image.target,
    platforms: image.platforms,
    buildArgs: { ...intent.buildArgs, ...buildKitArgs(plan) },
    labels: intent.labels,
    namedContexts: { ...pinnedBases(intent.bases), ...ownContexts(intent, fromRoot) },
    ssh: image.ssh ?? [],
    network: image.network === "default" ? undefined : image.network,
    extraHosts: Object.entries(image.extraHosts ?? {}).map(([name, address]) => `${name}:${address}`),
    cacheFrom: image.cacheFrom,
    cacheTo: image.cacheTo.map((raw) => (raw.includes("ignore-error") ? raw : `${raw},ignore-error=true`)),
    output: exportOf(plan, plainHttpHosts),
  };
}

/** The base of the same release, by its verified digest, even if its tag has moved since. */
export function releasedBaseContext(base: BaseLink, digest: string): string {
  return `docker-image://${base.repository}@${digest}`;
}

/** FROM lines mean the digests that were resolved for the content key, whatever their tags say by now. */
function pinnedBases(bases: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bases).map(([reference, digest]) => [reference, pinned(reference, digest)]),
  );
}

function pinned(reference: string, digest: string): string {
  return `docker-image://${repositoryKey(parseReference(reference))}@${digest}`;
}

function ownContexts(
  { image, bases }: ImageIntent,
  fromRoot: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(image.contexts ?? {}).flatMap(([name, context]) => {
      if (context.kind === "folder") return [[name, fromRoot(context.path)]];
      if (context.kind === "git") return [[name, context.address]];
      // One that cannot be resolved has refused the plan.
      const digest = bases[context.reference];
      return digest === undefined ? [] : [[name, pinned(context.reference, digest)]];
    }),
  );
}

/** Build arguments that BuildKit itself reads. An index is always wanted: it carries the content key. */
function buildKitArgs({ intent }: PlannedImage): Record<string, string> {
  const { image } = intent;
  const generator = intent.sbom === undefined ? undefined : generatorReference(intent.sbom);
  const created = intent.labels[CREATED_ANNOTATION];
  return {
    BUILDKIT_MULTI_PLATFORM: "1",
    ...(image.provenance ? { BUILDKIT_ATTEST_PROVENANCE: "mode=max" } : {}),
    ...(generator === undefined ? {} : { [SBOM_ARGUMENT]: `generator=${generator}` }),
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

function csvField(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * Repositories whose caches a build reads. BuildKit takes a cached layer as the result of a step, so anyone who may
 * push there decides what is built.
 */
export function registryCaches({ cacheFrom }: Pick<ImageConfig, "cacheFrom">): string[] {
  return cacheFrom.flatMap((raw) => {
    const fields = raw.split(",").map((field) => field.trim());
    if (!raw.includes("=")) return [raw];
    if (!fields.includes("type=registry")) return [];
    return fields.flatMap((field) => (field.startsWith("ref=") ? [field.slice("ref=".length)] : []));
  });
}
