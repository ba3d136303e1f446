import type { Config, RegistryConfig } from "./config";
import type { Problem } from "./problem";
import type { PlannedDescription, PlannedImage, PlannedTag } from "./release-plan";

export const SHORT_LIMIT = 100;
export const FULL_LIMIT = 25_000;

export interface ReadDescription {
  readonly at: string;
  readonly images: readonly string[];
  readonly file: string;
  readonly short?: string;
  readonly full: string;
}

/** Plans which repository gets which description. Only a release that moves the repository's floating tags writes it. */
export function planDescriptions(
  { registries }: Pick<Config, "registries">,
  read: readonly ReadDescription[],
  images: readonly PlannedImage[],
  tags: readonly PlannedTag[],
): {
  readonly descriptions: readonly PlannedDescription[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
} {
  const takers = registries.filter(({ hub }) => hub !== undefined);
  const descriptions = read.flatMap(({ images: names, file, short, full }) => {
    const described = images.filter(({ name }) => names.includes(name));
    const repositories = new Set(described.flatMap((image) => image.repositories));
    return [...repositories]
      .filter((repository) => takers.some((registry) => isIn(repository, registry)))
      .map((repository): PlannedDescription => {
        const image = described[0]?.name ?? "";
        return { image, repository, file, short, full, kept: reasonToKeep(repository, described, tags) };
      });
  });
  return {
    descriptions,
    problems: descriptions
      .filter(({ kept }) => kept === undefined)
      .flatMap((description) => repositoryProblem(description) ?? []),
    notices:
      takers.length > 0
        ? []
        : read.map(
            ({ file }) =>
              `${file} describes nothing: no registry takes descriptions (docker.io does, and one with \`hub\`)`,
          ),
  };
}

export function textProblems({ at, file, full }: ReadDescription): Problem[] {
  const bytes = Buffer.byteLength(full, "utf8");
  const path = `slipway:${at}.description.file`;
  if (full.trim() === "") {
    return [{ code: "description-empty", path, message: `${file} is empty`, hint: "Write a description." }];
  }
  if (bytes <= FULL_LIMIT) return [];
  return [
    {
      code: "description-too-long",
      path,
      message: `${file} has ${bytes} bytes, and Docker Hub takes ${FULL_LIMIT} at most`,
      hint: `Shorten it by ${bytes - FULL_LIMIT} bytes; link to what has to be longer.`,
    },
  ];
}

function isIn(repository: string, { host, namespace }: RegistryConfig): boolean {
  return repository.startsWith(namespace === "" ? `${host}/` : `${host}/${namespace}/`);
}

/** A backport, a pre-release or a branch's build must not describe what `latest` points to. */
function reasonToKeep(
  repository: string,
  described: readonly PlannedImage[],
  tags: readonly PlannedTag[],
): string | undefined {
  const names = described.map(({ name }) => name);
  const floating = tags.filter(
    (tag) => tag.class === "floating" && tag.repository === repository && names.includes(tag.image),
  );
  const staying = floating.find(({ action }) => action === "keep");
  if (staying !== undefined) return `${staying.name} stays where it is`;
  const hasVersion = described.some(({ intent }) => intent.version !== undefined);
  return floating.length === 0 && !hasVersion ? "this release has no version and no floating tag" : undefined;
}

function repositoryProblem({ image, repository }: PlannedDescription): Problem | undefined {
  if (/^[^/]+\/[^/]+\/[^/]+$/.test(repository)) return undefined;
  return {
    code: "description-repository",
    path: `${image}.description`,
    message: `${repository} cannot have a description: on Docker Hub a repository is namespace/name`,
    hint: "Give the registry a namespace of one part, or take the description out.",
  };
}
