import type { Lane } from "./lanes";
import type { PolicyConfig } from "./policy/policy-config";
import type { Secret } from "./secret";
import type { PromotionRules, SignConfig } from "./trust";

/** The configuration with all defaults, checked. `src/settings/` makes it. */
export interface Config {
  readonly repository?: string;
  /** The requested version as it is written (`slipway:version`, `RELEASE_TAG`): `v1.2.3`. */
  readonly version?: string;
  /** Environment variables with this prefix override those without it: `APP_RELEASE_`. */
  readonly envPrefix?: string;
  readonly requireTag: boolean;
  readonly registries: readonly RegistryConfig[];
  readonly images: readonly ImageConfig[];
  readonly lanes: readonly Lane[];
  /** The lane that this stack releases; set if there are lanes. */
  readonly lane?: Lane;
  /** false: no version tag is written. true: a release without one is refused. @default as the tag rules say */
  readonly publishVersionTag?: boolean;
  readonly checks: readonly CheckConfig[];
  readonly only: readonly string[];
  /** false: only plan, without asking a registry. @default true */
  readonly push: boolean;
  readonly builder: BuilderConfig;
  readonly promote?: PromoteConfig;
  readonly policy: PolicyConfig;
  readonly sign: SignConfig;
  readonly rollback?: RollbackConfig;
  readonly github?: GithubConfig;
  readonly override: readonly string[];
  /** Digests that count as verified because the user says so: `app@sha256:…`. @default none */
  readonly adopt?: readonly string[];
  /** The folder that all paths but `artifacts` are relative to, itself relative to the project: `.`, `..`. @default "." */
  readonly root: string;
  readonly artifacts: string;
  /** Path of a value that is not from the stack's file -> where it is from, never the value itself. */
  readonly origins: Readonly<Record<string, string>>;
  /**
   * Paths of secrets that only the engine can decrypt, such as `registries[0].password`, when `slipway plan` reads the
   * stack's file. Such a secret is absent from the configuration, and a build secret is empty.
   */
  readonly encrypted: readonly string[];
}

export interface RegistryConfig {
  readonly host: string;
  readonly namespace: string;
  readonly username?: string;
  readonly password?: Secret;
  readonly optional: boolean;
  readonly plainHttp: boolean;
  /** False for a registry whose tags cannot move: it gets no floating tags. @default true */
  readonly floatingTags?: boolean;
  /** The origin of the API for descriptions. @default Docker Hub's for `docker.io`, none for other registries */
  readonly hub?: string;
  /** The GitHub server whose packages its repositories are, as an origin. Default: github.com for `ghcr.io`, else none. */
  readonly packages?: string;
}

export interface ImageConfig {
  readonly name: string;
  /** Path in the settings, `images[0]`; variants of one image share it. Absent for a program's images. */
  readonly at?: string;
  readonly repository: string;
  /** The image of the same release that this one is built FROM. */
  readonly base?: string;
  readonly addressed?: AddressedConfig;
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  /** OCI platforms, sorted, each once. @default linux/amd64, linux/arm64 */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  readonly tags: readonly string[];
  readonly flavor: readonly string[];
  /** `release`: version, revision and date are labels. `none`: they are not, so later releases can reuse the content. */
  readonly labels: "release" | "none";
  readonly extraLabels: readonly string[];
  readonly provenance: boolean;
  readonly sbom: SbomConfig | false;
  /** Where the build's attestations are: in the index, or beside it as referrers. @default "index" */
  readonly attestations: AttestationPlace;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Named contexts for FROM and `--from=`. */
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Ids of `RUN --mount=type=ssh`; each uses the SSH agent of the machine that builds. */
  readonly ssh?: readonly string[];
  /** The network of RUN lines. @default the builder's */
  readonly network?: "default" | "none" | "host";
  /** Host name -> IP address, or `host-gateway`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly salt?: string;
  readonly lane?: string;
  readonly description?: {
    readonly file: string;
    /** The short description, at most 100 characters. @default it stays as it is */
    readonly short?: string;
  };
}

export type NamedContext =
  /** Relative to the root, with `/`. */
  | { readonly kind: "folder"; readonly path: string }
  /** The full reference: `docker.io/library/alpine:3.20`. */
  | { readonly kind: "image"; readonly reference: string }
  /** A Git repository at a commit: `https://github.com/octo/shared.git#<40 hex digits>:folder`. */
  | { readonly kind: "git"; readonly address: string };

export interface SbomConfig {
  readonly generator: string;
  /** The settings name the generator, so a release without its SBOM is refused. */
  readonly required: boolean;
}

export type AttestationPlace = "index" | "referrers";

export interface CheckConfig {
  readonly name: string;
  /** Program and arguments, without a shell; runs in the project's folder. */
  readonly run: readonly [string, ...string[]];
}

export interface AddressedConfig {
  /** Files and patterns besides the Dockerfile, in the order of hashing; relative to the context. */
  readonly include: readonly string[];
  /** 12 hex digits in place of the computed hash. */
  readonly hash?: string;
}

/** Where a build argument's value comes from. A pin is used in place of what would be found. */
export type BuildArg =
  | { readonly kind: "literal"; readonly value: string }
  /** The value of a key in a `KEY=value` file, relative to the project. */
  | { readonly kind: "file"; readonly file: string; readonly key: string; readonly pin?: string }
  /** The newest version in a package registry, `npm:<package>`. */
  | { readonly kind: "latest-of"; readonly source: string; readonly pin?: string };

export interface BuilderConfig {
  readonly name?: string;
  readonly concurrency?: number;
}

export interface PromoteConfig {
  readonly source: PromotionSource;
  /** What has to be verified first. @default digest and platforms only */
  readonly verify?: PromotionRules;
  readonly images?: readonly string[];
}

type PromotionSource =
  /** The last release of another stack of this project, from its manifest. */
  | { readonly kind: "stack"; readonly stack: string }
  /** A version in a registry (`v1.2.3`), from its release statement. */
  | {
      readonly kind: "statement";
      readonly version: string;
      readonly registry: { readonly host: string; readonly namespace: string };
    };

export interface RollbackConfig {
  /** The version that floating tags go back to: `v1.2.2`. Absent: no tag goes back, but `bad` still counts. */
  readonly to?: string;
  readonly bad: readonly string[];
  readonly images?: readonly string[];
}

interface GithubConfig {
  readonly workflows?: WorkflowsConfig;
}

/** Decides the workflows' folder: `.github/workflows` or `.gitea/workflows`. */
export type WorkflowHost = "github" | "gitea";

/** What a checkout has to fetch besides the commit to have all files. */
export interface CheckoutNeeds {
  readonly submodules: boolean;
  readonly lfs: boolean;
}

/** A stack whose settings have workflows. */
export interface WorkflowStack {
  readonly stack: string;
  readonly config: Config;
  readonly workflows: WorkflowsConfig;
  /** The stack's file, relative to the project: `Pulumi.release.yaml`. */
  readonly configFile: string;
  /** What jobs that read build contexts fetch besides the commit. */
  readonly checkout: CheckoutNeeds;
}

export interface WorkflowsConfig {
  readonly hosts: readonly WorkflowHost[];
  readonly directory: string;
  readonly runner: string;
  /**
   * true: each platform is built on a GitHub runner of its own, and merged by digest. A mapping of platforms to labels
   * chooses other runners. @default false: one job builds all platforms
   */
  readonly runners: boolean | Readonly<Record<string, string>>;
  readonly node: string;
  readonly install: readonly string[];
  /** The GitHub environment with the release's secrets and reviewers. @default the stack's name */
  readonly environment?: string;
  readonly secrets: readonly string[];
  readonly timeout: number;
  readonly queue: "single" | "max";
  readonly attest: boolean;
  /** Releases a version. */
  readonly release?: {
    readonly file: string;
    readonly name?: string;
    /** What starts it besides a manual run. @default git tags for a lane, else a published release */
    readonly on?: readonly ("release" | "tags")[];
    readonly tags?: readonly string[];
  };
  /** Releases every commit of some branches. */
  readonly deploy?: {
    readonly file?: string;
    readonly name?: string;
    readonly branches: readonly string[];
  };
  readonly promote?: {
    readonly file?: string;
    readonly name?: string;
    /** Also runs as the last job of the workflow that deploys the source stack. @default true */
    readonly follow: boolean;
  };
  /** Shows the plan on pull requests. Stacks with the same file share it, with a job each. */
  readonly preview?: {
    readonly file: string;
  };
  /** Checks whether the registries still hold what was released. Stacks with the same file share it. */
  readonly drift?: {
    readonly file: string;
    readonly cron: string;
    /** The GitHub environment with the secrets of this check, without reviewers. @default "drift" */
    readonly environment: string;
    /** Whether a base that moved since the newest version was built counts. Default false. */
    readonly currentBases: boolean;
  };
}

/** The environment variables with a registry's credentials. */
export interface Pair {
  readonly username: string;
  readonly password: string;
}

/** The preferred pair of each host first. */
export const PAIRS_BY_HOST: Readonly<Record<string, readonly Pair[]>> = {
  "ghcr.io": [
    { username: "GHCR_USERNAME", password: "GHCR_TOKEN" },
    { username: "GITHUB_ACTOR", password: "GITHUB_TOKEN" },
  ],
  "docker.io": [{ username: "DOCKERHUB_USERNAME", password: "DOCKERHUB_TOKEN" }],
};
export const CI_PAIR: Pair = { username: "CI_REGISTRY_USERNAME", password: "CI_REGISTRY_PASSWORD" };

/** The variables of any host: `QUAY_IO_USERNAME` and `QUAY_IO_PASSWORD` of quay.io. */
export function hostVariables(host: string): Pair {
  const name = variableName(host);
  return { username: `${name}_USERNAME`, password: `${name}_PASSWORD` };
}

/** The variable of a build secret: `BUILD_SECRET_NPM_TOKEN` of the id `npm-token`. */
export function buildSecretVariable(id: string): string {
  return `BUILD_SECRET_${variableName(id)}`;
}

function variableName(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

export const ROOT_PATTERN = /^(?:\.|\.\.(?:\/\.\.){0,9})$/;
