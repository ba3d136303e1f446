import type { AddressedConfig, BuildArg, ImageConfig } from "../plan/config";
import type { Lane } from "../plan/lanes";
import type { CheckedLane } from "./image-schema";
import type { CheckedConfig } from "./schema";

/** The tag that moves to the base of the newest release. */
const BASE_LATEST = "base-latest";

export interface BaseConfig
  extends Pick<
    ImageConfig,
    | "context"
    | "dockerfile"
    | "target"
    | "platforms"
    | "buildArgs"
    | "extraLabels"
    | "provenance"
    | "sbom"
    | "attestations"
    | "cacheFrom"
    | "cacheTo"
  > {
  /** Default: the first image's name and `-base`. */
  readonly name?: string;
  readonly repository?: string;
  readonly addressed: AddressedConfig;
}

export interface VariantConfig {
  readonly suffix: string;
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  readonly target?: string;
}

export interface WrittenImages {
  readonly images: readonly ImageConfig[];
  readonly base?: BaseConfig;
  /** Of the one image. None: the images are what they are. */
  readonly variants: readonly VariantConfig[];
}

/** Base and variants as images like any other: the base first, then each variant, in one repository. */
export function expandImages({ images, base, variants }: WrittenImages): ImageConfig[] {
  const [first] = images;
  if (first === undefined) return [];
  const baseImage = base === undefined ? undefined : asImage(base, first);
  const based = images.map((image) =>
    baseImage === undefined || image.base !== undefined || images.length > 1
      ? image
      : { ...image, base: baseImage.name },
  );
  const expanded =
    variants.length === 0
      ? based
      : based.flatMap((image) => variants.map((variant) => variantOf(image, variant)));
  return basesFirst([...(baseImage === undefined ? [] : [baseImage]), ...expanded]);
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

/** Content that carries no release of its own: every later release finds it by its hash. */
function asImage({ name, repository, ...base }: BaseConfig, first: ImageConfig): ImageConfig {
  return {
    ...base,
    at: "base",
    name: baseName(name, first.name),
    repository: repository ?? first.repository,
    tags: [`type=raw,value=${BASE_LATEST}`],
    flavor: ["latest=false"],
    labels: "none",
    secrets: {},
  };
}

export function baseName(written: string | undefined, image: string): string {
  return written ?? `${image}-base`;
}

function variantOf(image: ImageConfig, { suffix, buildArgs, target }: VariantConfig): ImageConfig {
  return {
    ...image,
    name: `${image.name}${suffix}`,
    buildArgs: { ...image.buildArgs, ...buildArgs },
    flavor: suffix === "" ? image.flavor : [...image.flavor, `suffix=${suffix},onlatest=true`],
    target: target ?? image.target,
  };
}

type CheckedImage = CheckedConfig["images"][number];

/** A lane as the plan knows it: its format and floating tag have become rules of docker/metadata-action. */
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

/** An image as a lane builds and tags it. `PUBLISH_LATEST` and the image's own flavor still hold. */
export function imageInLane(image: CheckedImage, written: CheckedLane): CheckedImage {
  const { context = image.context, dockerfile = image.dockerfile, target = image.target } = written;
  const lane = normaliseLane(written);
  return {
    ...image,
    context,
    dockerfile,
    target,
    tags: [...lane.tags],
    flavor: [...image.flavor, ...lane.flavor],
  };
}

/**
 * The version is what follows the git tag's trigger, or the format's own prefix where an image's tag was asked for; a
 * pre-release is written whole and moves no floating tag, as with every `type=semver`.
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
