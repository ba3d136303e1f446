import path from "node:path";
import { serviceNames } from "../../config/expand-services";
import { dockerfileFacts } from "./dockerfile-facts";
import type { RepositoryFacts } from "./facts";
import type {
  FleetShape,
  ImagesShape,
  InitBuildArg,
  InitImage,
  LanesShape,
  Shape,
  VariantsShape,
} from "./shape";

/** A shape, and what a person should know about how it was found. */
export interface DetectedShape {
  readonly shape: Shape;
  readonly notes: readonly string[];
}

/** Dockerfiles that nobody releases. */
const NOT_RELEASED =
  /^(?:dev|devel|development|devcontainer|test|tests|testing|ci|local|debug|lint|docs|dockerignore)$/i;
const VERSIONS_FILE = "VERSIONS.env";

/**
 * What a repository releases: a list of services, a base with variants, lanes, or an image for each Dockerfile.
 *
 * @param name the image's name where the files do not tell
 * @returns undefined where there is nothing to build
 */
export function detectShape(facts: RepositoryFacts, name: string): DetectedShape | undefined {
  return fleet(facts) ?? variants(facts, name) ?? lanes(facts, name) ?? images(facts, name);
}

function fleet(facts: RepositoryFacts): DetectedShape | undefined {
  const list = shallowest(facts.files.filter((file) => path.posix.basename(file) === "services.list"));
  const names = list === undefined ? [] : serviceNames(facts.texts[list] ?? "", list).names;
  const beside =
    list === undefined ? [] : [path.posix.join(path.posix.dirname(list), "Dockerfile"), "Dockerfile"];
  const dockerfile = beside.find((file) => facts.files.includes(file));
  if (list === undefined || names.length === 0 || dockerfile === undefined) return undefined;
  const { stages, args } = dockerfileFacts(facts.texts[dockerfile] ?? "");
  const arg = ["SERVICE", "SERVICE_NAME", "APP"].find((known) => args.has(known));
  const hasStages = names.every((service) => stages.includes(service));
  if (!hasStages && arg === undefined) return undefined;
  const shape: FleetShape = {
    kind: "fleet",
    list,
    context: contextOfServices(facts.files, names),
    dockerfile,
    ...(hasStages || arg === undefined ? {} : { arg }),
    buildArgs: pinnedArgs(facts, [...args.keys()]),
  };
  return { shape, notes: [`${list}: ${names.length} services, built by ${dockerfile}`] };
}

/** The folder that every service has one of, `services/{{name}}`; else the whole repository. */
function contextOfServices(files: readonly string[], names: readonly string[]): string {
  const parents = ["services/", "apps/", "packages/", ""];
  const parent = parents.find((folder) =>
    names.every((service) => files.some((file) => file.startsWith(`${folder}${service}/`))),
  );
  return parent === undefined ? "." : `${parent}{{name}}`;
}

function variants(facts: RepositoryFacts, name: string): DetectedShape | undefined {
  const [base, variant] = [facts.texts["Dockerfile.base"], facts.texts["Dockerfile.variant"]];
  if (base === undefined || variant === undefined) return undefined;
  const { args } = dockerfileFacts(variant);
  // INSTALL_OMOS=false in the Dockerfile: the image -omos has it true.
  const optional = [...args].filter(([arg, value]) => /^INSTALL_./.test(arg) && value === "false");
  const shape: VariantsShape = {
    kind: "variants",
    image: {
      name,
      context: ".",
      dockerfile: "Dockerfile.variant",
      buildArgs: pinnedArgs(facts, [...args.keys()]),
    },
    base: { dockerfile: "Dockerfile.base", include: includes(facts.files, dockerfileFacts(base).sources) },
    variants: [
      { suffix: "", buildArgs: {} },
      ...optional.map(([arg]) => ({
        suffix: `-${arg
          .replace(/^INSTALL_/, "")
          .toLowerCase()
          .replaceAll("_", "-")}`,
        buildArgs: { [arg]: "true" },
      })),
    ],
  };
  const suffixes = shape.variants.map(({ suffix }) => suffix || "(plain)").join(", ");
  return {
    shape: shape.base.include.length === 0 ? withOwnDockerfile(shape) : shape,
    notes: [
      `Dockerfile.base and Dockerfile.variant: variants ${suffixes}`,
      ...unknownArgs(shape.image, args),
    ],
  };
}

/** A base made of nothing but its Dockerfile has to name something. */
function withOwnDockerfile(shape: VariantsShape): VariantsShape {
  return { ...shape, base: { ...shape.base, include: [shape.base.dockerfile] } };
}

/** Folders become everything below them. */
function includes(files: readonly string[], sources: readonly string[]): string[] {
  const found = sources.map((source) => {
    const plain = source.replace(/\/+$/, "");
    if (plain === "" || plain === ".") return "**";
    return files.some((file) => file.startsWith(`${plain}/`)) ? `${plain}/**` : plain;
  });
  return [...new Set(found)];
}

function lanes(facts: RepositoryFacts, name: string): DetectedShape | undefined {
  const others = facts.files.flatMap(
    (file) => /^Dockerfile\.([A-Za-z0-9][A-Za-z0-9-]*)$/.exec(file)?.[1] ?? [],
  );
  const released = others.filter((other) => !NOT_RELEASED.test(other)).map((other) => other.toLowerCase());
  if (!facts.files.includes("Dockerfile") || released.length === 0 || released.includes("main"))
    return undefined;
  const shape: LanesShape = {
    kind: "lanes",
    image: { name, context: ".", buildArgs: {} },
    lanes: [
      laneOf("main", "Dockerfile", mainTrigger(facts.tags)),
      ...others
        .filter((other) => released.includes(other.toLowerCase()))
        .map((other) => laneOf(other.toLowerCase(), `Dockerfile.${other}`)),
    ],
  };
  return {
    shape,
    notes: [
      `${shape.lanes.map(({ dockerfile }) => dockerfile).join(" and ")}: a lane each (--no-lanes for one image)`,
    ],
  };
}

/** @param trigger the git tags that release it @default those of its name */
export function laneOf(
  lane: string,
  dockerfile: string,
  trigger = `${lane}-v*`,
): LanesShape["lanes"][number] {
  const prefix = lane === "main" ? "" : `${lane}-`;
  return { name: lane, dockerfile, format: `${prefix}vX.Y.Z`, floating: `${prefix}latest`, trigger };
}

/** As the main image's git tags have been written so far. */
export function mainTrigger(tags: readonly string[]): string {
  return tags.some((tag) => /^docker-v[0-9]/.test(tag)) ? "docker-v*" : "v*";
}

function images(facts: RepositoryFacts, name: string): DetectedShape | undefined {
  const dockerfiles = facts.files.filter((file) => path.posix.basename(file) === "Dockerfile");
  const folders = dockerfiles.map((file) => path.posix.dirname(file));
  const chosen = folders.includes(".")
    ? ["."]
    : folders.filter((folder) => !NOT_RELEASED.test(path.posix.basename(folder).replace(/^\./, "")));
  const [only] = chosen;
  if (only === undefined) return undefined;
  const found = chosen.map((folder) => {
    const { args } = dockerfileFacts(facts.texts[path.posix.join(folder, "Dockerfile")] ?? "");
    const image: InitImage = {
      name: chosen.length === 1 ? name : `${name}-${imageWord(folder)}`,
      context: folder,
      dockerfile: "Dockerfile",
      buildArgs: pinnedArgs(facts, [...args.keys()]),
    };
    return { image, notes: unknownArgs(image, args) };
  });
  const shape: ImagesShape = { kind: "images", images: found.map(({ image }) => image) };
  const where = chosen.map((folder) => path.posix.join(folder, "Dockerfile")).join(", ");
  return { shape, notes: [where, ...found.flatMap(({ notes }) => notes)] };
}

/** A folder as a part of an image's name. */
export function imageWord(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** Build arguments that a file of versions has a value for. */
function pinnedArgs(facts: RepositoryFacts, args: readonly string[]): Record<string, InitBuildArg> {
  const keys = (facts.texts[VERSIONS_FILE] ?? "")
    .split(/\r?\n/)
    .flatMap((line) => /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=/.exec(line)?.[1] ?? []);
  return Object.fromEntries(
    args.filter((arg) => keys.includes(arg)).map((arg) => [arg, { file: VERSIONS_FILE }]),
  );
}

/** BuildKit and the base give these. */
const GIVEN = /^(?:BASE_IMAGE|(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)|[A-Z_]*PROXY|SOURCE_DATE_EPOCH)$/i;

function unknownArgs(image: InitImage, args: ReadonlyMap<string, string | null>): string[] {
  return [...args]
    .filter(([arg, value]) => value === null && !GIVEN.test(arg) && !(arg in image.buildArgs))
    .map(
      ([arg]) =>
        `${arg} has no value in ${path.posix.join(image.context, image.dockerfile)}: --build-arg ${arg}=…`,
    );
}

function shallowest(files: readonly string[]): string | undefined {
  return [...files].sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1))[0];
}
