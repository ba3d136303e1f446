import path from "node:path";
import type { Answers, InitBuildArg, InitImage, Shape } from "./shape";
import { hasSetup, SETUP_STACK, stackNames } from "./shape";

/** Settings under `slipway:`, keys without it, in the order in which a person reads them. */
export type Settings = Readonly<Record<string, unknown>>;

/** What `Pulumi.yaml` says for all stacks, and each stack's file for itself. */
export interface ProjectSettings {
  readonly shared: Settings;
  readonly stacks: readonly { readonly stack: string; readonly settings: Settings }[];
}

/** What nobody wants to find out afterwards. */
const POLICY = { uncommittedVersion: "refuse" };

/** The settings that the answers come to. Pure. */
export function projectSettings(answers: Answers): ProjectSettings {
  const { shape } = answers;
  const root = rootOf(answers.folder);
  const shared = root === "." ? {} : { root };
  const place = {
    ...(answers.repository === undefined ? {} : { repository: answers.repository }),
    registries: answers.registries.map(({ host, namespace, optional }) => ({
      host,
      ...(namespace === "" ? {} : { namespace }),
      ...(optional ? { optional } : {}),
    })),
  };
  if (shape.kind === "lanes") {
    return {
      shared: { ...shared, ...place, ...contentOf(shape, answers.platforms), policy: POLICY },
      stacks: [
        ...stackNames(answers).map((stack) => ({
          stack,
          settings: { lane: stack, ...signOf(answers, stack), ...githubOf(answers, stack) },
        })),
        ...setupOf(answers, {}),
      ],
    };
  }
  const settings = {
    ...place,
    ...contentOf(shape, answers.platforms),
    ...signOf(answers, answers.stack),
    policy: POLICY,
    ...githubOf(answers, answers.stack),
  };
  const { repository } = answers;
  return { shared, stacks: [{ stack: answers.stack, settings }, ...setupOf(answers, { repository })] };
}

/** What a repository needs for its releases; secrets and reviewers are a person's to add. */
function setupOf(answers: Answers, place: Settings): ProjectSettings["stacks"] {
  if (!hasSetup(answers)) return [];
  const environments = Object.fromEntries([...stackNames(answers), "drift"].map((name) => [name, {}]));
  const github = { setup: true, environments, tagRules: true, permissions: { shaPinning: true } };
  return [{ stack: SETUP_STACK, settings: { ...place, github } }];
}

/** From the project's folder up to the repository's root. */
function rootOf(folder: string): string {
  return folder === "."
    ? "."
    : folder
        .split("/")
        .map(() => "..")
        .join("/");
}

function contentOf(shape: Shape, platforms: readonly string[]): Settings {
  switch (shape.kind) {
    case "images":
      return { images: shape.images.map((image) => imageOf(image, platforms)) };
    case "lanes":
      return {
        images: [imageOf({ ...shape.image, dockerfile: "Dockerfile" }, platforms)],
        lanes: shape.lanes.map(({ name, dockerfile, format, floating, trigger }) => ({
          name,
          dockerfile,
          format,
          floating,
          trigger,
        })),
      };
    case "variants":
      return {
        requireTag: true,
        base: { dockerfile: shape.base.dockerfile, include: shape.base.include },
        images: [imageOf(shape.image, platforms)],
        variants: shape.variants.map(({ suffix, buildArgs }) => ({ suffix, ...argsOf(buildArgs) })),
      };
    case "fleet":
      return {
        services: {
          list: shape.list,
          context: shape.context,
          dockerfile: shape.dockerfile,
          ...(shape.arg === undefined ? { target: "{{name}}" } : { arg: shape.arg }),
          platforms,
          ...argsOf(shape.buildArgs),
        },
      };
  }
}

function imageOf(
  { name, context, dockerfile, buildArgs }: InitImage,
  platforms: readonly string[],
): Settings {
  return {
    name,
    context,
    ...(dockerfile === "Dockerfile" ? {} : { dockerfile }),
    platforms,
    ...argsOf(buildArgs),
  };
}

function argsOf(buildArgs: Readonly<Record<string, InitBuildArg>>): Settings {
  return Object.keys(buildArgs).length === 0 ? {} : { buildArgs };
}

/** A key's settings are written with the key, by `slipway keys`. */
function signOf(
  { sign: mode, found, repository, branch, shape, workflowFiles }: Answers,
  stack: string,
): Settings {
  const before = found[stack];
  if (before !== undefined && (before.mode ?? "key") === mode) return { sign: before };
  if (mode === "key") return {};
  if (mode === "none") return { sign: { mode } };
  // Every machine trusts what the workflow released, and so does its next run, which is at another tag.
  const place = `https://github.com/${repository ?? ""}/.github/workflows/${laneFile(shape, stack, workflowFiles.release)}`;
  const subject = `/${escaped(`${place}@refs/`)}(heads\\/${escaped(branch)}|tags\\/.+)/`;
  return { sign: { mode, trusted: [{ subject }] } };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function githubOf({ hosts, folder, shape, branch, workflowFiles }: Answers, stack: string): Settings {
  if (hosts.length === 0) return {};
  const onlyGitea = !hosts.includes("github");
  const release = {
    file: laneFile(shape, stack, workflowFiles.release),
    name: workflowTitle(shape, stack),
    ...(onlyGitea && shape.kind !== "lanes" ? { on: ["tags"] } : {}),
  };
  const preview = workflowFiles.preview === "preview.yml" ? {} : { file: workflowFiles.preview };
  // A pull request has no tag, and a fleet is released by each commit.
  const isPreviewed = !onlyGitea && shape.kind !== "fleet" && shape.kind !== "variants";
  return {
    github: {
      workflows: {
        ...(onlyGitea || hosts.length > 1 ? { hosts } : {}),
        ...(folder === "." ? {} : { directory: folder }),
        ...(onlyGitea ? { runner: "ubuntu-latest" } : {}),
        ...(shape.kind === "fleet"
          ? { deploy: { file: release.file, name: release.name, branches: [branch] } }
          : { release }),
        ...(isPreviewed ? { preview } : {}),
      },
    },
  };
}

function workflowTitle(shape: Shape, stack: string): string {
  switch (shape.kind) {
    case "images":
      return shape.images.length === 1 ? "Release Docker image" : "Release Docker images";
    case "fleet":
      return "Publish services";
    case "variants":
      return "Publish Docker image";
    case "lanes":
      return stack === shape.lanes[0]?.name ? "Publish Docker image" : `Publish ${stack} Docker image`;
  }
}

/** The first lane has the file's name, the others theirs in it: docker-standalone-publish.yml. */
function laneFile(shape: Shape, lane: string, file: string): string {
  if (shape.kind !== "lanes" || lane === shape.lanes[0]?.name) return file;
  const { name, ext } = path.posix.parse(file);
  return `${name.replace(/-?publish$/, "")}-${lane}-publish${ext}`;
}
