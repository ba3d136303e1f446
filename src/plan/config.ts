import type { Lane } from "./lanes";
import type { PolicyConfig } from "./policy/policy-config";
import type { Secret } from "./secret";
import type { PromotionRules, SignConfig } from "./trust";

/** The normalised configuration: every default applied, every name checked. `src/settings/` makes it. */
export interface Config {
  readonly repository?: string;
  /** The version to release as it was asked for (`slipway:version`, `RELEASE_TAG`), e.g. `v1.2.3`. */
  readonly version?: string;
  /** Environment variables are also read with this prefix, which wins: `APP_RELEASE_`. */
  readonly envPrefix?: string;
  readonly requireTag: boolean;
  readonly registries: readonly RegistryConfig[];
  readonly images: readonly ImageConfig[];
  readonly lanes: readonly Lane[];
  /** The one of them that this stack releases; set where there are lanes. */
  readonly lane?: Lane;
  /** false: no version tag is written. true: a release without a version is refused. Absent: as the rules say. */
  readonly publishVersionTag?: boolean;
  readonly checks: readonly CheckConfig[];
  readonly only: readonly string[];
  /** false: plan only, without asking a registry. Default true. */
  readonly push: boolean;
  readonly builder: BuilderConfig;
  readonly promote?: PromoteConfig;
  readonly policy: PolicyConfig;
  readonly sign: SignConfig;
  readonly rollback?: RollbackConfig;
  readonly github?: GithubConfig;
  readonly override: readonly string[];
  /** Digests that a person vouches for, `app@sha256:…`: they count as verified. Default: none. */
  readonly adopt?: readonly string[];
  /** The folder that all paths but `artifacts` are relative to, from the project's folder: `.`, `..`. Default `.`. */
  readonly root: string;
  readonly artifacts: string;
  /** Values that did not come from the stack's file: configuration path -> where from (never the value). */
  readonly origins: Readonly<Record<string, string>>;
  /**
   * Secrets that are configured, but can be read by the engine alone (`slipway plan` reads the stack's file itself):
   * their paths, e.g. `registries[0].password`, which is absent then; a build secret's value is empty.
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
  /** False for a registry whose tags cannot move: it gets no floating tags. Default: true. */
  readonly floatingTags?: boolean;
  /** Where descriptions of its repositories go, as an origin. Default: Docker Hub's for `docker.io`, else none. */
  readonly hub?: string;
  /** The GitHub server whose packages its repositories are, as an origin. Default: github.com for `ghcr.io`, else none. */
  readonly packages?: string;
}

export interface ImageConfig {
  readonly name: string;
  /** Where it is written, e.g. `images[0]`; variants of one image share it. */
  readonly at?: string;
  readonly repository: string;
  /** Name of the image that this one is built FROM, by the digest that the same release gives it. */
  readonly base?: string;
  readonly addressed?: AddressedConfig;
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  /** OCI platforms, sorted, unique. Default `linux/amd64`, `linux/arm64`. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  readonly tags: readonly string[];
  readonly flavor: readonly string[];
  /** `release`: version, revision and created are baked in. `none`: content that later releases can carry over. */
  readonly labels: "release" | "none";
  readonly extraLabels: readonly string[];
  readonly provenance: boolean;
  readonly sbom: SbomConfig | false;
  /** Where the build's attestations are: inside the index, or beside it as referrers. Default `index`. */
  readonly attestations: AttestationPlace;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly secrets: Readonly<Record<string, Secret>>;
  /** What FROM and `--from=` can name besides stages and images. */
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Ids of `RUN --mount=type=ssh`, each for the agent of the machine that builds. */
  readonly ssh?: readonly string[];
  /** The network of RUN lines. Default: the builder's. */
  readonly network?: "default" | "none" | "host";
  /** Host name -> IP address, or `host-gateway`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly salt?: string;
  readonly lane?: string;
  readonly description?: {
    readonly file: string;
    /** The one line in lists, at most 100 characters. Default: it stays as it is. */
    readonly short?: string;
  };
}

export type NamedContext =
  /** Relative to the root, with `/`. */
  | { readonly kind: "folder"; readonly path: string }
  /** With nothing left out: `docker.io/library/alpine:3.20`. */
  | { readonly kind: "image"; readonly reference: string }
  /** A Git repository at a commit: `https://github.com/octo/shared.git#<40 hex digits>:folder`. */
  | { readonly kind: "git"; readonly address: string };

export interface SbomConfig {
  readonly generator: string;
  /** It was chosen explicitly, so a release without it is refused. */
  readonly required: boolean;
}

export type AttestationPlace = "index" | "referrers";

export interface CheckConfig {
  readonly name: string;
  /** Program and arguments, never a shell's line; runs in the project's folder. */
  readonly run: readonly [string, ...string[]];
}

export interface AddressedConfig {
  /** Files and patterns besides the Dockerfile, in the order in which they are hashed; relative to the context. */
  readonly include: readonly string[];
  /** 12 hex digits that beat the computed hash. */
  readonly hash?: string;
}

/** Where a build argument's value comes from. A pin beats what would be found. */
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
  /** What has to be verified first. Default: nothing but its digest and platforms. */
  readonly verify?: PromotionRules;
  readonly images?: readonly string[];
}

export type PromotionSource =
  /** What another stack of this project released last, by its manifest. */
  | { readonly kind: "stack"; readonly stack: string }
  /** What a registry holds under a version, by the release statement: `v1.2.3`. */
  | {
      readonly kind: "statement";
      readonly version: string;
      readonly registry: { readonly host: string; readonly namespace: string };
    };

export interface RollbackConfig {
  /** The version that floating tags go back to, `v1.2.2`. Absent: nothing goes back, but bad versions stay bad. */
  readonly to?: string;
  readonly bad: readonly string[];
  readonly images?: readonly string[];
}

export interface GithubConfig {
  readonly workflows?: WorkflowsConfig;
}

/** Whose workflows are written: `.github/workflows` or `.gitea/workflows`. */
export type WorkflowHost = "github" | "gitea";

/** What a checkout has to fetch besides the commit, for its files to be there. */
export interface CheckoutNeeds {
  readonly submodules: boolean;
  readonly lfs: boolean;
}

export interface WorkflowsConfig {
  readonly hosts: readonly WorkflowHost[];
  readonly directory: string;
  readonly runner: string;
  /**
   * Each platform is built on a runner of its own, and merged by digest: on GitHub's, or by labels for platforms.
   * Default false: one job builds all of them.
   */
  readonly runners: boolean | Readonly<Record<string, string>>;
  readonly node: string;
  readonly install: readonly string[];
  /** The environment whose secrets and reviewers a release has. Default: the stack's name. */
  readonly environment?: string;
  readonly secrets: readonly string[];
  readonly timeout: number;
  readonly queue: "single" | "max";
  readonly attest: boolean;
  /** Releases a version. */
  readonly release?: {
    readonly file: string;
    readonly name?: string;
    /** What starts it besides a person. Default: git tags for a lane, else a published release. */
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
    /** Also a last job of the workflow that deploys the stack it promotes from. Default true. */
    readonly follow: boolean;
  };
  /** The plan on pull requests. Stacks with the same file share it, a job each. */
  readonly preview?: {
    readonly file: string;
  };
  /** Whether anything differs from what was released. Stacks with the same file share it. */
  readonly drift?: {
    readonly file: string;
    readonly cron: string;
    /** The environment with the secrets of this check; one without reviewers. Default `drift`. */
    readonly environment: string;
  };
}

export interface Pair {
  readonly username: string;
  readonly password: string;
}

/** Preferred pair first. */
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
