import { CREATED_ANNOTATION } from "./annotations";
import type { ImageConfig } from "./config";
import { parseReference, repositoryKey } from "./reference";
import type { BaseLink, ImageIntent } from "./release-intent";
import type { PlannedImage } from "./release-plan";
import { generatorReference } from "./sbom";

/** The build argument with the SBOM generator. Callers ignore its changes: a new generator is no reason to build again. */
export const SBOM_ARGUMENT = "BUILDKIT_ATTEST_SBOM";

/** How BuildKit builds and pushes an image. The engine and a Docker-compatible CLI use the same recipe. */
interface BuildRecipe {
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** The image's own, and those that BuildKit reads. */
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * The image's own named contexts, and the pinned bases of FROM lines: reference -> `docker-image://host/path@digest`.
   * The base of the same release is left out.
   */
  readonly namedContexts: Readonly<Record<string, string>>;
  readonly ssh: readonly string[];
  /** The network of RUN lines. @default the builder's */
  readonly network?: "none" | "host";
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly cacheFrom: readonly string[];
  /** With `ignore-error`: a cache that cannot be written must not fail the release. */
  readonly cacheTo: readonly string[];
  /** An exporter that pushes to every registry by digest, without a tag. */
  readonly output: string;
}

/**
 * @param plainHttpHosts registries without TLS: `localhost:5000`
 * @param root the folder that an image's paths are relative to, itself relative to the project: `.`, `..`
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

/** The base of the same release, by its verified digest and not by its tag, which may have moved since. */
export function releasedBaseContext(base: BaseLink, digest: string): string {
  return `docker-image://${base.repository}@${digest}`;
}

/** Pins FROM lines to the digests that were resolved for the content key. */
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
      // A reference that cannot be resolved has refused the plan.
      const digest = bases[context.reference];
      return digest === undefined ? [] : [[name, pinned(context.reference, digest)]];
    }),
  );
}

/** Build arguments that BuildKit reads. `BUILDKIT_MULTI_PLATFORM` makes an index, which has the content key's annotation. */
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
 * The repositories whose caches a build reads. BuildKit uses a cached layer as a step's result, so anyone who can push
 * there decides what is built.
 */
export function registryCaches({ cacheFrom }: Pick<ImageConfig, "cacheFrom">): string[] {
  return cacheFrom.flatMap((raw) => {
    const fields = raw.split(",").map((field) => field.trim());
    if (!raw.includes("=")) return [raw];
    if (!fields.includes("type=registry")) return [];
    return fields.flatMap((field) => (field.startsWith("ref=") ? [field.slice("ref=".length)] : []));
  });
}
