// Generated from src/settings/schema.ts by: npm run schema
import type * as pulumi from "@pulumi/pulumi";

/** A registry, with its credentials. `ghcr()`, `dockerHub()` and `registry()` make one. */
export interface RegistryArgs {
  /**
   * Host, with its port.
   * @example ghcr.io
   */
  readonly host: string;
  /**
   * Path between the host and an image's name.
   * @default none
   * @example octo
   */
  readonly namespace?: string;
  /**
   * The user to log in as.
   * @default GHCR_USERNAME, DOCKERHUB_USERNAME, … or Docker's own configuration
   */
  readonly username?: string;
  /**
   * Password or token, as secret configuration: pulumi config set --secret --path 'slipway:registries[0].password'.
   * @default GHCR_TOKEN, DOCKERHUB_TOKEN, … or Docker's own configuration
   */
  readonly password?: pulumi.Input<string>;
  /**
   * Skip this registry, with a notice, when there are no credentials for it.
   * @default false
   */
  readonly optional?: boolean;
  /**
   * Plain HTTP instead of TLS.
   * @default true for localhost, 127.0.0.0/8 and [::1], else false
   */
  readonly plainHttp?: boolean;
  /**
   * Whether tags such as latest, 1 and 1.2 are written there. Set false for a registry with immutable tags.
   * @default true
   */
  readonly floatingTags?: boolean;
  /**
   * The server with Docker Hub's API that takes repository descriptions, and where `slipway prune` deletes tags.
   * @default https://hub.docker.com for docker.io, else none
   */
  readonly hub?: string;
  /**
   * The GitHub server whose packages its repositories are; `slipway prune` deletes them through its API.
   * @default https://github.com for ghcr.io, else none
   */
  readonly packages?: string;
}

/** An image: what it is built from, for which platforms, and its tags. */
export interface ImageArgs {
  /**
   * The repository's name in the registries, after host and namespace, if several images share one.
   * @default the name
   */
  readonly repository?: string;
  /**
   * Another image of this stack that this one is built FROM: the Dockerfile begins with `ARG BASE_IMAGE` and a FROM that uses it.
   * @default the stack's `base`, for a stack with one image
   */
  readonly base?: string;
  /**
   * The folder of the build context, relative to the project.
   * @default .
   */
  readonly context?: string;
  /**
   * The Dockerfile, relative to the context; it may be anywhere in the project.
   * @default Dockerfile
   */
  readonly dockerfile?: string;
  /**
   * The Dockerfile's stage to build.
   * @default the last one
   */
  readonly target?: string;
  /**
   * The platforms to build for.
   * @default [linux/amd64, linux/arm64]
   */
  readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  /**
   * Build arguments. They are public in the provenance, so never put secrets here.
   * @default none
   */
  readonly buildArgs?: Readonly<Record<string, string | number | boolean | {
    /** A file of KEY=value lines, relative to the project. */
    readonly file: string;
    /**
     * The key in that file.
     * @default the argument's name
     */
    readonly key?: string;
    /**
     * A value to use instead of the one found; the plan shows the difference.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version to use instead of the newest one; the plan shows the difference.
     * @default the variable of the argument's name
     */
    readonly pin?: string;
  }>>;
  /**
   * Tag rules in docker/metadata-action's syntax. An empty list means its default rules: schedule, branch, tag and pull request.
   * @default {{version}}, {{major}}.{{minor}}, {{major}} and type=sha
   */
  readonly tags?: readonly string[];
  /**
   * Options for all tag rules, in docker/metadata-action's syntax.
   * @default latest=auto
   */
  readonly flavor?: readonly string[];
  /**
   * `release` puts version, revision and the commit's date into the image. With `none`, later releases can reuse the content without a build.
   * @default release
   */
  readonly labels?: "release" | "none";
  /**
   * Your own labels; they override computed ones.
   * @example [org.opencontainers.image.vendor=Octo]
   */
  readonly extraLabels?: readonly string[];
  /**
   * Attach provenance in max mode.
   * @default true
   */
  readonly provenance?: boolean;
  /**
   * Attach an SBOM. true: by docker.io/docker/buildkit-syft-scanner:stable-1, if it can be reached; a generator's image: by that one, which must be reachable; false: no SBOM.
   * @default true
   */
  readonly sbom?: boolean | string;
  /**
   * Where provenance and SBOM are stored: `index`, in the image's index as `unknown/unknown`, or `referrers`, beside it, for consumers that mistake every entry of an index for a platform.
   * @default index
   */
  readonly attestations?: "index" | "referrers";
  /**
   * Caches to read, in buildx's syntax.
   * @example [type=registry,ref=ghcr.io/octo/app:cache]
   */
  readonly cacheFrom?: readonly string[];
  /**
   * Caches to write, in buildx's syntax. A cache that cannot be written does not fail the release.
   * @default none
   */
  readonly cacheTo?: readonly string[];
  /** Build secrets for `RUN --mount=type=secret`, by id. Set one with: pulumi config set --secret --path 'slipway:images[0].secrets.ID' */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * Named build contexts for FROM, `COPY --from=` and `--mount=from=`: a folder of the project, relative to the image's context; docker-image:// and an image; or a Git address with its commit.
   * @default none
   * @example { shared: ../shared, tools: "docker-image://alpine:3.20" }
   */
  readonly contexts?: Readonly<Record<string, string>>;
  /**
   * Ids for `RUN --mount=type=ssh`. Each uses the ssh agent at SSH_AUTH_SOCK, which is not stored in the stack's state.
   * @default none
   * @example [default]
   */
  readonly ssh?: readonly string[];
  /**
   * The network of RUN instructions: the builder's, none, or the network of the builder's host, which the builder must allow.
   * @default default
   */
  readonly network?: "default" | "none" | "host";
  /**
   * Further hosts for RUN instructions: name to IP address, or `host-gateway` for the builder's host.
   * @default none
   */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /**
   * The description of the image's repository on Docker Hub. A release that moves floating tags writes it, after all tags.
   * @default left as it is
   */
  readonly description?: {
    /**
     * A Markdown file of at most 25000 bytes, relative to the project.
     * @example DOCKER_HUB.md
     */
    readonly file: string;
    /**
     * The line shown in lists, at most 100 characters.
     * @default left as it is
     */
    readonly short?: string;
  };
  /**
   * Any text. Changing it rebuilds the same content.
   * @default none
   */
  readonly salt?: string;
}

/** An independent family of tags. */
export interface LaneArgs {
  /**
   * The lane's name, as in `slipway:lane`.
   * @example standalone
   */
  readonly name: string;
  /**
   * The form of the lane's version tags.
   * @example standalone-vX.Y.Z
   */
  readonly format: string;
  /**
   * The git tags that release the lane; * stands for the version.
   * @example docker-v*
   */
  readonly trigger: string;
  /**
   * The tag that points to the lane's newest version.
   * @example standalone-latest
   */
  readonly floating: string;
  /**
   * Further tag rules, like an image's `tags`.
   * @default none besides the format and the floating tag
   */
  readonly tags?: readonly string[];
  /**
   * Overrides the image's context.
   * @default the image's
   */
  readonly context?: string;
  /**
   * Overrides the image's Dockerfile.
   * @default the image's
   */
  readonly dockerfile?: string;
  /**
   * Overrides the image's target.
   * @default the image's
   */
  readonly target?: string;
}

/** A command that has to succeed before anything is built. */
export interface CheckArgs {
  /**
   * The check's name.
   * @example build
   */
  readonly name: string;
  /**
   * Program and arguments, run without a shell in the folder that `root` names.
   * @example [npm, run, build]
   */
  readonly run: readonly string[];
}

/**
 * A base that the images are built FROM, tagged base-<hash> and built only if no registry has it. The tag base-latest follows the newest release.
 * @default none
 */
export interface BaseArgs {
  /**
   * The base's name in these settings.
   * @default the first image's name and -base
   */
  readonly name?: string;
  /**
   * The repository's name in the registries.
   * @default the first image's
   */
  readonly repository?: string;
  /**
   * The base's Dockerfile, relative to the context.
   * @default Dockerfile.base
   */
  readonly dockerfile?: string;
  /**
   * Files that go into the base's hash after its Dockerfile, in this order, relative to the context. `**` is everything below a folder, without junk such as .DS_Store.
   * @example [rootfs/**, entrypoint*.sh]
   */
  readonly include: readonly string[];
  /** Pins the base: uses base-<hash> instead of the computed hash. Usually set by BASE_HASH. */
  readonly hash?: string;
  /**
   * The platforms to build the base for.
   * @default the first image's
   */
  readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  /**
   * The folder of the build context, relative to the project.
   * @default .
   */
  readonly context?: string;
  /**
   * The Dockerfile's stage to build.
   * @default the last one
   */
  readonly target?: string;
  /**
   * Build arguments. They are public in the provenance, so never put secrets here.
   * @default none
   */
  readonly buildArgs?: Readonly<Record<string, string | number | boolean | {
    /** A file of KEY=value lines, relative to the project. */
    readonly file: string;
    /**
     * The key in that file.
     * @default the argument's name
     */
    readonly key?: string;
    /**
     * A value to use instead of the one found; the plan shows the difference.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version to use instead of the newest one; the plan shows the difference.
     * @default the variable of the argument's name
     */
    readonly pin?: string;
  }>>;
  /**
   * Your own labels; they override computed ones.
   * @example [org.opencontainers.image.vendor=Octo]
   */
  readonly extraLabels?: readonly string[];
  /**
   * Attach provenance in max mode.
   * @default true
   */
  readonly provenance?: boolean;
  /**
   * Attach an SBOM. true: by docker.io/docker/buildkit-syft-scanner:stable-1, if it can be reached; a generator's image: by that one, which must be reachable; false: no SBOM.
   * @default true
   */
  readonly sbom?: boolean | string;
  /**
   * Where provenance and SBOM are stored: `index`, in the image's index as `unknown/unknown`, or `referrers`, beside it, for consumers that mistake every entry of an index for a platform.
   * @default index
   */
  readonly attestations?: "index" | "referrers";
  /**
   * Caches to read, in buildx's syntax.
   * @example [type=registry,ref=ghcr.io/octo/app:cache]
   */
  readonly cacheFrom?: readonly string[];
  /**
   * Caches to write, in buildx's syntax. A cache that cannot be written does not fail the release.
   * @default none
   */
  readonly cacheTo?: readonly string[];
}

/** The image with other build arguments, under tags with a suffix. */
export interface VariantArgs {
  /**
   * The end of each of the variant's tags; empty for the plain variant.
   * @example -slim
   */
  readonly suffix: string;
  /**
   * Further build arguments; they override the image's.
   * @default none
   */
  readonly buildArgs?: Readonly<Record<string, string | number | boolean | {
    /** A file of KEY=value lines, relative to the project. */
    readonly file: string;
    /**
     * The key in that file.
     * @default the argument's name
     */
    readonly key?: string;
    /**
     * A value to use instead of the one found; the plan shows the difference.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version to use instead of the newest one; the plan shows the difference.
     * @default the variable of the argument's name
     */
    readonly pin?: string;
  }>>;
  /**
   * The Dockerfile's stage to build.
   * @default the last one
   */
  readonly target?: string;
}

/**
 * Which builder to use, and how many builds run at once.
 * @default buildx's current builder
 */
export interface BuilderArgs {
  /**
   * The buildx builder to use.
   * @default buildx's current one
   */
  readonly name?: string;
  /**
   * How many builds run at once.
   * @default the engine's parallelism
   */
  readonly concurrency?: number;
}

/**
 * How releases are signed.
 * @default { mode: key }
 */
export interface SignArgs {
  /**
   * `key`: with a cosign key pair or a PEM key, offline. `keyless`: with the CI job's identity, through Fulcio and Rekor. `none`: nothing is signed, and the registry is trusted.
   * @default key
   */
  readonly mode?: "none" | "key" | "keyless";
  /**
   * The private key as PEM, in secret configuration: EC P-256 or Ed25519, plain or as cosign generate-key-pair writes it.
   * @default COSIGN_PRIVATE_KEY
   */
  readonly key?: pulumi.Input<string>;
  /**
   * Instead of `key`: a file of the project with an encrypted private key.
   * @example cosign.key
   */
  readonly keyFile?: string;
  /**
   * The password of an encrypted key, as secret configuration.
   * @default COSIGN_PASSWORD
   */
  readonly password?: pulumi.Input<string>;
  /** The public key as PEM. It verifies releases where the private key is not available, and has to match the private key. */
  readonly publicKey?: string;
  /**
   * Instead of `publicKey`: a file of the project with the public key.
   * @example cosign.pub
   */
  readonly publicKeyFile?: string;
  /**
   * The server that issues certificates for `keyless`.
   * @default https://fulcio.sigstore.dev
   */
  readonly fulcio?: string;
  /**
   * The transparency log of `keyless`.
   * @default https://rekor.sigstore.dev
   */
  readonly rekor?: string;
  /**
   * A file of the project with the Sigstore trusted root of your own servers.
   * @default Sigstore's public one
   */
  readonly trustedRoot?: string;
  /**
   * Further signers whose releases are trusted, such as a replaced key or a workflow that signs keyless.
   * @default none
   */
  readonly trusted?: readonly ({
    /** The signer's public key, as PEM. */
    readonly key?: string;
    /**
     * Instead of `key`: a file of the project with the public key.
     * @example cosign.pub
     */
    readonly keyFile?: string;
    /**
     * Instead of a key: the subject of the signing certificate, exactly or as a /pattern/ that matches all of it.
     * @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3
     */
    readonly subject?: string;
    /**
     * The certificate's issuer, exactly.
     * @default https://token.actions.githubusercontent.com
     */
    readonly issuer?: string;
    /**
     * A file of the project with a Sigstore trusted root.
     * @default Sigstore's public one
     */
    readonly trustedRoot?: string;
  })[];
}

/**
 * Build nothing, and promote by digest what another stack released or a signed statement names.
 * @default none
 */
export interface PromoteArgs {
  /**
   * Promote the last release of this stack of the project, as its manifest says.
   * @example stage
   */
  readonly from?: string;
  /**
   * Instead of `from`: promote this version, as its release statement in a registry says.
   * @example v1.2.3
   */
  readonly statement?: string;
  /**
   * The registry to read the statement from.
   * @default the first registry
   */
  readonly registry?: {
    /**
     * Host, with its port.
     * @example ghcr.io
     */
    readonly host: string;
    /**
     * Path between the host and an image's name.
     * @default none
     */
    readonly namespace?: string;
  };
  /**
   * Promote only these images; the others stay as they were last promoted.
   * @default all
   */
  readonly images?: readonly string[];
  /**
   * The gate: what must be verified before any image is copied.
   * @default none
   */
  readonly verify?: {
    /** The signer's public key, as PEM. */
    readonly key?: string;
    /**
     * Instead of `key`: a file of the project with the public key.
     * @example cosign.pub
     */
    readonly keyFile?: string;
    /**
     * Instead of a key: the subject of the signing certificate, exactly or as a /pattern/ that matches all of it.
     * @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3
     */
    readonly subject?: string;
    /**
     * The certificate's issuer, exactly.
     * @default https://token.actions.githubusercontent.com
     */
    readonly issuer?: string;
    /**
     * A file of the project with a Sigstore trusted root.
     * @default Sigstore's public one
     */
    readonly trustedRoot?: string;
    /**
     * What the signer must have signed: signature, statement, provenance, sbom, or predicate types.
     * @default [signature, statement]
     */
    readonly predicates?: readonly string[];
    /**
     * The builder that each platform's provenance must name, exactly or as a /pattern/.
     * @default any
     */
    readonly builder?: string;
    /**
     * The source repository that provenance must name, exactly or as a /pattern/.
     * @default any
     * @example https://github.com/octo/app
     */
    readonly source?: string;
    /**
     * Platforms that the image must have.
     * @default those of the release
     */
    readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
    /**
     * The release must be at least this old.
     * @default 0s
     * @example 24h
     */
    readonly minAge?: string;
    /**
     * The release must not be older than this.
     * @default no limit
     * @example 30d
     */
    readonly maxAge?: string;
  };
}

/**
 * Your team's rules, each off, warn or refuse.
 * @default as each rule says
 */
export interface PolicyArgs {
  /**
   * A promotion needs a gate: signed releases, or a signer in `promote.verify`.
   * @default warn
   */
  readonly unsignedPromotion?: "off" | "warn" | "refuse";
  /**
   * Unsigned content of a registry is not adopted or promoted, and no build reads a cache from a registry.
   * @default off; refuse for a stack that promotes
   */
  readonly unverifiedContent?: "off" | "warn" | "refuse";
  /**
   * A version needs a clean working tree. With uncommitted changes, its statement records them and no gate accepts it.
   * @default warn
   */
  readonly uncommittedVersion?: "off" | "warn" | "refuse";
  /**
   * A Dockerfile names images with their digests. Every plan pins them in any case.
   * @default off
   */
  readonly floatingBase?: "off" | "warn" | "refuse" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * Images that are allowed, exactly or as a /pattern/.
     * @default none
     * @example [/docker\.io\/docker\/dockerfile:.+/]
     */
    readonly allow?: readonly string[];
  };
  /**
   * Images are built with provenance. With `refuse`, the gate before a promotion requires it too.
   * @default warn
   */
  readonly missingProvenance?: "off" | "warn" | "refuse";
  /**
   * An image is not released without its SBOM when the generator cannot be reached. The plan reports it in any case.
   * @default off; refuse for a stack that promotes or sets requireTag
   */
  readonly missingSbom?: "off" | "warn" | "refuse";
  /**
   * Workflows in .github/workflows name actions by their full commit.
   * @default warn
   */
  readonly unpinnedAction?: "off" | "warn" | "refuse" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * Actions that are allowed, exactly or as a /pattern/.
     * @default none
     * @example [/octo\/.+/]
     */
    readonly allow?: readonly string[];
  };
  /**
   * A pre-release moves no floating tag. `warn`: except tags that `override` names; `refuse`: no exception; `off`: it moves them like any version.
   * @default warn
   */
  readonly prereleaseOnFloatingTag?: "off" | "warn" | "refuse";
  /**
   * Platforms that every image must have.
   * @default off
   */
  readonly requiredPlatforms?: "off" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * The required platforms.
     * @example [linux/amd64, linux/arm64]
     */
    readonly platforms: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  };
  /**
   * Licences that no package in the SBOM may have. The gate before a promotion and `slipway verify` check this.
   * @default off
   */
  readonly deniedLicences?: "off" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * SPDX ids, exactly or as a /pattern/.
     * @example [/A?GPL-.+/, SSPL-1.0]
     */
    readonly licences: readonly string[];
    /**
     * Whether to allow a package for which the SBOM has no licence, or none with an SPDX id.
     * @default allow
     */
    readonly unknown?: "allow" | "refuse";
  };
}

/**
 * Bad versions, and the version that floating tags go back to.
 * @default none
 */
export interface RollbackArgs {
  /**
   * The version that floating tags go back to.
   * @default none, the tags stay
   * @example v1.2.2
   */
  readonly to?: string;
  /**
   * Versions that never count as the newest, now and in later releases.
   * @default none
   * @example [v1.2.3]
   */
  readonly bad?: readonly string[];
  /**
   * Only these images go back.
   * @default every image that has the version
   */
  readonly images?: readonly string[];
}

/** The settings of a GitHub repository. Parts that are left out stay as they are. */
export interface RepositorySetupArgs {
  /**
   * The GitHub repository.
   * @default slipway:repository
   * @example octo/app
   */
  readonly repository?: string;
  /**
   * The URL of an Enterprise server.
   * @default GITHUB_BASE_URL, GITHUB_API_URL or github.com
   */
  readonly baseUrl?: string;
  /**
   * A token for this stack, as secret configuration.
   * @default GH_TOKEN or GITHUB_TOKEN
   */
  readonly token?: pulumi.Input<string>;
  /**
   * Milliseconds between two writes, as GitHub asks of clients.
   * @default 1000
   */
  readonly writeDelayMs?: number;
  /**
   * Actions secrets of the whole repository. Every workflow of every branch can read them, so put secrets of a release into `environments`.
   * @default none
   */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * Actions variables of the whole repository.
   * @default none
   */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * Environments with their rules and secrets.
   * @default none
   */
  readonly environments?: Readonly<Record<string, {
    /**
     * Who must approve a job: logins and organization/team, at most six.
     * @default none
     */
    readonly reviewers?: readonly string[];
    /**
     * Minutes that a job has to wait.
     * @default 0
     */
    readonly waitTimer?: number;
    /**
     * The user who starts a job cannot approve it.
     * @default false
     */
    readonly preventSelfReview?: boolean;
    /**
     * Administrators can skip these rules.
     * @default true
     */
    readonly adminsBypass?: boolean;
    /**
     * Git tags that may deploy. Any ref may deploy if this and `branches` are empty lists.
     * @default what starts the workflows that name the environment, else v* and each lane's; none if `branches` is set
     * @example [v*]
     */
    readonly tags?: readonly string[];
    /**
     * Branches that may deploy.
     * @default what starts the workflows that name the environment; none if `tags` is set
     * @example [main]
     */
    readonly branches?: readonly string[];
    /**
     * Secrets of this environment only.
     * @default none
     */
    readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
    /**
     * Variables of this environment only.
     * @default none
     */
    readonly variables?: Readonly<Record<string, string>>;
  }>>;
  /**
   * Protects v* and the git tags of each lane against being moved or deleted: true, or a name and further patterns.
   * @default false
   */
  readonly tagRules?: boolean | {
    /**
     * The ruleset's name.
     * @default Release tags
     */
    readonly name?: string;
    /**
     * Further git tags to protect, besides v* and each lane's.
     * @default none
     */
    readonly patterns?: readonly string[];
  };
  /**
   * What Actions may do in the repository.
   * @default left as it is
   */
  readonly permissions?: {
    /**
     * Workflows must name actions by a full commit SHA.
     * @default true
     */
    readonly shaPinning?: boolean;
    /**
     * Which actions may run.
     * @default all
     */
    readonly allowed?: "all" | "local_only" | "selected";
    /**
     * With `selected`: the actions that may run besides GitHub's own.
     * @default none
     * @example [docker/*]
     */
    readonly patterns?: readonly string[];
    /**
     * The default rights of a workflow's token.
     * @default read
     */
    readonly workflowToken?: "read" | "write";
  };
  /**
   * Labels for issues and pull requests: a list, or true for release, backport, breaking and rollback.
   * @default false
   */
  readonly labels?: boolean | readonly ({
    /**
     * The label's name.
     * @example release
     */
    readonly name: string;
    /**
     * The color, as six hex digits.
     * @default ededed
     */
    readonly color?: string;
    /**
     * The label's description.
     * @default none
     */
    readonly description?: string;
  })[];
  /**
   * Files to commit to the repository, one commit each.
   * @default none
   */
  readonly files?: readonly ({
    /**
     * The file's path in the repository.
     * @example .github/workflows/release-docker.yml
     */
    readonly path: string;
    /**
     * The file's path in the project.
     * @default the same path
     */
    readonly from?: string;
    /**
     * The file's text, instead of a file of the project.
     * @default the text of `from`
     */
    readonly content?: string;
  })[];
  /**
   * Also commit the files that `slipway workflows` writes for the project's stacks.
   * @default false
   */
  readonly workflowFiles?: boolean;
  /**
   * The branch that files are committed to.
   * @default the repository's default branch
   */
  readonly branch?: string;
  /**
   * Open a pull request from `branch` to the default branch.
   * @default false
   */
  readonly pullRequest?: boolean;
}

/**
 * The stack's workflow files. With `setup: true`, the stack sets up the GitHub repository and releases nothing.
 * @default none
 */
export interface GithubArgs extends RepositorySetupArgs {
  /**
   * The workflow files that `slipway workflows` writes for this stack.
   * @default none
   */
  readonly workflows?: {
    /**
     * Which folders are written: .github/workflows, .gitea/workflows.
     * @default [github]
     */
    readonly hosts?: readonly ("github" | "gitea")[];
    /**
     * The folder of the repository that has Pulumi.yaml.
     * @default .
     * @example release
     */
    readonly directory?: string;
    /**
     * The runner's label.
     * @default ubuntu-24.04
     */
    readonly runner?: string;
    /**
     * Build each platform on its own runner and merge the results by digest: `true` for GitHub's amd64 and arm64 runners, or labels by platform.
     * @default false
     * @example { linux/arm64: ubuntu-24.04-arm }
     */
    readonly runners?: boolean | Readonly<Record<string, string>>;
    /**
     * The version of Node on the runner.
     * @default "24"
     */
    readonly node?: string;
    /**
     * The command that installs the project's packages, as a list of words. Keep it from running the packages' own scripts.
     * @default [npm, ci, --ignore-scripts]
     */
    readonly install?: readonly string[];
    /**
     * The environment with the secrets and reviewers of a release.
     * @default the stack's name
     */
    readonly environment?: string;
    /**
     * Further secrets that a release gets as variables of the same name, such as a backend's credentials.
     * @default none
     * @example [AWS_ACCESS_KEY_ID]
     */
    readonly secrets?: readonly string[];
    /**
     * Minutes after which a job that builds is cancelled.
     * @default 60
     */
    readonly timeout?: number;
    /**
     * How many runs of one version can wait on GitHub: `single` keeps the newest, `max` a hundred. actionlint 1.7.12 does not know `max` yet.
     * @default single
     */
    readonly queue?: "single" | "max";
    /**
     * Jobs that release can ask GitHub for an identity (id-token: write). This follows from `sign.mode`, and must not contradict it.
     * @default true if sign.mode is keyless
     */
    readonly keyless?: boolean;
    /**
     * Let GitHub attest the build provenance of each released image.
     * @default false
     */
    readonly attest?: boolean;
    /**
     * The workflow that releases a version.
     * @default none
     */
    readonly release?: {
      /**
       * The file's name.
       * @default release.yml
       */
      readonly file?: string;
      /**
       * The workflow's title.
       * @default Release, with the lane's name
       */
      readonly name?: string;
      /**
       * What starts it, besides a manual dispatch: a published `release`, or pushed git `tags`.
       * @default [tags] for a lane, else [release]
       */
      readonly on?: readonly ("release" | "tags")[];
      /**
       * Git tags that are versions, as GitHub's filter patterns: * for anything but a slash, [0-9]+ for a number, ! to exclude tags that an earlier pattern matches.
       * @default the lane's trigger, else v*
       * @example [v*, '!v*-rc*']
       */
      readonly tags?: readonly string[];
    };
    /**
     * The workflow that releases each commit of a branch.
     * @default none
     */
    readonly deploy?: {
      /**
       * The file's name.
       * @default deploy-<stack>.yml
       */
      readonly file?: string;
      /**
       * The workflow's title.
       * @default Deploy <stack>
       */
      readonly name?: string;
      /**
       * Release each commit that is pushed to these branches.
       * @default [main]
       */
      readonly branches?: readonly string[];
    };
    /**
     * The workflow that promotes once the environment's reviewers approve; needs `slipway:promote`.
     * @default none
     */
    readonly promote?: {
      /**
       * The file's name.
       * @default promote-<stack>.yml
       */
      readonly file?: string;
      /**
       * The workflow's title.
       * @default Promote to <stack>
       */
      readonly name?: string;
      /**
       * Also promote at the end of the workflow that deploys the source stack, after the environment's reviewers approve.
       * @default true
       */
      readonly follow?: boolean;
    };
    /**
     * The workflow that shows the plan on pull requests.
     * @default none
     */
    readonly preview?: {
      /**
       * The file's name; stacks that name the same one share it.
       * @default preview.yml
       */
      readonly file?: string;
    };
    /**
     * The workflow that fails when released tags are missing or have changed.
     * @default none
     */
    readonly drift?: {
      /**
       * The file's name; stacks that name the same one share it.
       * @default drift.yml
       */
      readonly file?: string;
      /**
       * When to check, in UTC.
       * @default 17 5 * * *
       */
      readonly cron?: string;
      /**
       * The environment whose secrets the check uses; it should have no reviewers.
       * @default drift
       */
      readonly environment?: string;
      /**
       * Also fail when a base image has moved since the newest version was built on it. Stacks that share the file share this check; the plan names what to release.
       * @default false
       */
      readonly currentBases?: boolean;
    };
  };
  /**
   * This stack sets up the GitHub repository, and releases nothing.
   * @default false
   */
  readonly setup?: boolean;
}

/**
 * The arguments of a release. Every field can be in the stack's settings (`slipway:*`) too, which win over the code;
 * environment variables win over both.
 */
export interface ReleaseArgs {
  /**
   * The GitHub repository.
   * @example octo/app
   */
  readonly repository?: string;
  /**
   * The version to release. Usually it comes from RELEASE_TAG or the tag at HEAD.
   * @example v1.2.3
   */
  readonly version?: string;
  /**
   * Variables are also read with this prefix, which wins.
   * @example APP_RELEASE_
   */
  readonly envPrefix?: string;
  /**
   * Generic variables to read without the prefix too: TAG and VERSION (the version), PLATFORMS, SERVICES. With envPrefix they are always read.
   * @default none
   * @example [TAG, PLATFORMS]
   */
  readonly variables?: readonly ("TAG" | "VERSION" | "PLATFORMS" | "SERVICES")[];
  /**
   * Release only where HEAD is the version's tag and the working tree is clean.
   * @default false
   */
  readonly requireTag?: boolean;
  /** Where images are pushed. The first registry is the primary; all of them get the same digests. */
  readonly registries?: readonly RegistryArgs[];
  /** The images to build and release. */
  readonly images?: Readonly<Record<string, ImageArgs>> | readonly (ImageArgs & { readonly name: string })[];
  /**
   * Independent families of tags for the same images, each with its own Dockerfile, format, floating tag and trigger. Every stack has to list all lanes.
   * @default none
   */
  readonly lanes?: readonly LaneArgs[];
  /**
   * The lane that this stack releases; required with `lanes`.
   * @example standalone
   */
  readonly lane?: string;
  /**
   * `false`: write no version tag. `true`: refuse a release without a version.
   * @default as the tag rules say
   */
  readonly publishVersionTag?: boolean;
  /**
   * Commands that must succeed before anything is built. They do not run in a preview, or when there is nothing to write.
   * @default none
   */
  readonly checks?: readonly CheckArgs[];
  /**
   * Release only these images and those they are built FROM; the others and their tags stay as they are. Usually set by `slipway up --services` or CI_SERVICES.
   * @default all
   * @example [api]
   */
  readonly only?: readonly string[];
  /**
   * false: a dry run that only plans, without registry or builder.
   * @default true
   */
  readonly push?: boolean;
  /**
   * A base that the images are built FROM, tagged base-<hash> and built only if no registry has it. The tag base-latest follows the newest release.
   * @default none
   */
  readonly base?: BaseArgs;
  /**
   * Builds the stack's one image several times, with other build arguments and a suffix on every tag. Its default tags are then the git tag and latest, and builds run one at a time.
   * @default none
   */
  readonly variants?: readonly VariantArgs[];
  /**
   * Which builder to use, and how many builds run at once.
   * @default buildx's current builder
   */
  readonly builder?: BuilderArgs;
  /**
   * How releases are signed.
   * @default { mode: key }
   */
  readonly sign?: SignArgs;
  /**
   * Build nothing, and promote by digest what another stack released or a signed statement names.
   * @default none
   */
  readonly promote?: PromoteArgs;
  /**
   * Your team's rules, each off, warn or refuse.
   * @default as each rule says
   */
  readonly policy?: PolicyArgs;
  /**
   * Bad versions, and the version that floating tags go back to.
   * @default none
   */
  readonly rollback?: RollbackArgs;
  /**
   * Refused tags to write anyway, as image:tag.
   * @example [app:latest]
   */
  readonly override?: readonly string[];
  /**
   * Digests that you have checked yourself, as image@digest, for releases that other tools made or that were not signed. They count as verified.
   * @default none
   * @example [app@sha256:756867c07ffa…]
   */
  readonly adopt?: readonly string[];
  /**
   * The stack's workflow files. With `setup: true`, the stack sets up the GitHub repository and releases nothing.
   * @default none
   */
  readonly github?: GithubArgs;
  /**
   * For a project in a subfolder: the folder that contexts, Dockerfiles and other files are relative to, at or above Pulumi.yaml and inside the git repository. Checks run there.
   * @default .
   * @example ..
   */
  readonly root?: string;
  /**
   * Folder for the release manifest and the reports, relative to Pulumi.yaml's folder.
   * @default artifacts
   */
  readonly artifacts?: string;
}

/** A release of what another stack verified: nothing is built. */
export interface PromotionArgs extends ReleaseArgs {
  readonly promote: PromoteArgs;
}
