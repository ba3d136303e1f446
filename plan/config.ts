import type { Lane } from "./lanes";
import type { PolicyConfig } from "./policy/policy-config";
import type { Secret } from "./secret";
import type { PromotionRules, SignConfig } from "./trust";

/** The normalised configuration: every default applied, every name checked. `config/` makes it. */
export interface Config {
  /** The GitHub repository, `owner/name`. */
  readonly repository?: string;
  /** The version to release as it was asked for (`slipway:version`, `RELEASE_TAG`), e.g. `v1.2.3`. */
  readonly version?: string;
  /** Environment variables are also read with this prefix, which wins: `APP_RELEASE_`. */
  readonly envPrefix?: string;
  /** HEAD must be the version's tag and the tree clean. Default false. */
  readonly requireTag: boolean;
  /** The first is the primary. At least one. */
  readonly registries: readonly RegistryConfig[];
  /** At least one, names unique. */
  readonly images: readonly ImageConfig[];
  /** Every lane of the images' repositories; empty for a project without lanes. */
  readonly lanes: readonly Lane[];
  /** The one of them that this stack releases; set where there are lanes. */
  readonly lane?: Lane;
  /** false: no version tag is written. true: a release without a version is refused. Absent: as the rules say. */
  readonly publishVersionTag?: boolean;
  /** What has to succeed before anything is built, in this order. */
  readonly checks: readonly CheckConfig[];
  /** Only these images are released, the others stay as they are. Empty: all. */
  readonly only: readonly string[];
  /** false: plan only, without asking a registry. Default true. */
  readonly push: boolean;
  readonly builder: BuilderConfig;
  /** Releases are not built here, but promoted by digest from where they were verified. */
  readonly promote?: PromoteConfig;
  /** The team's rules, each with how strictly it holds. */
  readonly policy: PolicyConfig;
  /** How releases are signed. Default: with a key. */
  readonly sign: SignConfig;
  /** Versions that are bad, and the one that floating tags go back to. */
  readonly rollback?: RollbackConfig;
  /** What Slipway does for the repository on GitHub. */
  readonly github?: GithubConfig;
  /** `image:tag` pairs whose refusal is overruled, e.g. `app:latest`. */
  readonly overrule: readonly string[];
  /** Digests that a person vouches for, `app@sha256:…`: they count as verified. Default: none. */
  readonly adopt?: readonly string[];
  /** The folder that all paths but `artifacts` are relative to, from the project's folder: `.`, `..`. Default `.`. */
  readonly root: string;
  /** Folder for the release manifest and the reports, relative to the project. Default `artifacts`. */
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
  /** Normalised host, e.g. `ghcr.io`, `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** Path between host and image name; empty for none. */
  readonly namespace: string;
  readonly username?: string;
  readonly password?: Secret;
  /** Skipped, and said so, when no credentials are found. Default false. */
  readonly optional: boolean;
  /** Plain HTTP instead of TLS. Default: true for loopback hosts, else false. */
  readonly plainHttp: boolean;
  /** Where descriptions of its repositories go, as an origin. Default: Docker Hub's for `docker.io`, else none. */
  readonly hub?: string;
}

export interface ImageConfig {
  readonly name: string;
  /** Where it is written, e.g. `images[0]`; variants of one image share it. */
  readonly at?: string;
  /** Name after host and namespace in the registries; several images may share one. Default: the name. */
  readonly repository: string;
  /** Name of the image that this one is built FROM, by the digest that the same release gives it. */
  readonly base?: string;
  /** Set for a base: it is found again by what it is made of, as `base-<hash>`. */
  readonly addressed?: AddressedConfig;
  /** Folder of the build context, relative to the project. Default `.`. */
  readonly context: string;
  /** Relative to the context. Default `Dockerfile`. */
  readonly dockerfile: string;
  readonly target?: string;
  /** OCI platforms, sorted, unique. Default `linux/amd64`, `linux/arm64`. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, BuildArg>>;
  /** Tag rules in docker/metadata-action's syntax. */
  readonly tags: readonly string[];
  /** Flavor lines in docker/metadata-action's syntax, e.g. `latest=auto`. */
  readonly flavor: readonly string[];
  /** `release`: version, revision and created are baked in. `none`: content that later releases can carry over. */
  readonly labels: "release" | "none";
  /** Labels of one's own, `key=value`. They win over computed ones. */
  readonly extraLabels: readonly string[];
  /** Max-mode provenance attached by BuildKit. Default true. */
  readonly provenance: boolean;
  /** How an SBOM is made, or false for none. Default: by Docker's generator, where it can be reached. */
  readonly sbom: SbomConfig | false;
  /** Where the build's attestations are: inside the index, or beside it as referrers. Default `index`. */
  readonly attestations: AttestationPlace;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  /** Build secrets: id -> value. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Any text; another one makes the same content a new build. */
  readonly salt?: string;
  /** The name of the lane that it is released in. Default: none. */
  readonly lane?: string;
  /** What its repository on Docker Hub says of it. Default: nothing is changed there. */
  readonly description?: DescriptionConfig;
}

export interface SbomConfig {
  /** The generator's image, normalised: `docker.io/docker/buildkit-syft-scanner:stable-1`. */
  readonly generator: string;
  /** It was chosen explicitly, so a release without it is refused. */
  readonly required: boolean;
}

export type AttestationPlace = "index" | "referrers";

export interface DescriptionConfig {
  /** A Markdown file, relative to the project. */
  readonly file: string;
  /** The one line in lists, at most 100 characters. Default: it stays as it is. */
  readonly short?: string;
}

/** A command that has to succeed before a release, such as a build or a test. */
export interface CheckConfig {
  /** Unique. */
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
  /** A buildx builder's name. Default: buildx's current one. */
  readonly name?: string;
  /** How many builds run at once. Default: the engine's parallelism. */
  readonly concurrency?: number;
}

export interface PromoteConfig {
  readonly source: PromotionSource;
  /** What has to be verified first. Default: nothing but its digest and platforms. */
  readonly verify?: PromotionRules;
  /** Only these; the others stay as they were promoted last. Default: all. */
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
  /** Versions that never count as the newest, `v1.2.3`. */
  readonly bad: readonly string[];
  /** Only these go back. Default: every image that has such a version. */
  readonly images?: readonly string[];
}

/** What the settings say about GitHub, `slipway:github`. */
export interface GithubConfig {
  /** Which workflow files `slipway workflows` writes for this stack. Absent: none. */
  readonly workflows?: WorkflowsConfig;
}

/** Whose workflows are written: `.github/workflows` or `.gitea/workflows`. */
export type WorkflowHost = "github" | "gitea";

/** The workflows of one stack, with every default. */
export interface WorkflowsConfig {
  readonly hosts: readonly WorkflowHost[];
  /** The project's folder in the repository. Default `.`. */
  readonly directory: string;
  /** The runner's label. Default `ubuntu-24.04`. */
  readonly runner: string;
  /**
   * Each platform is built on a runner of its own, and merged by digest: on GitHub's, or by labels for platforms.
   * Default false: one job builds all of them.
   */
  readonly runners: boolean | Readonly<Record<string, string>>;
  /** Node's version on the runner. Default `24`. */
  readonly node: string;
  /** The command that installs the project's packages, as words. Default `npm ci --ignore-scripts`. */
  readonly install: readonly string[];
  /** The environment whose secrets and reviewers a release has. Default: the stack's name. */
  readonly environment?: string;
  /** Further secrets that a release sees as variables of the same name. */
  readonly secrets: readonly string[];
  /** Minutes after which a job that builds is given up. Default 60. */
  readonly timeout: number;
  /** Runs of one version that may wait: the newest, or a hundred. Default single. */
  readonly queue: "single" | "max";
  /** GitHub's own build provenance of what was released. Default false. */
  readonly attest: boolean;
  readonly release?: ReleaseWorkflowConfig;
  readonly deploy?: DeployWorkflowConfig;
  readonly promote?: PromoteWorkflowConfig;
  readonly preview?: PreviewWorkflowConfig;
  readonly drift?: DriftWorkflowConfig;
}

/** A workflow that releases a version. */
export interface ReleaseWorkflowConfig {
  readonly file: string;
  readonly name?: string;
  /** What starts it besides a person. Default: git tags for a lane, else a published release. */
  readonly on?: readonly ("release" | "tags")[];
  /** Patterns of git tags that are versions. Default: the lane's trigger, else `v*`. */
  readonly tags?: readonly string[];
}

/** A workflow that releases every commit of some branches. */
export interface DeployWorkflowConfig {
  readonly file?: string;
  readonly name?: string;
  readonly branches: readonly string[];
}

/** A workflow that promotes behind an environment's reviewers. */
export interface PromoteWorkflowConfig {
  readonly file?: string;
  readonly name?: string;
  /** Also a last job of the workflow that deploys the stack it promotes from. Default true. */
  readonly follow: boolean;
}

/** The plan on pull requests. Stacks with the same file share it, a job each. */
export interface PreviewWorkflowConfig {
  readonly file: string;
}

/** The question whether anything differs from what was released. Stacks with the same file share it. */
export interface DriftWorkflowConfig {
  readonly file: string;
  readonly cron: string;
  /** The environment with the secrets of this check; one without reviewers. Default `drift`. */
  readonly environment: string;
}

/** The variables that hold a registry's credentials. */
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

/** `.`, or as many folders up as there are `..`. */
export const ROOT_PATTERN = /^(?:\.|\.\.(?:\/\.\.){0,9})$/;
