import path from "node:path";
import { parse } from "yaml";
import { PROJECT_FOLDERS } from "../../config/project-folders";
import type { WorkflowHost } from "../../plan/github-config";
import { isRecord } from "../../plan/record";
import { githubRepository, remotePlace } from "../../source/git-remote";
import { detectShape, imageWord, laneOf, mainTrigger } from "./detect-shape";
import type { RepositoryFacts } from "./facts";
import { type InitFlags, type SignMode, UsageError } from "./flags";
import {
  type Answers,
  canSignKeyless,
  type InitBuildArg,
  type InitImage,
  type InitRegistry,
  type LanesShape,
  type Shape,
  stackNames,
} from "./shape";

/** What would be written without a question. */
export interface Defaults {
  readonly answers: Answers;
  /** What was found, for a person. */
  readonly notes: readonly string[];
}

const DEFAULT_PLATFORMS = ["linux/amd64", "linux/arm64"];
const MADE_HERE = /^# Made by `slipway workflows` from /;

/**
 * Answers from the repository's files and the flags, which win.
 *
 * @param version this package's
 * @throws UsageError for flags that make no sense here, and where nothing tells what to release or where to
 */
export function defaultAnswers(facts: RepositoryFacts, flags: InitFlags, version: string): Defaults {
  const place = remotePlace(facts.remote ?? "");
  const github = githubRepository(facts.remote ?? "");
  const name = imageWord(path.posix.basename(place.path) || facts.folderName) || "app";
  const found = detectShape(flags.lanes ? facts : { ...facts, files: withoutLanes(facts.files) }, name);
  const shape = withFlags(found?.shape, flags, facts, name);
  const hosts = workflowHosts(flags, facts, place.host);
  const folder =
    flags.folder === undefined ? projectFolder(facts) : path.posix.normalize(flags.folder).replace(/\/$/, "");
  const stack = flags.stack ?? (shape.kind === "fleet" ? "stage" : "release");
  const signed = foundSigning(facts, folder, stackNames({ shape, stack }));
  const workflowFiles = {
    release: freeName(facts, hosts, releaseFile(shape, hosts)),
    preview: freeName(facts, hosts, "preview.yml"),
  };
  return {
    answers: {
      name,
      folder,
      ...(github === undefined ? {} : { repository: github }),
      shape,
      registries: registries(flags, place),
      platforms: flags.platform ?? DEFAULT_PLATFORMS,
      hosts,
      sign: signMode(
        flags,
        facts,
        { hosts, ...(github === undefined ? {} : { repository: github }) },
        signed,
      ),
      found: signed,
      stack,
      branch: facts.branch,
      setup: flags.setup && github !== undefined && hosts.includes("github"),
      workflowFiles,
      packageSpec: flags.package ?? `^${version}`,
    },
    notes: [
      ...(found?.notes ?? []),
      ...(facts.remote === undefined || place.path === "" ? [] : [`git remote: ${place.host}/${place.path}`]),
      ...otherReleases(facts, workflowFiles.release),
    ],
  };
}

/** The signing settings of stacks that exist already, which keep their keys. */
function foundSigning(
  { texts }: RepositoryFacts,
  folder: string,
  stacks: readonly string[],
): Answers["found"] {
  return Object.fromEntries(
    stacks.flatMap((stack) => {
      const text = texts[path.posix.join(folder, `Pulumi.${stack}.yaml`)];
      const file: unknown = text === undefined ? undefined : parse(text);
      const config = isRecord(file) && isRecord(file.config) ? file.config : {};
      const sign = config["slipway:sign"];
      return isRecord(sign) ? [[stack, sign]] : [];
    }),
  );
}

function signMode(
  { sign }: InitFlags,
  { isPublic = false }: RepositoryFacts,
  answers: Pick<Answers, "hosts" | "repository">,
  found: Answers["found"],
): SignMode {
  const can = canSignKeyless(answers);
  if (sign === "keyless" && !can) {
    throw new UsageError("--sign keyless: expected workflows on GitHub only, whose identity it signs with.");
  }
  const before = Object.values(found)[0];
  if (sign !== undefined) return sign;
  if (before !== undefined) return before.mode === "keyless" || before.mode === "none" ? before.mode : "key";
  return can && isPublic ? "keyless" : "key";
}

function withoutLanes(files: readonly string[]): string[] {
  return files.filter((file) => !/^Dockerfile\.(?!base$|variant$)/.test(file));
}

function withFlags(found: Shape | undefined, flags: InitFlags, facts: RepositoryFacts, name: string): Shape {
  const args = buildArgs(flags.buildArg ?? []);
  const shape = named(flags.lane === undefined ? found : lanesShape(flags.lane, facts, name), flags, name);
  switch (shape.kind) {
    case "images":
      return { ...shape, images: shape.images.map((image) => withArgs(image, args)) };
    case "fleet":
      return withArgs(shape, args);
    case "lanes":
      return { ...shape, image: withArgs(shape.image, args) };
    case "variants":
      return { ...shape, image: withArgs(shape.image, args) };
  }
}

function withArgs<T extends { buildArgs: Readonly<Record<string, InitBuildArg>> }>(
  image: T,
  args: Readonly<Record<string, InitBuildArg>>,
): T {
  return { ...image, buildArgs: { ...image.buildArgs, ...args } };
}

/** `--image name` names the one image, `--image name=folder` lists them. */
function named(shape: Shape | undefined, { image: given }: InitFlags, name: string): Shape {
  if (given === undefined) {
    if (shape !== undefined) return shape;
    throw new UsageError(
      "No Dockerfile was found. Commit one, or say where it is: --image name=folder (the folder has the Dockerfile).",
    );
  }
  const images = given.map((text): InitImage => {
    const [word = "", folder] = split(text, "=");
    return { name: word, context: folder ?? ".", dockerfile: "Dockerfile", buildArgs: {} };
  });
  const [only, ...more] = images;
  if (only === undefined || more.length > 0 || given[0]?.includes("=") === true)
    return { kind: "images", images };
  if (shape === undefined) return { kind: "images", images };
  switch (shape.kind) {
    case "lanes":
      return { ...shape, image: { ...shape.image, name: only.name } };
    case "variants":
      return { ...shape, image: { ...shape.image, name: only.name } };
    case "images": {
      const [first, ...others] = shape.images;
      if (first === undefined || others.length > 0) {
        throw new UsageError(
          `--image ${only.name}: there are ${shape.images.length} images (${shape.images.map((image) => image.context).join(", ")}). Name each with its folder: --image ${name}=${shape.images[0]?.context ?? "."}`,
        );
      }
      return { ...shape, images: [{ ...first, name: only.name }] };
    }
    case "fleet":
      throw new UsageError(`--image ${only.name}: the images' names are in ${shape.list}.`);
  }
}

function lanesShape(given: readonly string[], facts: RepositoryFacts, name: string): LanesShape {
  const lanes = given.map((text) => {
    const [lane = "", file] = split(text, "=");
    const dockerfile = file ?? (lane === "main" ? "Dockerfile" : `Dockerfile.${lane}`);
    if (!facts.files.includes(dockerfile)) throw new UsageError(`--lane ${text}: there is no ${dockerfile}.`);
    return laneOf(lane, dockerfile, lane === "main" ? mainTrigger(facts.tags) : undefined);
  });
  return { kind: "lanes", image: { name, context: ".", buildArgs: {} }, lanes };
}

/** `NAME=value`, `NAME=file:VERSIONS.env`, `NAME=npm:package` */
function buildArgs(given: readonly string[]): Record<string, InitBuildArg> {
  return Object.fromEntries(
    given.map((text) => {
      const [name = "", value] = split(text, "=");
      if (value === undefined)
        throw new UsageError(`--build-arg ${text}: expected NAME=value, NAME=file:… or NAME=npm:…`);
      if (value.startsWith("file:")) return [name, { file: value.slice("file:".length) }];
      return [name, value.startsWith("npm:") ? { latestOf: value } : value];
    }),
  );
}

function registries(
  { registry, dockerHub }: InitFlags,
  place: { host: string; path: string },
): InitRegistry[] {
  const owner = path.posix.dirname(place.path).toLowerCase();
  const found =
    owner === "." || owner === ""
      ? []
      : [`${place.host === "github.com" ? "ghcr.io" : "docker.io"}/${owner}`];
  const hub = dockerHub === undefined ? [] : [{ host: "docker.io", namespace: dockerHub, optional: true }];
  const given = (registry ?? (hub.length > 0 && found[0]?.startsWith("docker.io/") ? [] : found)).map(
    parseRegistry,
  );
  if (given.length + hub.length > 0)
    return given.length === 0 ? hub.map((one) => ({ ...one, optional: false })) : [...given, ...hub];
  throw new UsageError("The git remote does not tell where images go. Say it: --registry ghcr.io/octo");
}

/** `ghcr.io/octo`, `localhost:5000` */
export function parseRegistry(text: string): InitRegistry {
  const [host = "", namespace = ""] = split(text.replace(/\/+$/, ""), "/");
  return { host, namespace, optional: false };
}

function workflowHosts({ workflows }: InitFlags, { files }: RepositoryFacts, host: string): WorkflowHost[] {
  if (workflows !== undefined) {
    const isHost = (word: string): word is WorkflowHost => word === "github" || word === "gitea";
    const wrong = workflows.find((word) => word !== "none" && !isHost(word));
    if (wrong !== undefined) throw new UsageError(`--workflows ${wrong}: expected github, gitea or none.`);
    return workflows.filter(isHost);
  }
  const has = (folder: string) => files.some((file) => file.startsWith(`${folder}/`));
  const isGithub = has(".github/workflows") || host === "" || host.includes("github");
  return has(".gitea")
    ? has(".github/workflows")
      ? ["github", "gitea"]
      : ["gitea"]
    : isGithub
      ? ["github"]
      : [];
}

function releaseFile(shape: Shape, hosts: readonly WorkflowHost[]): string {
  switch (shape.kind) {
    case "fleet":
      return "publish-services.yml";
    case "variants":
      return "docker-publish-split.yml";
    case "lanes":
      return "docker-publish.yml";
    case "images":
      return hosts.includes("github") ? "release-docker.yml" : "docker-publish.yml";
  }
}

/** A name that nobody has, or a file that Slipway has made. */
function freeName(facts: RepositoryFacts, hosts: readonly WorkflowHost[], name: string): string {
  const isTaken = hosts.some((host) => {
    const text = facts.texts[`.${host}/workflows/${name}`];
    return text !== undefined && !MADE_HERE.test(text);
  });
  return isTaken ? `slipway-${name}` : name;
}

/** Two workflows that release the same are one too many. */
function otherReleases(facts: RepositoryFacts, own: string): string[] {
  return Object.entries(facts.texts)
    .filter(
      ([file, text]) =>
        /^\.(?:github|gitea)\/workflows\//.test(file) &&
        path.posix.basename(file) !== own &&
        !MADE_HERE.test(text) &&
        /docker\/build-push-action|docker (?:buildx )?(?:build|push)/.test(text),
    )
    .map(([file]) => `${file} builds images too: delete it once Slipway's has released`);
}

const OTHER_LOCKS = ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/** The root of a repository with npm packages; else a folder of its own, with packages of its own. */
function projectFolder({ files, texts, ignoredFolders }: RepositoryFacts): string {
  if (
    files.includes("package.json") &&
    !OTHER_LOCKS.some((lock) => files.includes(lock)) &&
    !isModule(texts["package.json"])
  ) {
    return ".";
  }
  const isFree = (folder: string) =>
    files.includes(`${folder}/Pulumi.yaml`) || !files.some((file) => file.startsWith(`${folder}/`));
  return (
    PROJECT_FOLDERS.find((folder) => isFree(folder) && !ignoredFolders.includes(folder)) ?? "slipway-release"
  );
}

/** The program is CommonJS. */
function isModule(text = "{}"): boolean {
  return /"type"\s*:\s*"module"/.test(text);
}

/** At the first separator; the second part is absent where there is none. */
function split(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
