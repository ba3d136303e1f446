import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { BASE_IMAGE } from "../plan/release-intent";
import { baseName } from "./expand-images";
import {
  conflict,
  duplicates,
  entriesOf,
  formatPath,
  type Path,
  problem,
  textOf,
  valueAt,
  type Written,
} from "./paths";

interface Named {
  readonly path: Path;
  readonly name: string;
  readonly base?: { readonly path: Path; readonly name: string };
}

export function baseProblems(written: Written): Problem[] {
  return [
    ...variantProblems(written),
    ...linkProblems(written),
    ...platformProblems(written),
    ...argProblems(written),
  ];
}

/** Every name that the stack's images have once base and variants are images like any other. */
export function expandedNames(written: Written): string[] {
  const suffixes = entriesOf(written, "variants").map(({ value }) => textOf(value.suffix) ?? "");
  const images = entriesOf(written, "images").flatMap(({ value }) => textOf(value.name) ?? []);
  const [first] = images;
  const base =
    isRecord(written.base) && first !== undefined ? [baseName(textOf(written.base.name), first)] : [];
  return [
    ...base,
    ...(suffixes.length === 0 ? images : images.flatMap((name) => suffixes.map((suffix) => name + suffix))),
  ];
}

function variantProblems(written: Written): Problem[] {
  const variants = entriesOf(written, "variants");
  const images = entriesOf(written, "images").length;
  const repeated = duplicates(
    variants.map(({ path, value }) => ({ path: [...path, "suffix"], key: textOf(value.suffix) })),
    (suffix, first) =>
      `${JSON.stringify(suffix)} is also the suffix of ${formatPath(first.slice(0, -1))}: both would own the same tags`,
  );
  if (variants.length === 0 || images < 2) return repeated;
  const message = `are variants of one image, but the stack has ${images} images`;
  return [conflict("variants", message, "Put the other images into a stack of their own"), ...repeated];
}

function linkProblems(written: Written): Problem[] {
  const images = namedImages(written);
  const names = images.map(({ name }) => name);
  const problems: Problem[] = [];
  for (const { base } of images) {
    if (base === undefined || names.includes(base.name)) continue;
    const message = `${JSON.stringify(base.name)} names no image of this stack; there is ${names.join(", ")}`;
    problems.push(problem("config-value", base.path, message));
  }
  for (const image of images) {
    const ring = ringFrom(image, images);
    if (ring === undefined || image.base === undefined || ring[0] !== [...ring].sort()[0]) continue;
    const message = `is a cycle: ${[...ring, ring[0]].join(" is built from ")}`;
    problems.push(problem("config-cycle", image.base.path, message, "Take `base` out of one of them"));
  }
  const [base] = isRecord(written.base) ? images : [];
  if (base !== undefined && names.lastIndexOf(base.name) > 0) {
    const message = `${JSON.stringify(base.name)} is also the name of an image`;
    problems.push(problem("config-duplicate", "base.name", message));
  }
  if (base !== undefined && images.length > 1 && !images.some((image) => image.base?.name === base.name)) {
    const hint = `Say which images are built from it: base: ${base.name}`;
    problems.push(conflict("base", "is built in vain: no image names it", hint));
  }
  return problems;
}

/** The base first; images of a stack with one image have it as their base where they name no other. */
function namedImages(written: Written): Named[] {
  const images = entriesOf(written, "images").flatMap(({ path, value }): Named[] => {
    const name = textOf(value.name);
    const base = textOf(value.base);
    if (name === undefined) return [];
    return [{ path, name, base: base === undefined ? undefined : { path: [...path, "base"], name: base } }];
  });
  const [first] = images;
  if (!isRecord(written.base) || first === undefined) return images;
  const base = { path: ["base"], name: baseName(textOf(written.base.name), first.name) };
  const linked = images.map((image) =>
    image.base === undefined && images.length === 1 ? { ...image, base } : image,
  );
  return [base, ...linked];
}

/** Names from an image over its bases back to itself. */
function ringFrom(start: Named, images: readonly Named[]): string[] | undefined {
  const ring: string[] = [];
  for (let at: Named | undefined = start; at !== undefined; ) {
    if (ring.includes(at.name)) return at.name === start.name ? ring : undefined;
    ring.push(at.name);
    const next: string | undefined = at.base?.name;
    at = images.find(({ name }) => name === next);
  }
  return undefined;
}

function platformProblems(written: Written): Problem[] {
  const offered = valueAt(written, ["base", "platforms"]);
  if (!Array.isArray(offered)) return [];
  return entriesOf(written, "images").flatMap(({ path, value }) => {
    if (value.base !== undefined && value.base !== valueAt(written, ["base", "name"])) return [];
    const desired: unknown[] = Array.isArray(value.platforms) ? value.platforms : [];
    return desired.flatMap((platform, index) => {
      if (offered.includes(platform)) return [];
      const message = `${JSON.stringify(platform)} is not among the base's platforms (${offered.join(", ")})`;
      return [conflict([...path, "platforms", index], message)];
    });
  });
}

function argProblems(written: Written): Problem[] {
  return [...entriesOf(written, "images"), ...entriesOf(written, "variants")].flatMap(({ path, value }) => {
    const hasBase = isRecord(written.base) || value.base !== undefined;
    if (!hasBase || !isRecord(value.buildArgs) || !(BASE_IMAGE in value.buildArgs)) return [];
    const where = [...path, "buildArgs", BASE_IMAGE];
    return [conflict(where, "is set by Slipway itself, to the base's reference")];
  });
}
