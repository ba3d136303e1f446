import path from "node:path";
import { Copy, DockerfileParser, type Instruction } from "dockerfile-ast";
import { listEntries } from "../../inputs/project-files";
import { parseEnvFile } from "../../inputs/versions";
import type { RepositoryFacts } from "./facts";
import { type BuildArgs, type InitImage, type InitLane, releasedDockerfiles, type Shape } from "./shape";

type Facts = Pick<RepositoryFacts, "files" | "texts" | "tags">;

const DOCKERFILE = /^(?:(?:Docker|Container)file(?:\.([^/]+))?|([^/]+)\.(?:Docker|Container)file)$/i;
/** Words in a Dockerfile's path that show that it is not for a release. */
const NOT_RELEASED: readonly [pattern: RegExp, reason: string][] = [
  [
    /^(?:dev|devel|development|devcontainer|tests?|testing|testdata|fixtures|ci|local|debug|lint|docs|examples?|samples?)$/i,
    "its path says that it is for development, tests or an example",
  ],
  [
    /^(?:tmpl|tpl|template|j2|jinja|in|md|txt|bak|orig|old|dockerignore)$/i,
    "its name says that it is a template or a copy",
  ],
  [/^(?:vendor|third_party|node_modules)$/i, "it belongs to another project"],
];
const HOLDS_DOCKERFILES = /^(?:docker|dockerfiles?|containers?|build|ci|deploy|infra|ops)$/i;
const VERSIONS_FILE = "VERSIONS.env";

export function dockerfiles(files: readonly string[]): string[] {
  return files.filter((file) => {
    const name = path.posix.basename(file);
    return DOCKERFILE.test(name) && !name.endsWith(".dockerignore");
  });
}

/** Why a Dockerfile is not released by default; undefined if it is. */
export function reasonToLeaveOut(file: string, files: readonly string[]): string | undefined {
  const { dir, base } = path.posix.parse(file);
  const words = [...dir.split("/"), ...(variantOf(base)?.split(/[._-]/) ?? [])].map((word) =>
    word.replace(/^\./, ""),
  );
  const found = NOT_RELEASED.find(([pattern]) => words.some((word) => pattern.test(word)));
  if (found !== undefined) return found[1];
  const twin = path.posix.join(dir, base.replace(/containerfile/i, "Dockerfile"));
  return twin !== file && files.includes(twin) ? `${twin} is beside it` : undefined;
}

/** `alpine` of Dockerfile.alpine, `proxy` of proxy.Dockerfile. */
function variantOf(name: string): string | undefined {
  const [, after, before] = DOCKERFILE.exec(name) ?? [];
  return after ?? before;
}

/** Tries in order: a list of services, a base with variants, lanes, an image for each Dockerfile. */
export function detectShape(
  facts: Facts,
  released: readonly string[],
  name: string,
  withLanes = true,
): Shape | undefined {
  return (
    services(facts, released) ??
    variants(facts, released, name) ??
    (withLanes ? lanes(facts, released, name) : undefined) ??
    images(facts, released, name)
  );
}

/** Dockerfiles that are not released, with the reason. */
export function leftOut(
  files: readonly string[],
  shape: Shape,
): { readonly file: string; readonly reason: string }[] {
  const released = releasedDockerfiles(shape);
  return dockerfiles(files)
    .filter((file) => !released.includes(file))
    .map((file) => ({ file, reason: reasonToLeaveOut(file, files) ?? reasonOfShape(shape) }));
}

function reasonOfShape(shape: Shape): string {
  switch (shape.kind) {
    case "services":
      return `${shape.list} lists the images, and ${shape.dockerfile} builds them`;
    case "variants":
      return `${shape.base.dockerfile} and ${shape.image.dockerfile} are one image with variants`;
    case "lanes":
    case "images":
      return "it was not chosen";
  }
}

function services(facts: Facts, released: readonly string[]): Shape | undefined {
  const lists = facts.files.filter((file) => path.posix.basename(file) === "services.list");
  const [list] = lists.sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  if (list === undefined) return undefined;
  const names = listEntries(facts.texts[list] ?? "");
  const beside = [path.posix.join(path.posix.dirname(list), "Dockerfile"), "Dockerfile"];
  const dockerfile = beside.find((file) => released.includes(file));
  if (names.length === 0 || dockerfile === undefined) return undefined;
  const { stages, args } = dockerfileFacts(facts.texts[dockerfile]);
  const arg = ["SERVICE", "SERVICE_NAME", "APP"].find((known) => args.has(known));
  const hasStages = names.every((service) => stages.includes(service));
  if (!hasStages && arg === undefined) return undefined;
  const folder = ["services/", "apps/", "packages/", ""].find((parent) =>
    names.every((service) => facts.files.some((file) => file.startsWith(`${parent}${service}/`))),
  );
  return {
    kind: "services",
    list,
    names,
    folder,
    dockerfile,
    arg: hasStages ? undefined : arg,
    buildArgs: pinnedArgs(facts, args),
  };
}

function variants(facts: Facts, released: readonly string[], name: string): Shape | undefined {
  const [base, dockerfile] = ["Dockerfile.base", "Dockerfile.variant"];
  if (!released.includes(base) || !released.includes(dockerfile)) return undefined;
  const { args } = dockerfileFacts(facts.texts[dockerfile]);
  const include = includes(facts.files, dockerfileFacts(facts.texts[base]).sources);
  // `ARG INSTALL_EXTRAS=false` in the Dockerfile gives a variant -extras with true.
  const optional = [...args].filter(([arg, value]) => /^INSTALL_./.test(arg) && value === "false");
  return {
    kind: "variants",
    image: { name, context: ".", dockerfile, buildArgs: pinnedArgs(facts, args) },
    // `include` must not be empty.
    base: { dockerfile: base, include: include.length === 0 ? [base] : include },
    variants: [
      { suffix: "", buildArgs: {} },
      ...optional.map(([arg]) => ({
        suffix: `-${imageWord(arg.replace(/^INSTALL_/, "").replaceAll("_", "-"))}`,
        buildArgs: { [arg]: "true" },
      })),
    ],
  };
}

function includes(files: readonly string[], sources: readonly string[]): string[] {
  const found = sources.map((source) => {
    const plain = source.replace(/\/+$/, "");
    if (plain === "" || plain === ".") return "**";
    return files.some((file) => file.startsWith(`${plain}/`)) ? `${plain}/**` : plain;
  });
  return [...new Set(found)];
}

/** A main Dockerfile in the root, and besides it only Dockerfile.<name>. */
function lanes(facts: Facts, released: readonly string[], name: string): Shape | undefined {
  const others = released.filter((file) => file !== "Dockerfile");
  const named = others.map((file) =>
    /^Dockerfile\.([A-Za-z0-9][A-Za-z0-9-]*)$/.exec(file)?.[1]?.toLowerCase(),
  );
  if (!released.includes("Dockerfile") || others.length === 0) return undefined;
  if (named.some((lane) => lane === undefined || lane === "main")) return undefined;
  return lanesShape(name, [
    laneOf("main", "Dockerfile", mainTrigger(facts.tags)),
    ...others.map((file, index) => laneOf(named[index] ?? "", file)),
  ]);
}

export function lanesShape(name: string, lanes: readonly InitLane[]): Shape {
  const image = { name, context: ".", dockerfile: lanes[0]?.dockerfile ?? "Dockerfile", buildArgs: {} };
  return { kind: "lanes", image, lanes };
}

/** @param trigger the git tags that release it @default those of its name */
export function laneOf(lane: string, dockerfile: string, trigger = `${lane}-v*`): InitLane {
  const prefix = lane === "main" ? "" : `${lane}-`;
  return { name: lane, dockerfile, trigger, format: `${prefix}vX.Y.Z`, floating: `${prefix}latest` };
}

/** The main lane's trigger, in the form of the existing git tags. */
export function mainTrigger(tags: readonly string[]): string {
  return tags.some((tag) => /^docker-v[0-9]/.test(tag)) ? "docker-v*" : "v*";
}

function images(facts: Facts, released: readonly string[], name: string): Shape | undefined {
  if (released.length === 0) return undefined;
  const words = released.map((file) => wordsOf(file).join("-"));
  const images = released.map((file, index) => {
    const word = words[index] ?? "";
    // api/Dockerfile and docker/api/Dockerfile differ only in the whole path.
    const own = words.filter((other) => other === word).length === 1 ? word : imageWord(file);
    return imageOf(facts, file, released.length === 1 || own === "" ? name : `${name}-${own}`);
  });
  return { kind: "images", images };
}

function wordsOf(file: string): string[] {
  const { dir, base } = path.posix.parse(file);
  const folders = dir.split("/").filter((folder) => !HOLDS_DOCKERFILES.test(folder.replace(/^\./, "")));
  return [...folders, variantOf(base) ?? ""].map(imageWord).filter((word) => word !== "");
}

export function imageOf(facts: Facts, file: string, name: string): InitImage {
  const found = dockerfileFacts(facts.texts[file]);
  const context = contextOf(facts.files, file, found);
  const dockerfile = path.posix.relative(context, file);
  return { name, context, dockerfile, buildArgs: pinnedArgs(facts, found.args) };
}

/** The Dockerfile's own folder, unless it contains only Dockerfiles or lacks a file that the Dockerfile copies. */
function contextOf(files: readonly string[], file: string, { sources }: DockerfileFacts): string {
  const folder = path.posix.dirname(file);
  const has = (place: string) =>
    sources.every((source) => {
      const full = path.posix.join(place, source).replace(/\/$/, "");
      return /[*?[]/.test(source) || full === place || files.some((one) => `${one}/`.startsWith(`${full}/`));
    });
  const isHolder = HOLDS_DOCKERFILES.test(path.posix.basename(folder).replace(/^\./, ""));
  const beside = files.filter((one) => path.posix.dirname(one) === folder);
  if (isHolder && beside.every((one) => DOCKERFILE.test(path.posix.basename(one)))) return ".";
  return !has(folder) && has(".") ? "." : folder;
}

/** A text as a part of an image's name. What OCI allows (`my_app`, `app.js`) is kept. */
export function imageWord(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/[._-]+/g, (between) => (/^(?:\.|__?|-+)$/.test(between) ? between : "-"))
    .replace(/^[._-]+|[._-]+$/g, "");
}

function pinnedArgs(facts: Facts, args: DockerfileFacts["args"]): BuildArgs {
  const pins = parseEnvFile(facts.texts[VERSIONS_FILE] ?? "");
  const pinned = [...args.keys()].filter((arg) => pins.has(arg));
  return Object.fromEntries(pinned.map((arg) => [arg, { file: VERSIONS_FILE }]));
}

/** Build arguments with a value from BuildKit or from Slipway. */
const GIVEN = /^(?:BASE_IMAGE|(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)|[A-Z_]*PROXY|SOURCE_DATE_EPOCH)$/i;

/** Build arguments without a value or a default. */
export function missingArgs(facts: Facts, shape: Shape): string[] {
  const found = shape.kind === "images" ? shape.images : shape.kind === "variants" ? [shape.image] : [];
  return found.flatMap((image) => {
    const file = path.posix.join(image.context, image.dockerfile);
    return [...dockerfileFacts(facts.texts[file]).args]
      .filter(([arg, value]) => value === null && !GIVEN.test(arg) && !(arg in image.buildArgs))
      .map(([arg]) => `${arg} has no value in ${file}: --build-arg ${arg}=…`);
  });
}

interface DockerfileFacts {
  /** Build arguments with their defaults; null without one. */
  readonly args: ReadonlyMap<string, string | null>;
  readonly stages: readonly string[];
  /** The sources of COPY and ADD in the context, without a leading `./`. */
  readonly sources: readonly string[];
}

export function dockerfileFacts(text = ""): DockerfileFacts {
  const dockerfile = DockerfileParser.parse(text);
  const args = new Map<string, string | null>();
  for (const arg of dockerfile.getARGs()) {
    for (const property of arg.getProperties()) {
      // An ARG may be repeated after FROM, and either may have the default.
      args.set(property.getName(), args.get(property.getName()) ?? property.getValue());
    }
  }
  return {
    args,
    stages: dockerfile.getFROMs().flatMap((from) => from.getBuildStage() ?? []),
    sources: dockerfile.getInstructions().flatMap(sourcesOf),
  };
}

/** Without sources from another stage or from the network. */
function sourcesOf(line: Instruction): string[] {
  if (!/^(?:COPY|ADD)$/i.test(line.getKeyword())) return [];
  const words = line.getArguments().map((argument) => argument.getValue());
  if (line instanceof Copy && line.getFlags().some((flag) => flag.getName() === "from")) return [];
  if (words[0]?.startsWith("[") === true || words.some((word) => word.startsWith("<<"))) return [];
  return words
    .slice(0, -1)
    .filter((word) => !/^[a-z]+:\/\/|[$]/.test(word))
    .map((word) => word.replace(/^(?:\.?\/)+/, ""));
}
