import { isRecord } from "../plan/record";
import { type Path, valueAt, withValueAt } from "./paths";

type Written = Readonly<Record<string, unknown>>;

/** Defaults that follow from other settings, put where nothing is written. Everything else has its default in the schema. */
export function withDerivedDefaults(written: Written): Written {
  const hasVariants = Array.isArray(written.variants) && written.variants.length > 0;
  const derived: readonly [path: Path, when: boolean, value: unknown][] = [
    // One repository's tags are `v1.2.3`, `v1.2.3-slim`, `latest`, `latest-slim`, whatever the version looks like.
    [["images", 0, "tags"], hasVariants && isRecord(valueAt(written, ["images", 0])), ["type=ref,event=tag"]],
    // One machine's network does not gain from two pushes at once, and emulated builds share its processors.
    [["builder", "concurrency"], hasVariants && isRecord(written.builder ?? {}), 1],
    [["base", "platforms"], isRecord(written.base), valueAt(written, ["images", 0, "platforms"])],
  ];
  return derived.reduce<Written>((config, [path, when, value]) => {
    if (!when || value === undefined || valueAt(config, path) !== undefined) return config;
    const changed = withValueAt(config, path, value);
    return isRecord(changed) ? changed : config;
  }, written);
}
