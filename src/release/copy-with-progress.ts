import { type CopyProgress, type CopyResult, copyContent } from "../registry/copy";
import type { AcceptReferrer } from "../registry/copy-rules";
import type { EngineLog } from "./context";
import type { Location } from "./registries";

/** From so many bytes on a copy is shown, or if it takes so long. */
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
 * Copies content by digest and shows how far that is: bytes and rate every second at first, later every ten, and a line at
 * the end. Nothing is shown of what is small.
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
  let said = began;
  const isShown = (bytes: number) => bytes >= LARGE_BYTES || now() - began >= LONG_MS;
  const onProgress = ({ sent, total }: CopyProgress) => {
    const pause = Math.min(LONG_MS, Math.max(OFTEN_MS, said - began));
    if (sent >= total || now() - said < pause || !isShown(total)) return;
    said = now();
    void log.status(
      urn,
      `copied ${bytesText(sent)} of ${bytesText(total)} (${rate(sent)}) to ${to.repository}`,
    );
  };
  const rate = (bytes: number) => `${bytesText(bytes / Math.max(0.001, (now() - began) / 1000))}/s`;
  const result = await copyContent({
    from: { client: from.client, repository: from.path },
    to: { client: to.client, repository: to.path },
    digest,
    onProgress,
    ...(accept === undefined ? {} : { accept }),
  });
  const { bytes } = result;
  if (bytes > 0 && isShown(bytes))
    await log.info(urn, `copied ${bytesText(bytes)} to ${to.repository} (${rate(bytes)})`);
  return result;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** `312 MB`, `1.9 GB`: three digits are as many as a person reads. */
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
