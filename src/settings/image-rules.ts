import { posix } from "node:path";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { isReference, parseReference, referenceText } from "../plan/reference";
import { BASE_IMAGE } from "../plan/release-intent";
import { type Misspelling, misspeltInFlavor, misspeltInRule } from "../plan/tag-rules/spelling";
import { parseTagRule } from "../plan/tag-rules/tag-rule";
import { contextKind, escapes, pathProblem } from "./grammar";
import { baseName } from "./normalise-images";
import {
  conflict,
  duplicates,
  type Entry,
  entriesOf,
  formatPath,
  type Path,
  problem,
  textOf,
  textsOf,
  valueAt,
  type Written,
} from "./paths";

/** Rules for images, their base and variants, their lanes and tag rules. */
export function imageProblems(written: Written): Problem[] {
  const images = entriesOf(written, "images");
  return [
    ...nameProblems(written, images),
    ...images.flatMap(buildProblems),
    ...descriptionProblems(images),
    ...variantProblems(written),
    ...baseProblems(written),
    ...platformProblems(written, images),
    ...baseArgProblems(written, images),
    ...laneProblems(written),
    ...tagRuleProblems(written, images),
  ];
}

/** The names of all images, including the base and one for each variant. */
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

function nameProblems(written: Written, images: readonly Entry[]): Problem[] {
  const named = images.map(({ path, value }) => ({ path: [...path, "name"], key: textOf(value.name) }));
  const problems = duplicates(
    named,
    (key, first) => `${JSON.stringify(key)} is also the name at ${formatPath(first)}`,
  );
  const namespaces = entriesOf(written, "registries").map(({ value }) => textOf(value.namespace) ?? "");
  const longest = Math.max(0, ...namespaces.map(({ length }) => length));
  for (const { path, key } of named) {
    if (key === undefined || longest + 1 + key.length <= 255) continue;
    const message = "is too long: namespace and name together may have 255 characters";
    problems.push(problem("config-value", path, message));
  }
  return problems;
}

function buildProblems({ path, value }: Entry): Problem[] {
  const problems: Problem[] = [];
  const context = textOf(value.context) ?? ".";
  const dockerfile = textOf(value.dockerfile) ?? "Dockerfile";
  // A Dockerfile may be outside of a valid context, but not outside of the project.
  const upward = dockerfile.startsWith("../") && pathProblem(context) === undefined;
  const wrong = pathProblem(upward ? posix.join(context, dockerfile) : dockerfile);
  if (wrong !== undefined && dockerfile !== "") {
    const message = `${JSON.stringify(dockerfile)} ${wrong}`;
    problems.push(problem("config-value", [...path, "dockerfile"], message));
  }
  const contexts = Object.entries(isRecord(value.contexts) ? value.contexts : {});
  for (const [name, source] of contexts) {
    if (typeof source !== "string" || contextKind(source) !== "folder") continue;
    if (pathProblem(context) !== undefined || !escapes(posix.join(context, source))) continue;
    const message = `${JSON.stringify(source)} leads out of the project`;
    problems.push(problem("config-value", [...path, "contexts", name], message));
  }
  problems.push(
    ...duplicates(
      contexts.map(([name]) => ({
        path: [...path, "contexts", name],
        key: isReference(name) ? referenceText(parseReference(name)) : undefined,
      })),
      (key, first) => `${key} is also the name at ${formatPath(first)}`,
    ),
    ...duplicates(
      textsOf(value.platforms).map(([index, key]) => ({ path: [...path, "platforms", index], key })),
      (key, first) => `${JSON.stringify(key)} is already at ${formatPath(first)}`,
    ),
    ...duplicates(
      textsOf(value.extraLabels).map(([index, label]) => ({
        path: [...path, "extraLabels", index],
        key: label.split("=")[0],
      })),
      (key, first) => `${JSON.stringify(key)} is already set at ${formatPath(first)}`,
    ),
  );
  for (const name of ["BUILDKIT_ATTEST_PROVENANCE", "BUILDKIT_ATTEST_SBOM"]) {
    if (!isRecord(value.buildArgs) || !(name in value.buildArgs)) continue;
    const setting = name === "BUILDKIT_ATTEST_SBOM" ? "sbom" : "provenance";
    const message = `is set by Slipway itself; use the image's \`${setting}\``;
    problems.push(conflict([...path, "buildArgs", name], message));
  }
  return problems;
}

function descriptionProblems(images: readonly Entry[]): Problem[] {
  const described = images.filter(({ value }) => isRecord(value.description));
  return duplicates(
    described.map(({ path, value }) => ({
      path: [...path, "description"],
      key: textOf(value.repository) ?? textOf(value.name),
    })),
    (repository, first) => `${formatPath(first)} describes the repository ${repository} already`,
  );
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
  const message = `need a stack with one image, and this one has ${images}`;
  return [conflict("variants", message, "Put the other images into a stack of their own"), ...repeated];
}

interface Named {
  readonly name: string;
  /** The image that this one is built FROM, and where that is written. */
  readonly base?: { readonly path: Path; readonly name: string };
}

/** Every image that is built FROM another one names an image of the stack, without a cycle. */
function baseProblems(written: Written): Problem[] {
  const images = namedImages(written);
  const names = images.map(({ name }) => name);
  const problems: Problem[] = [];
  for (const { base } of images) {
    if (base === undefined || names.includes(base.name)) continue;
    const message = `${JSON.stringify(base.name)} names no image of this stack; there is ${names.join(", ")}`;
    problems.push(problem("config-value", base.path, message));
  }
  for (const image of images) {
    const cycle = cycleFrom(image, images);
    // Report each cycle once, at the image whose name sorts first.
    if (cycle === undefined || image.base === undefined || cycle[0] !== [...cycle].sort()[0]) continue;
    const message = `is a cycle: ${[...cycle, cycle[0]].join(" is built from ")}`;
    problems.push(problem("config-cycle", image.base.path, message, "Take `base` out of one of them"));
  }
  const [base] = isRecord(written.base) ? images : [];
  if (base === undefined) return problems;
  if (names.lastIndexOf(base.name) > 0) {
    const message = `${JSON.stringify(base.name)} is also the name of an image`;
    problems.push(problem("config-duplicate", "base.name", message));
  }
  if (images.length > 1 && !images.some((image) => image.base?.name === base.name)) {
    const hint = `Say which images are built from it: base: ${base.name}`;
    problems.push(conflict("base", "is not used: no image names it", hint));
  }
  return problems;
}

/** The base first. In a stack with one image, that image is built FROM the base unless it names another one. */
function namedImages(written: Written): Named[] {
  const images = entriesOf(written, "images").flatMap(({ path, value }): Named[] => {
    const name = textOf(value.name);
    const base = textOf(value.base);
    if (name === undefined) return [];
    return [{ name, base: base === undefined ? undefined : { path: [...path, "base"], name: base } }];
  });
  const [first] = images;
  if (!isRecord(written.base) || first === undefined) return images;
  const base = { path: ["base"], name: baseName(textOf(written.base.name), first.name) };
  const linked = images.map((image) =>
    image.base === undefined && images.length === 1 ? { ...image, base } : image,
  );
  return [{ name: base.name }, ...linked];
}

/** Names from an image over its bases back to itself. */
function cycleFrom(start: Named, images: readonly Named[]): string[] | undefined {
  const cycle: string[] = [];
  for (let at: Named | undefined = start; at !== undefined; ) {
    if (cycle.includes(at.name)) return at.name === start.name ? cycle : undefined;
    cycle.push(at.name);
    const next: string | undefined = at.base?.name;
    at = images.find(({ name }) => name === next);
  }
  return undefined;
}

function platformProblems(written: Written, images: readonly Entry[]): Problem[] {
  const offered = valueAt(written, ["base", "platforms"]);
  if (!Array.isArray(offered)) return [];
  return images.flatMap(({ path, value }) => {
    if (value.base !== undefined && value.base !== valueAt(written, ["base", "name"])) return [];
    const desired: unknown[] = Array.isArray(value.platforms) ? value.platforms : [];
    return desired.flatMap((platform, index) => {
      if (offered.includes(platform)) return [];
      const message = `${JSON.stringify(platform)} is not among the base's platforms (${offered.join(", ")})`;
      return [conflict([...path, "platforms", index], message)];
    });
  });
}

function baseArgProblems(written: Written, images: readonly Entry[]): Problem[] {
  return [...images, ...entriesOf(written, "variants")].flatMap(({ path, value }) => {
    const hasBase = isRecord(written.base) || value.base !== undefined;
    if (!hasBase || !isRecord(value.buildArgs) || !(BASE_IMAGE in value.buildArgs)) return [];
    const where = [...path, "buildArgs", BASE_IMAGE];
    return [conflict(where, "is set by Slipway itself, to the base's reference")];
  });
}

/** The stack names one of its lanes, and no two lanes can own the same tags. */
function laneProblems(written: Written): Problem[] {
  const lanes = entriesOf(written, "lanes");
  const chosen = textOf(written.lane);
  if (!Array.isArray(written.lanes) || written.lanes.length === 0) {
    if (chosen === undefined) return [];
    const message = `${JSON.stringify(chosen)} names a lane, but there are none`;
    return [problem("config-value", "lane", message, "Describe the lanes: slipway:lanes")];
  }
  const tagged = entriesOf(written, "images").filter(({ value }) => value.tags !== undefined);
  return [
    ...chosenLaneProblems(lanes, chosen),
    ...distinct(lanes, "name", (text) => text),
    // `vX.Y.Z` and `X.Y.Z` are the same versions: each would hold the other's floating tag back.
    ...distinct(lanes, "format", (text) => text.replace(/v?X\.Y\.Z$/, "")),
    ...distinct(lanes, "trigger", (text) => text.replace(/v?\*$/, "")),
    ...distinct(lanes, "floating", (text) => text),
    ...tagged.map(({ path }) =>
      conflict(
        [...path, "tags"],
        "has no meaning where there are lanes: a lane's format and floating tag are the rules",
        "Put further rules into the lane's own `tags`",
      ),
    ),
  ];
}

function chosenLaneProblems(lanes: readonly Entry[], chosen: string | undefined): Problem[] {
  const names = lanes.flatMap(({ value }) => textOf(value.name) ?? []);
  const known = names.join(", ");
  if (chosen === undefined) {
    const message = `is required where there are lanes; expected one of ${known}`;
    return [problem("config-required", "lane", message, "Each lane is a stack of its own")];
  }
  if (names.includes(chosen)) return [];
  return [problem("config-value", "lane", `${JSON.stringify(chosen)} is not one of ${known}`)];
}

/** @param family texts of one family give tags that collide */
function distinct(lanes: readonly Entry[], key: string, family: (text: string) => string): Problem[] {
  const texts = lanes.map(({ path, value }) => ({ path: [...path, key], text: textOf(value[key]) }));
  return duplicates(
    texts.map(({ path, text }) => ({ path, key: text === undefined ? undefined : family(text) })),
    (_, first, at) => {
      const mine = JSON.stringify(texts.find(({ path }) => formatPath(path) === formatPath(at))?.text);
      return `${mine} would own the same tags as the lane at ${formatPath(first.slice(0, 2))}`;
    },
  );
}

/**
 * Tag rules that cannot be parsed, and unknown names in rules and flavors. docker/metadata-action ignores unknown
 * names; here a release would silently lack the tags.
 */
function tagRuleProblems(written: Written, images: readonly Entry[]): Problem[] {
  return [...images, ...entriesOf(written, "lanes")].flatMap(({ path, value }) => [
    ...textsOf(value.tags).flatMap(([index, text]) => wrongRule([...path, "tags", index], text)),
    ...textsOf(value.flavor).flatMap(([index, text]) =>
      misspelt([...path, "flavor", index], misspeltInFlavor(text)),
    ),
  ]);
}

function wrongRule(path: Path, text: string): Problem[] {
  const names = misspeltInRule(text);
  if (names.length > 0) return misspelt(path, names);
  try {
    parseTagRule(text);
    return [];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return [problem("tag-rule", path, error.message)];
  }
}

function misspelt(path: Path, names: readonly Misspelling[]): Problem[] {
  return names.map(({ message, hint }) => problem("config-tag-rule", path, message, hint));
}
