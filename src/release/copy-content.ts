import { type Digest, shortDigest } from "../plan/digest";
import { type CopyProgress, type CopyResult, copyContent } from "../registry/copy";
import type { AcceptReferrer } from "../registry/copy-rules";
import type { FetchedManifest } from "../registry/manifests";
import { detachStatements, missingStatements, relistStatements } from "../registry/referrers";
import type { Context, EngineLog } from "./operation";
import type { Location } from "./registries";

/** Progress is shown for copies of this size, or that take this long. */
const LARGE_BYTES = 100_000_000;
const LONG_MS = 10_000;
const OFTEN_MS = 1_000;

interface Copy {
  readonly from: Location;
  readonly to: Location;
  readonly digest: string;
  readonly accept?: AcceptReferrer;
}

/**
 * Copies content by digest. A large copy shows its bytes and rate, every second at first and every ten later, and a
 * line at the end.
 *
 * @param now milliseconds
 */
export async function copyWithProgress(
  log: EngineLog,
  urn: string,
  { from, to, digest, accept }: Copy,
  now: () => number = Date.now,
): Promise<CopyResult> {
  const began = now();
  let shown = began;
  const isShown = (bytes: number) => bytes >= LARGE_BYTES || now() - began >= LONG_MS;
  const rate = (bytes: number) => `${bytesText(bytes / Math.max(0.001, (now() - began) / 1000))}/s`;
  const onProgress = ({ sent, total }: CopyProgress) => {
    const pause = Math.min(LONG_MS, Math.max(OFTEN_MS, shown - began));
    if (sent >= total || now() - shown < pause || !isShown(total)) return;
    shown = now();
    const progress = `${bytesText(sent)} of ${bytesText(total)} (${rate(sent)})`;
    void log.status(urn, `copied ${progress} to ${to.repository}`);
  };
  const result = await copyContent({
    from: { client: from.client, repository: from.path },
    to: { client: to.client, repository: to.path },
    digest,
    onProgress,
    accept,
  });
  const { bytes } = result;
  if (bytes > 0 && isShown(bytes))
    await log.info(urn, `copied ${bytesText(bytes)} to ${to.repository} (${rate(bytes)})`);
  return result;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Up to three digits: `312 MB`, `1.9 GB`. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // 999.6 kB would be shown as 1000 kB.
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount < 9.95 && unit > 1 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

/** Takes the build's attestations out of the index, in the first repository that has it; the others get the copy. */
export async function detachIn(
  locations: readonly Location[],
  built: Digest,
  image: string,
): Promise<Digest> {
  for (const { client, path } of locations) {
    if ((await client.headManifest(path, built)) !== undefined) return detachStatements(client, path, built);
  }
  throw missingContent(image, built);
}

export function missingContent(image: string, digest: Digest): Error {
  return new Error(`${image}: no registry has ${digest} any more. Run \`pulumi up\` again.`);
}

/** Whether a repository has and lists every statement that an index there names as its own. */
export async function isWhole({ client, path }: Location, index: Digest | FetchedManifest): Promise<boolean> {
  return (await missingStatements(client, path, index)).length === 0;
}

/** The repositories that have an index but lack a statement of its build. */
export async function incomplete(locations: readonly Location[], digest: Digest): Promise<Location[]> {
  const whole = await Promise.all(locations.map((location) => isWhole(location, digest)));
  return locations.filter((_, at) => !whole[at]);
}

/**
 * The repository to copy from: one that has the index with all of its statements, after listing again those that are
 * only unlisted. If every repository lost some, this warns: the lost ones can be verified nowhere.
 *
 * @param holders repositories that have the index; at least one
 */
export async function wholeSource(
  context: Context,
  urn: string,
  index: FetchedManifest,
  [first, ...others]: readonly [Location, ...Location[]],
): Promise<Location> {
  for (const holder of [first, ...others]) {
    if (await isWhole(holder, index)) return holder;
    const { client, path } = holder;
    await relistStatements(client, path, await missingStatements(client, path, index));
    if (await isWhole(holder, index)) return holder;
  }
  const lost = await missingStatements(first.client, first.path, index);
  await context.log.warn(
    urn,
    `${first.repository}@${shortDigest(index.descriptor.digest)} lost attestations of its build ` +
      `(${lost.map(shortDigest).join(", ")}), and no registry has them any more; verifying it by them fails`,
  );
  return first;
}
