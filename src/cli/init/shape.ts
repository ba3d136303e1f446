import path from "node:path";
import type { WorkflowHost } from "../../plan/config";

/** What a repository releases. Paths are relative to the repository's root. */
export type Shape =
  | { readonly kind: "images"; readonly images: readonly InitImage[] }
  | { readonly kind: "lanes"; readonly image: InitImage; readonly lanes: readonly InitLane[] }
  | VariantsShape
  | ServicesShape;

export type BuildArgs = Readonly<
  Record<string, string | { readonly file: string } | { readonly latestOf: string }>
>;

export interface InitImage {
  readonly name: string;
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly buildArgs: BuildArgs;
}

export interface InitLane {
  readonly name: string;
  readonly dockerfile: string;
  readonly trigger: string;
  readonly format: string;
  readonly floating: string;
}

interface VariantsShape {
  readonly kind: "variants";
  readonly image: InitImage;
  readonly base: { readonly dockerfile: string; readonly include: readonly string[] };
  readonly variants: readonly { readonly suffix: string; readonly buildArgs: BuildArgs }[];
}

export interface ServicesShape {
  readonly kind: "services";
  readonly list: string;
  readonly names: readonly string[];
  /** The folder with a folder for each service, ending in `/`; absent if the whole repository is the context. */
  readonly folder?: string;
  readonly dockerfile: string;
  /** The build argument for the service's name; absent if the Dockerfile has a stage for each service. */
  readonly arg?: string;
  readonly buildArgs: BuildArgs;
}

export interface InitRegistry {
  readonly host: string;
  readonly namespace: string;
  readonly optional: boolean;
}

export interface Answers {
  readonly name: string;
  /** The project's folder, relative to the repository's root: `release` or `.`. */
  readonly folder: string;
  /** `owner/name` on github.com. */
  readonly repository?: string;
  readonly shape: Shape;
  readonly registries: readonly InitRegistry[];
  /** Absent if it cannot be derived from `registries`. */
  readonly stageRegistry?: InitRegistry;
  readonly platforms: readonly string[];
  /** Empty for no workflow files. */
  readonly hosts: readonly WorkflowHost[];
  readonly sign: SignMode;
  /** Stacks that have a signing key already. */
  readonly withKey: readonly string[];
  readonly branch: string;
  readonly workflowFiles: { readonly release: string; readonly preview: string };
  /** Whether there is a stack `setup` for the repository on GitHub. */
  readonly setup: boolean;
  /** This package in package.json: a version or `file:`. */
  readonly packageSpec: string;
}

/** The two stacks of a release, or of a lane. */
export interface StackPair {
  readonly stage: string;
  readonly prod: string;
  readonly lane?: InitLane;
  /** The public half of stage's key, relative to the project. */
  readonly publicKey: string;
}

/** The first lane's pair has the plain names `stage` and `prod`. */
export function stackPairs({ shape }: Pick<Answers, "shape">): StackPair[] {
  if (shape.kind !== "lanes") return [{ stage: "stage", prod: "prod", publicKey: "cosign.pub" }];
  return shape.lanes.map((lane, index) => {
    if (index === 0) return { stage: "stage", prod: "prod", lane, publicKey: "cosign.pub" };
    const stage = `${lane.name}-stage`;
    return { stage, prod: `${lane.name}-prod`, lane, publicKey: `cosign.${stage}.pub` };
  });
}

/** Keyless signing needs an identity that only workflows on GitHub have. */
export function canSignKeyless({ hosts, repository }: Pick<Answers, "hosts" | "repository">): boolean {
  return repository !== undefined && hosts.length === 1 && hosts[0] === "github";
}

export function builtFiles(shape: Shape): { readonly context: string; readonly dockerfile: string }[] {
  switch (shape.kind) {
    case "images":
      return [...shape.images];
    case "lanes":
      return shape.lanes.map(({ dockerfile }) => ({ context: shape.image.context, dockerfile }));
    case "variants":
      return [{ context: shape.image.context, dockerfile: shape.base.dockerfile }, shape.image];
    case "services":
      return [{ context: ".", dockerfile: shape.dockerfile }];
  }
}

export function releasedDockerfiles(shape: Shape): string[] {
  return builtFiles(shape).map(({ context, dockerfile }) => path.posix.join(context, dockerfile));
}

export type SignMode = "key" | "keyless" | "none";

export interface InitFlags {
  readonly cwd: string;
  readonly image?: readonly string[];
  /** `name` or `name=Dockerfile` */
  readonly lane?: readonly string[];
  /** False for --no-lanes. */
  readonly lanes: boolean;
  readonly registry?: readonly string[];
  readonly dockerHub?: string;
  readonly platform?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly workflows?: readonly string[];
  /** @default keyless for a public repository with workflows on GitHub alone, else key */
  readonly sign?: SignMode;
  /** False for --no-setup. */
  readonly setup: boolean;
  readonly stageRegistry?: string;
  readonly folder?: string;
  readonly package?: string;
  readonly yes?: true;
  readonly print?: true;
  readonly json?: true;
}
