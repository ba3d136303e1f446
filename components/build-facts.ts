import type { BuildFacts } from "../plan/manifest";
import type { PlannedImage } from "../plan/release-plan";

/** What a run built with, for diagnostics; undefined if it built nothing. */
export async function buildFacts(
  images: readonly PlannedImage[],
  builder: string | undefined,
): Promise<BuildFacts | undefined> {
  const built = images.filter(({ content }) => content.from === "build");
  if (built.length === 0) return undefined;
  // gRPC takes a while to load, and most runs build nothing.
  const { inspectBuilder } = await import("../provider/builder/inspect-builder.js");
  const known = await inspectBuilder(builder);
  return {
    ...known,
    proxy: proxyHost(process.env),
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
function proxyHost(env: NodeJS.ProcessEnv): string {
  const written = env.https_proxy || env.HTTPS_PROXY || env.http_proxy || env.HTTP_PROXY || "";
  if (written === "") return "none";
  return URL.canParse(written) ? new URL(written).host : "unreadable";
}
