import { posix } from "node:path";
import type { BuildArg, ImageConfig, NamedContext, SbomConfig } from "../plan/config";
import type { Lane } from "../plan/lanes";
import { mapValues, sortedRecord } from "../plan/record";
import { parseReference, referenceText } from "../plan/reference";
import { Secret } from "../plan/secret";
import { contextKind, IMAGE_CONTEXT } from "./grammar";
import { type CheckedLane, DEFAULT_SBOM_GENERATOR } from "./image-schema";
import { formatPath } from "./paths";
import type { CheckedConfig } from "./schema";

type CheckedImage = CheckedConfig["images"][number];
type CheckedBase = NonNullable<CheckedConfig["base"]>;
type CheckedVariant = NonNullable<CheckedConfig["variants"]>[number];
type CheckedBuildArg = CheckedImage["buildArgs"][string];

/** The tag that moves to the base of the newest release. */
const BASE_LATEST = "base-latest";

/**
 * All images of a stack, no image before the one that it is built FROM. The base and the variants become images like
 * any other; with lanes, every image is as the stack's lane builds and tags it.
 *
 * @param encrypted paths of secrets that only the engine can read
 */
export function normaliseImages(checked: CheckedConfig, encrypted: ReadonlySet<string>): ImageConfig[] {
  const lane = checked.lanes.find(({ name }) => name === checked.lane);
  const images = checked.images.map((image, index) => {
    if (lane === undefined) return normaliseImage(image, index, encrypted);
    return { ...normaliseImage(imageInLane(image, lane), index, encrypted), lane: lane.name };
  });
  const [first] = images;
  const base = checked.base && first && normaliseBase(checked.base, first);
  const based =
    base !== undefined && images.length === 1
      ? images.map((image) => ({ ...image, base: image.base ?? base.name }))
      : images;
  const { variants } = checked;
  const expanded =
    variants === undefined
      ? based
      : based.flatMap((image) => variants.map((variant) => variantOf(image, variant)));
  return basesFirst(base === undefined ? expanded : [base, ...expanded]);
}

/** As written, but no image before the one that it is built FROM. */
function basesFirst(images: readonly ImageConfig[]): ImageConfig[] {
  const ordered = new Set<ImageConfig>();
  const place = (image: ImageConfig): void => {
    const base = images.find(({ name }) => name === image.base);
    if (base !== undefined && base !== image && !ordered.has(base)) place(base);
    ordered.add(image);
  };
  for (const image of images) place(image);
  return [...ordered];
}

function normaliseImage(image: CheckedImage, index: number, encrypted: ReadonlySet<string>): ImageConfig {
  const isUnreadable = (id: string) => encrypted.has(formatPath(["images", index, "secrets", id]));
  return {
    ...image,
    at: formatPath(["images", index]),
    repository: image.repository ?? image.name,
    platforms: [...image.platforms].sort(),
    buildArgs: normaliseBuildArgs(image.buildArgs),
    sbom: normaliseSbom(image.sbom),
    secrets: mapValues(sortedRecord(image.secrets), (value, id) => new Secret(isUnreadable(id) ? "" : value)),
    contexts:
      image.contexts &&
      mapValues(sortedRecord(image.contexts), (source) => normaliseContext(source, image.context)),
    ssh: image.ssh && [...new Set(image.ssh)].sort(),
    extraHosts: image.extraHosts && sortedRecord(image.extraHosts),
  };
}

/** Folders become relative to the root. */
function normaliseContext(source: string, context: string): NamedContext {
  const kind = contextKind(source);
  switch (kind) {
    case "folder":
      return { kind, path: posix.join(context, source).replace(/(?<=.)\/$/, "") };
    case "image":
      return { kind, reference: referenceText(parseReference(source.slice(IMAGE_CONTEXT.length))) };
    case "git":
      return { kind, address: source };
  }
}

/** The base carries no release of its own: every later release finds it by its hash. */
function normaliseBase({ include, hash, ...base }: CheckedBase, first: ImageConfig): ImageConfig {
  return {
    ...base,
    at: "base",
    name: baseName(base.name, first.name),
    repository: base.repository ?? first.repository,
    platforms: [...base.platforms].sort(),
    buildArgs: normaliseBuildArgs(base.buildArgs),
    sbom: normaliseSbom(base.sbom),
    addressed: { include, hash },
    tags: [`type=raw,value=${BASE_LATEST}`],
    flavor: ["latest=false"],
    labels: "none",
    secrets: {},
  };
}

export function baseName(written: string | undefined, image: string): string {
  return written ?? `${image}-base`;
}

function variantOf(image: ImageConfig, { suffix, buildArgs, target }: CheckedVariant): ImageConfig {
  return {
    ...image,
    name: `${image.name}${suffix}`,
    buildArgs: { ...image.buildArgs, ...normaliseBuildArgs(buildArgs) },
    flavor: suffix === "" ? image.flavor : [...image.flavor, `suffix=${suffix},onlatest=true`],
    target: target ?? image.target,
  };
}

/** Only the default generator may be out of reach. */
function normaliseSbom(written: string | boolean): SbomConfig | false {
  if (written === false) return false;
  return written === true
    ? { generator: DEFAULT_SBOM_GENERATOR, required: false }
    : { generator: referenceText(parseReference(written)), required: true };
}

function normaliseBuildArgs(written: CheckedImage["buildArgs"]): Record<string, BuildArg> {
  return mapValues(sortedRecord(written), normaliseBuildArg);
}

function normaliseBuildArg(written: CheckedBuildArg, name: string): BuildArg {
  if (typeof written !== "object") return { kind: "literal", value: String(written) };
  const { pin } = written;
  if ("latestOf" in written) return { kind: "latest-of", source: written.latestOf, pin };
  return { kind: "file", file: written.file, key: written.key ?? name, pin };
}

/** A lane with its format and floating tag as rules of docker/metadata-action. */
export function normaliseLane(written: CheckedLane): Lane {
  const form = { prefix: written.format.slice(0, -"X.Y.Z".length), suffix: "" };
  const trigger = written.trigger.slice(0, -1);
  return {
    name: written.name,
    form,
    trigger,
    floating: written.floating,
    tags: [versionRule(form.prefix, trigger), ...written.tags],
    flavor: floatingFlavor(written.floating),
  };
}

/** Keeps the image's own flavor, so that `PUBLISH_LATEST` still works. */
function imageInLane(image: CheckedImage, written: CheckedLane): CheckedImage {
  const { context = image.context, dockerfile = image.dockerfile, target = image.target } = written;
  const { tags, flavor } = normaliseLane(written);
  return { ...image, context, dockerfile, target, tags: [...tags], flavor: [...image.flavor, ...flavor] };
}

/**
 * The version is what follows the trigger in a git tag, or the format's prefix in a requested image tag. As with every
 * `type=semver`, a pre-release is written whole and moves no floating tag.
 */
function versionRule(prefix: string, trigger: string): string {
  const starts = [...new Set([trigger, prefix])].map(escapeRegExp).join("|");
  const match = `match=^(?:${starts})([0-9].*)$`;
  return `type=semver,pattern={{version}},${match},prefix=${prefix}`;
}

/** `standalone-latest` is flavor's `latest` with the prefix `standalone-`, which no rule of a lane takes over. */
function floatingFlavor(floating: string): string[] {
  const at = floating.indexOf("latest");
  const prefix = floating.slice(0, at);
  const suffix = floating.slice(at + "latest".length);
  return [
    ...(prefix === "" ? [] : [`prefix=${prefix},onlatest=true`]),
    ...(suffix === "" ? [] : [`suffix=${suffix},onlatest=true`]),
  ];
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
