import type { ReleaseEvent } from "./event";

/** Sorts keys the same on every machine, whatever its language. */
const BY_KEY = new Intl.Collator("en");

/**
 * The labels (and annotations) of an image, as `key=value`, sorted by key: OCI's own, then what `extra` says, which
 * wins. An entry without `=` is left out.
 *
 * @param version the main tag; empty for none
 * @param now becomes `org.opencontainers.image.created`; reproducible images say something else in `extra`
 */
export function imageLabels(
  event: ReleaseEvent,
  version: string,
  now: Date,
  extra: readonly string[],
): string[] {
  const { name = "", description = "", url = "", license = "" } = event.repository;
  const own = {
    title: name,
    description,
    url,
    source: url,
    version,
    created: now.toISOString(),
    revision: event.sha,
    licenses: license,
  };
  const labels = new Map(
    Object.entries(own).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
  );
  for (const label of extra) {
    const equals = label.indexOf("=");
    if (equals !== -1) labels.set(label.slice(0, equals), label.slice(equals + 1));
  }
  return [...labels].sort(([a], [b]) => BY_KEY.compare(a, b)).map(([key, value]) => `${key}=${value}`);
}
