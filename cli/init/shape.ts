import type { WorkflowHost } from "../../plan/github-config";
import type { SignMode } from "./flags";

/** What a repository releases, as far as its files tell. Paths are from the repository's root. */
export type Shape = ImagesShape | LanesShape | VariantsShape | FleetShape;

/** A build argument as the settings have it. */
export type InitBuildArg = string | { readonly file: string } | { readonly latestOf: string };

export interface InitImage {
  readonly name: string;
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, InitBuildArg>>;
}

/** Images that stand beside each other. */
export interface ImagesShape {
  readonly kind: "images";
  readonly images: readonly InitImage[];
}

/** One repository of images, released by several families of tags. */
export interface LanesShape {
  readonly kind: "lanes";
  readonly image: Omit<InitImage, "dockerfile">;
  readonly lanes: readonly InitLane[];
}

export interface InitLane {
  readonly name: string;
  readonly dockerfile: string;
  readonly format: string;
  readonly floating: string;
  readonly trigger: string;
}

/** A base and what is built from it. */
export interface VariantsShape {
  readonly kind: "variants";
  readonly image: InitImage;
  readonly base: { readonly dockerfile: string; readonly include: readonly string[] };
  readonly variants: readonly {
    readonly suffix: string;
    readonly buildArgs: Readonly<Record<string, InitBuildArg>>;
  }[];
}

/** One image for each line of a list. */
export interface FleetShape {
  readonly kind: "fleet";
  readonly list: string;
  /** With `{{name}}` for a service's name. */
  readonly context: string;
  readonly dockerfile: string;
  /** The argument that gets the service's name, in place of a stage of that name. */
  readonly arg?: string;
  readonly buildArgs: Readonly<Record<string, InitBuildArg>>;
}

export interface InitRegistry {
  readonly host: string;
  readonly namespace: string;
  readonly optional: boolean;
}

/** Everything that `slipway init` has to know before it writes. */
export interface Answers {
  /** The Pulumi project's name. */
  readonly name: string;
  /** The project's folder from the repository's root: `.` or `release`. */
  readonly folder: string;
  /** `owner/name` on github.com. */
  readonly repository?: string;
  readonly shape: Shape;
  readonly registries: readonly InitRegistry[];
  readonly platforms: readonly string[];
  /** For whom workflow files are written; empty for none. */
  readonly hosts: readonly WorkflowHost[];
  readonly sign: SignMode;
  /** Stack -> the signing settings that its file has already. */
  readonly found: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The stack's name; lanes have a stack each, of the lane's name. */
  readonly stack: string;
  readonly branch: string;
  /** The names of workflow files, by what they are for. */
  readonly workflowFiles: { readonly release: string; readonly preview: string };
  /** Whether a stack `setup` sets the repository up on GitHub. */
  readonly setup: boolean;
  /** What package.json says of this package: a version or `file:`. */
  readonly packageSpec: string;
}

/** The stack that sets the repository up. */
export const SETUP_STACK = "setup";

/** Whether there is one: a lane of its name keeps it. */
export function hasSetup(answers: Pick<Answers, "shape" | "stack" | "setup">): boolean {
  return answers.setup && !stackNames(answers).includes(SETUP_STACK);
}

/** Only workflows on GitHub have an identity that keyless signing accepts. */
export function canSignKeyless({ hosts, repository }: Pick<Answers, "hosts" | "repository">): boolean {
  return repository !== undefined && hosts.length === 1 && hosts[0] === "github";
}

/** The names of the stacks that release, sorted. */
export function stackNames({ shape, stack }: Pick<Answers, "shape" | "stack">): string[] {
  return shape.kind === "lanes" ? shape.lanes.map(({ name }) => name).sort() : [stack];
}
