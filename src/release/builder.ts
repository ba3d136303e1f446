import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { BuildFacts } from "../plan/manifest";
import type { PlannedImage } from "../plan/release-plan";
import type { Environment } from "../settings/environment";

/** A builder as buildx records it. */
export interface BuildxBuilder {
  readonly name: string;
  /** `remote`, `docker-container`, `kubernetes`, `cloud`. */
  readonly driver: string;
  readonly nodes: readonly {
    readonly endpoint: string;
    /** Options of the driver, e.g. the image of BuildKit and its network. */
    readonly options: Readonly<Record<string, string>>;
    /** The platforms in buildx's file; empty: those that BuildKit reports. */
    readonly platforms: readonly string[];
  }[];
}

const instance = z.object({
  Name: z.string(),
  Driver: z.string(),
  Nodes: z
    .array(
      z.object({
        Endpoint: z.string().default(""),
        DriverOpts: z.record(z.string(), z.string()).nullish(),
        Platforms: z
          .array(z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }))
          .nullish(),
      }),
    )
    .nullish(),
});

/**
 * The builder of that name, or buildx's current one, from buildx's own folder. docker-build contains buildx and reads
 * the same files, so neither `buildx` nor `docker` has to be installed. Undefined if buildx has no file about it.
 */
export async function readBuildxBuilder(
  name: string | undefined,
  env: Environment = process.env,
): Promise<BuildxBuilder | undefined> {
  const folder = buildxFolder(env);
  const chosen = name ?? (await currentName(folder));
  if (chosen === undefined || chosen === "" || path.basename(chosen) !== chosen) return undefined;
  const found = instance.safeParse(await readJson(path.join(folder, "instances", chosen)));
  if (!found.success) return undefined;
  return {
    name: found.data.Name,
    driver: found.data.Driver,
    nodes: (found.data.Nodes ?? []).map(({ Endpoint, DriverOpts, Platforms }) => ({
      endpoint: Endpoint,
      options: DriverOpts ?? {},
      platforms: (Platforms ?? []).map(({ os, architecture, variant }) =>
        [os, architecture, variant].filter(Boolean).join("/"),
      ),
    })),
  };
}

/** Whether buildx lacks a builder that a stack names. Docker's own builder, `default`, has no file. */
export async function isMissingBuilder(
  name: string | undefined,
  env: Environment = process.env,
): Promise<boolean> {
  return name !== undefined && name !== "default" && (await readBuildxBuilder(name, env)) === undefined;
}

/** Where buildx keeps its builders. */
export function buildxFolder(env: Environment): string {
  return env.BUILDX_CONFIG || path.join(env.DOCKER_CONFIG || path.join(homedir(), ".docker"), "buildx");
}

async function currentName(folder: string): Promise<string | undefined> {
  const current = z.object({ Name: z.string() }).safeParse(await readJson(path.join(folder, "current")));
  return current.success ? current.data.Name : undefined;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}

const UNKNOWN = "unknown";

/**
 * What a run built with, for diagnostics; undefined if it built nothing.
 *
 * @param cli a CLI that has a builder of its own, such as nerdctl. @default buildx built
 */
export async function buildFacts({
  images,
  builder,
  env,
  cli,
}: {
  readonly images: readonly PlannedImage[];
  /** @default buildx's current one */
  readonly builder: string | undefined;
  readonly env: Environment;
  readonly cli?: string;
}): Promise<BuildFacts | undefined> {
  const built = images.filter(({ content }) => content.from === "build");
  if (built.length === 0) return undefined;
  const known =
    cli === undefined
      ? await inspectBuilder(builder, env)
      : { builder: path.basename(cli), driver: UNKNOWN, buildkit: UNKNOWN, network: UNKNOWN };
  return {
    ...known,
    proxy: proxyHost(env),
    images: built.map(({ name, intent: { image } }) => ({
      name,
      platforms: image.platforms,
      cacheFrom: image.cacheFrom.map(cacheKind),
      cacheTo: image.cacheTo.map(cacheKind),
    })),
  };
}

async function inspectBuilder(
  name: string | undefined,
  env: Environment,
): Promise<Omit<BuildFacts, "images" | "proxy">> {
  const builder = await readBuildxBuilder(name, env);
  const nodes = builder?.nodes ?? [];
  // Loaded here: gRPC takes a while to load, and most runs build nothing.
  const { buildkitVersion } = await import("./buildkit-version.js");
  const versions = await Promise.all(nodes.map(({ endpoint }) => buildkitVersion(endpoint)));
  return {
    builder: builder?.name ?? name ?? UNKNOWN,
    driver: builder?.driver ?? UNKNOWN,
    buildkit: distinct(versions.map((version) => version ?? UNKNOWN)),
    network: distinct(nodes.map(({ options }) => options.network ?? "the driver's default")),
  };
}

/** One text if all nodes agree. */
function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(", ") || UNKNOWN;
}

/** Type, mode and reference of a cache; its other options may hold credentials. */
function cacheKind(raw: string): string {
  const fields = raw.split(",").filter((field) => /^(?:type|mode|ref|name|scope)=/.test(field.trim()));
  return fields.length === 0 && !raw.includes("=") ? raw : fields.join(",");
}

/** Only the host, since a proxy's address may contain a password. */
function proxyHost(env: Environment): string {
  const written = env.https_proxy || env.HTTPS_PROXY || env.http_proxy || env.HTTP_PROXY || "";
  if (written === "") return "none";
  return URL.canParse(written) ? new URL(written).host : "unreadable";
}
