import path from "node:path";
import type { BuildFacts } from "../../plan/manifest";
import type { PlannedImage } from "../../plan/release-plan";
import type { Environment } from "../../settings/environment";

interface FactsOf {
  readonly images: readonly PlannedImage[];
  /** The builder's name. @default buildx's current one */
  readonly builder: string | undefined;
  readonly env: Environment;
  /** A CLI that has a builder of its own, such as nerdctl. @default buildx built */
  readonly cli?: string;
}

/** What a run built with, for diagnostics; undefined if it built nothing. */
export async function buildFacts({ images, builder, env, cli }: FactsOf): Promise<BuildFacts | undefined> {
  const built = images.filter(({ content }) => content.from === "build");
  if (built.length === 0) return undefined;
  // gRPC takes a while to load, and most runs build nothing.
  const { inspectBuilder, UNKNOWN } = await import("./inspect-builder.js");
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
