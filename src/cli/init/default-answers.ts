import path from "node:path";
import { parse } from "yaml";
import { githubRepository, remotePlace } from "../../inputs/git";
import type { WorkflowHost } from "../../plan/config";
import { isRecord } from "../../plan/record";
import { PROJECT_FOLDERS } from "../../settings/project-file";
import { UsageError } from "../terminal";
import {
  detectShape,
  dockerfiles,
  imageOf,
  imageWord,
  laneOf,
  lanesShape,
  leftOut,
  mainTrigger,
  missingArgs,
  reasonToLeaveOut,
} from "./detect";
import type { RepositoryFacts } from "./facts";
import {
  type Answers,
  type BuildArgs,
  canSignKeyless,
  type InitFlags,
  type InitRegistry,
  releasedDockerfiles,
  type Shape,
  type SignMode,
  stackPairs,
} from "./shape";

const DEFAULT_PLATFORMS = ["linux/amd64", "linux/arm64"];
const MADE_BY_SLIPWAY = /^# Made by `slipway workflows` from /;

/** Answers from the flags, else from the repository's files. @param chosen the Dockerfiles to release */
export function defaultAnswers(
  facts: RepositoryFacts,
  flags: InitFlags,
  version: string,
  chosen = defaultDockerfiles(facts),
): Answers {
  const place = remotePlace(facts.remote ?? "");
  const repository = githubRepository(facts.remote ?? "");
  const name = imageWord(path.posix.basename(place.path) || facts.folderName) || "app";
  const shape = withArgs(shapeOf(facts, flags, chosen, name), buildArgs(flags.buildArg ?? []));
  const hosts = workflowHosts(flags, facts, place.host);
  const folder = projectFolder(facts, flags.folder);
  const own = foundRegistries(facts, flags);
  if (own.length === 0) {
    throw new UsageError(
      "The registry cannot be derived from the git remote. Name it: --registry ghcr.io/octo",
    );
  }
  const answers = {
    name,
    folder,
    repository,
    shape,
    registries: own,
    stageRegistry: flags.stageRegistry === undefined ? stageOf(own) : parseRegistry(flags.stageRegistry),
    platforms: flags.platform ?? DEFAULT_PLATFORMS,
    hosts,
    withKey: stackPairs({ shape })
      .map(({ stage }) => stage)
      .filter((stage) => {
        const sign = settingIn(stackFile(facts, folder, stage), "sign");
        return isRecord(sign) && Object.keys(sign).some((name) => /^(?:key|publicKey)(?:File)?$/.test(name));
      }),
    branch: facts.branch,
    setup: flags.setup && repository !== undefined && hosts.includes("github"),
    workflowFiles: {
      release: freeName(facts, hosts, "release.yml"),
      preview: freeName(facts, hosts, "preview.yml"),
    },
    packageSpec: flags.package ?? `^${version}`,
  };
  return { ...answers, sign: signMode(flags, facts, answers) };
}

export function defaultDockerfiles({ files }: Pick<RepositoryFacts, "files">): string[] {
  return dockerfiles(files).filter((file) => reasonToLeaveOut(file, files) === undefined);
}

/** What was found, and what the user should look at. */
export function notes(facts: RepositoryFacts, answers: Answers): string[] {
  const { shape, folder } = answers;
  const program = existingProgram(facts, folder);
  const released = releasedDockerfiles(shape);
  const isLanes = shape.kind === "lanes";
  const { host, path: place } = remotePlace(facts.remote ?? "");
  const missing = program === undefined ? [] : released.filter((file) => !isIn(program, file));
  return [
    `${released.join(", ")}${isLanes ? ": a lane each (--no-lanes releases them together)" : ""}`,
    ...leftOut(facts.files, shape).map(
      ({ file, reason }) =>
        `${file}, which is left out: ${reason}. To release it, name it beside the others: --image ${imageWord(file)}=${file}`,
    ),
    ...missing.map(
      (file) => `${file}, which ${path.posix.join(folder, "index.ts")} does not name: add it there`,
    ),
    ...missingArgs(facts, shape),
    ...(place === "" ? [] : [`git remote: ${host}/${place}`]),
    ...otherReleases(facts, answers.workflowFiles.release),
  ];
}

function isIn(program: string, file: string): boolean {
  const { dir, base } = path.posix.parse(file);
  return (
    program.includes(`${file}"`) ||
    program.includes(/^\w+$/.test(base) ? JSON.stringify(dir || ".") : `${base}"`)
  );
}

/**
 * The program's text; undefined before the first `slipway init`.
 *
 * @throws UsageError if the folder contains a project that init did not write
 */
export function existingProgram(
  { files, texts }: Pick<RepositoryFacts, "files" | "texts">,
  folder: string,
): string | undefined {
  const at = (file: string) => path.posix.join(folder, file);
  const project = texts[at("Pulumi.yaml")];
  if (project?.includes("slipway-registry") && !/^main:/m.test(project)) return texts[at("index.ts")] ?? "";
  const taken = ["Pulumi.yaml", "index.ts", "tsconfig.json"].find((file) => files.includes(at(file)));
  if (taken === undefined) return undefined;
  throw new UsageError(
    `${at(taken)} exists, and init did not write it. Choose another folder: --folder <path>`,
  );
}

function stackFile({ texts }: RepositoryFacts, folder: string, stack: string): string | undefined {
  return texts[path.posix.join(folder, `Pulumi.${stack}.yaml`)];
}

function settingIn(text: string | undefined, name: string): unknown {
  const file: unknown = text === undefined ? undefined : parse(text);
  return isRecord(file) && isRecord(file.config) ? file.config[`slipway:${name}`] : undefined;
}

function signMode(
  { sign }: InitFlags,
  facts: RepositoryFacts,
  answers: Pick<Answers, "folder" | "hosts" | "repository">,
): SignMode {
  const can = canSignKeyless(answers);
  if (sign === "keyless" && !can) {
    throw new UsageError("--sign keyless signs as a workflow on GitHub: it needs --workflows github alone.");
  }
  const found = existingProgram(facts, answers.folder);
  if (found !== undefined) {
    const mode = /mode: "(keyless|none)"/.exec(found)?.[1];
    return mode === "keyless" || mode === "none" ? mode : "key";
  }
  return sign ?? (can && facts.isPublic === true ? "keyless" : "key");
}

/** `--image name=path` lists the images, `--image name` names the only image, `--lane` lists the lanes. */
function shapeOf(facts: RepositoryFacts, flags: InitFlags, chosen: readonly string[], name: string): Shape {
  const { image: given, lane } = flags;
  if (given !== undefined && (given.length > 1 || given[0]?.includes("=") === true)) {
    return { kind: "images", images: given.map((text) => imageOfFlag(facts, text)) };
  }
  const [own = name] = given ?? [];
  if (lane !== undefined) return lanesOf(lane, facts, own);
  const shape = detectShape(facts, chosen, own, flags.lanes);
  if (shape === undefined) {
    const others = dockerfiles(facts.files).map((file) => `${file}: ${reasonToLeaveOut(file, facts.files)}`);
    const message =
      "No Dockerfile to release was found. Commit one, or name it: --image name=folder/Dockerfile";
    throw new UsageError([message, ...others].join("\n  "));
  }
  if (given === undefined) return shape;
  if (shape.kind === "services")
    throw new UsageError(`--image ${own}: the images' names are in ${shape.list}.`);
  if (shape.kind === "images" && shape.images.length > 1) {
    const files = releasedDockerfiles(shape);
    const each = shape.images.map((image, index) => `${image.name}=${files[index]}`).join(" ");
    throw new UsageError(`--image ${own}: there are ${files.length} images. Name each: --image ${each}`);
  }
  return shape;
}

function imageOfFlag(facts: RepositoryFacts, text: string): ReturnType<typeof imageOf> {
  const [name = "", place = "."] = split(text, "=");
  const names = [".", "Dockerfile", "Containerfile"].map((known) => path.posix.join(place, known));
  const file = names.find((known) => facts.files.includes(known));
  if (file === undefined) throw new UsageError(`--image ${text}: there is no Dockerfile at ${place}.`);
  return imageOf(facts, file, name);
}

function lanesOf(given: readonly string[], facts: RepositoryFacts, name: string): Shape {
  const lanes = given.map((text) => {
    const [lane = "", file] = split(text, "=");
    const dockerfile = file ?? (lane === "main" ? "Dockerfile" : `Dockerfile.${lane}`);
    if (!facts.files.includes(dockerfile)) throw new UsageError(`--lane ${text}: there is no ${dockerfile}.`);
    return laneOf(lane, dockerfile, lane === "main" ? mainTrigger(facts.tags) : undefined);
  });
  return lanesShape(name, lanes);
}

function withArgs(shape: Shape, args: BuildArgs): Shape {
  const added = <T extends { readonly buildArgs: BuildArgs }>(of: T): T => ({
    ...of,
    buildArgs: { ...of.buildArgs, ...args },
  });
  switch (shape.kind) {
    case "images":
      return { ...shape, images: shape.images.map(added) };
    case "services":
      return added(shape);
    case "lanes":
    case "variants":
      return { ...shape, image: added(shape.image) };
  }
}

/** `NAME=value`, `NAME=file:VERSIONS.env`, `NAME=npm:package` */
function buildArgs(given: readonly string[]): BuildArgs {
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

/** From the flags, else from an existing project, else from the git remote. May be empty. */
export function foundRegistries(
  facts: RepositoryFacts,
  { registry, dockerHub, folder }: InitFlags,
): InitRegistry[] {
  const existing = stackFile(facts, projectFolder(facts, folder), "prod");
  const before = registry === undefined && dockerHub === undefined ? registriesIn(existing) : [];
  if (before.length > 0) return before;
  const place = remotePlace(facts.remote ?? "");
  const owner = path.posix.dirname(place.path).toLowerCase();
  const isOnGitHub = place.host === "github.com";
  const found = owner === "." || owner === "" ? [] : [`${isOnGitHub ? "ghcr.io" : "docker.io"}/${owner}`];
  const own = (registry ?? (dockerHub === undefined || isOnGitHub ? found : [])).map(parseRegistry);
  if (dockerHub === undefined) return own;
  return [...own, { host: "docker.io", namespace: dockerHub, optional: own.length > 0 }];
}

function registriesIn(text: string | undefined): InitRegistry[] {
  const listed = settingIn(text, "registries");
  return (Array.isArray(listed) ? listed : []).flatMap((entry) => {
    if (!isRecord(entry) || typeof entry.host !== "string") return [];
    const namespace = typeof entry.namespace === "string" ? entry.namespace : "";
    return [{ host: entry.host, namespace, optional: entry.optional === true }];
  });
}

/** `ghcr.io/octo`, `localhost:5000` */
export function parseRegistry(text: string): InitRegistry {
  const [host = "", namespace = ""] = split(text.replace(/\/+$/, ""), "/");
  return { host, namespace, optional: false };
}

/** A path below prod's. Docker Hub has no paths below a namespace. */
export function stageOf(own: readonly InitRegistry[]): InitRegistry | undefined {
  const found = own.find(({ host }) => host !== "docker.io");
  return found && { host: found.host, namespace: path.posix.join(found.namespace, "stage"), optional: false };
}

function workflowHosts({ workflows }: InitFlags, { files }: RepositoryFacts, host: string): WorkflowHost[] {
  if (workflows !== undefined) {
    const isHost = (word: string): word is WorkflowHost => word === "github" || word === "gitea";
    const wrong = workflows.find((word) => word !== "none" && !isHost(word));
    if (wrong !== undefined) throw new UsageError(`--workflows ${wrong}: expected github, gitea or none.`);
    return workflows.filter(isHost);
  }
  const has = (folder: string) => files.some((file) => file.startsWith(`${folder}/`));
  if (has(".gitea")) return has(".github/workflows") ? ["github", "gitea"] : ["gitea"];
  return has(".github/workflows") || host === "" || host.includes("github") ? ["github"] : [];
}

function freeName(facts: RepositoryFacts, hosts: readonly WorkflowHost[], name: string): string {
  const isTaken = hosts.some((host) => {
    const text = facts.texts[`.${host}/workflows/${name}`];
    return text !== undefined && !MADE_BY_SLIPWAY.test(text);
  });
  return isTaken ? `slipway-${name}` : name;
}

/** Other workflows that build images, and so would release them a second time. */
function otherReleases(facts: RepositoryFacts, own: string): string[] {
  return Object.entries(facts.texts)
    .filter(
      ([file, text]) =>
        /^\.(?:github|gitea)\/workflows\//.test(file) &&
        path.posix.basename(file) !== own &&
        !MADE_BY_SLIPWAY.test(text) &&
        /docker\/build-push-action|docker (?:buildx )?(?:build|push)/.test(text),
    )
    .map(([file]) => `${file} builds images too: delete it once Slipway's has released`);
}

function projectFolder({ files, texts, ignoredFolders }: RepositoryFacts, given?: string): string {
  if (given !== undefined) return path.posix.normalize(given).replace(/\/$/, "");
  if (texts["Pulumi.yaml"]?.includes("slipway-registry")) return ".";
  const isFree = (folder: string) =>
    texts[`${folder}/Pulumi.yaml`]?.includes("slipway-registry") ||
    !files.some((file) => file.startsWith(`${folder}/`));
  return (
    PROJECT_FOLDERS.find((folder) => isFree(folder) && !ignoredFolders.includes(folder)) ?? "slipway-release"
  );
}

/** Splits at the first separator. */
function split(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
