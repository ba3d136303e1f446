import type { AddressedConfig, BuildArg, ImageConfig } from "../plan/config";

/** The tag that moves to the base of the newest release. */
const BASE_LATEST = "base-latest";

/** A base as it is written, its values normalised. */
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
  /** Default: the first image's. */
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
    ...(target === undefined ? {} : { target }),
  };
}
