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
   * Skip this registry, with a notice, if there are no credentials for it.
   * @default false
   */
  readonly optional?: boolean;
  /**
   * Plain HTTP instead of TLS.
   * @default true for localhost, 127.0.0.0/8 and [::1], else false
   */
  readonly plainHttp?: boolean;
  /**
   * Whether tags such as latest, 1 and 1.2 are set there. Set false for a registry with immutable tags.
   * @default true
   */
  readonly floatingTags?: boolean;
  /**
   * Where descriptions of its repositories go and `slipway prune` deletes tags: a server with Docker Hub's API.
   * @default https://hub.docker.com for docker.io, else none
   */
  readonly hub?: string;
  /**
   * The GitHub server whose packages its repositories are, by whose API `slipway prune` deletes.
   * @default https://github.com for ghcr.io, else none
   */
  readonly packages?: string;
}

/** An image: what it is built from, for which platforms, and its tags. */
export interface ImageArgs {
  /**
   * Repository's name in the registries, after host and namespace, where several images share one.
   * @default the name
   */
  readonly repository?: string;
  /**
   * Name of another image of this stack that this one is built FROM: its Dockerfile begins with `ARG BASE_IMAGE` and a FROM that takes it.
   * @default the stack's `base`, for a stack with one image
   */
  readonly base?: string;
  /**
   * Folder of the build context, relative to the project.
   * @default .
   */
  readonly context?: string;
  /**
   * The Dockerfile, relative to the context; it may lie anywhere in the project.
   * @default Dockerfile
   */
  readonly dockerfile?: string;
  /**
   * The Dockerfile's stage to build.
   * @default the last one
   */
  readonly target?: string;
  /**
   * What is built for.
   * @default [linux/amd64, linux/arm64]
   */
  readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  /**
   * Build arguments. Provenance makes them public: no secrets.
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
     * A value that beats the one found; the plan shows how they differ.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version that beats the newest one; the plan shows how they differ.
     * @default the variable of the argument's name
     */
    readonly pin?: string;
  }>>;
  /**
   * Tag rules in docker/metadata-action's own syntax. An empty list means what it means there: schedule, branch, tag and pull request.
   * @default {{version}}, {{major}}.{{minor}}, {{major}} and type=sha
   */
  readonly tags?: readonly string[];
  /**
   * What holds for all rules, in docker/metadata-action's syntax.
   * @default latest=auto
   */
  readonly flavor?: readonly string[];
  /**
   * `release` bakes version, revision and the commit's date in. `none` makes content that later releases can carry over without a build.
   * @default release
   */
  readonly labels?: "release" | "none";
  /**
   * Your own labels, which win over computed ones.
   * @example [org.opencontainers.image.vendor=Octo]
   */
  readonly extraLabels?: readonly string[];
  /**
   * Attach provenance in max mode.
   * @default true
   */
  readonly provenance?: boolean;
  /**
   * Attach an SBOM: true for docker.io/docker/buildkit-syft-scanner:stable-1 where it can be reached, a generator's image that has to be reached, or false for none.
   * @default true
   */
  readonly sbom?: boolean | string;
  /**
   * Where provenance and SBOM are: `index`, inside the image's index, as `unknown/unknown`; or `referrers`, beside it, for consumers that take every entry of an index for a platform.
   * @default index
   */
  readonly attestations?: "index" | "referrers";
  /**
   * Caches to read, in buildx's syntax.
   * @example [type=registry,ref=ghcr.io/octo/app:cache]
   */
  readonly cacheFrom?: readonly string[];
  /**
   * Caches to write, in buildx's syntax; a cache that fails never fails a release.
   * @default none
   */
  readonly cacheTo?: readonly string[];
  /** Build secrets for `RUN --mount=type=secret`: id to value. Set them with: pulumi config set --secret --path 'slipway:images[0].secrets.ID' */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * Named build contexts for FROM, `COPY --from=` and `--mount=from=`: a folder relative to the image's context, inside the project; docker-image:// and an image; or a Git address with its commit.
   * @default none
   * @example { shared: ../shared, tools: "docker-image://alpine:3.20" }
   */
  readonly contexts?: Readonly<Record<string, string>>;
  /**
   * Ids for `RUN --mount=type=ssh`. Each takes the agent at SSH_AUTH_SOCK, which no state records.
   * @default none
   * @example [default]
   */
  readonly ssh?: readonly string[];
  /**
   * The network of RUN lines: the builder's, none, or that of the builder's machine, which the builder has to allow.
   * @default default
   */
  readonly network?: "default" | "none" | "host";
  /**
   * Hosts that RUN lines know besides: name to IP address, or `host-gateway` for the builder's machine.
   * @default none
   */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /**
   * What Docker Hub says of the image's repository, written after every tag by a release that moves its floating tags.
   * @default it stays as it is
   */
  readonly description?: {
    /**
     * A Markdown file of at most 25000 bytes, relative to the project.
     * @example DOCKER_HUB.md
     */
    readonly file: string;
    /**
     * The one line in lists, at most 100 characters.
     * @default it stays as it is
     */
    readonly short?: string;
  };
  /**
   * Any text: another one builds the same content again.
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
   * How the lane's versions are written as image tags.
   * @example standalone-vX.Y.Z
   */
  readonly format: string;
  /**
   * The git tags that release the lane; * is the version.
   * @example docker-v*
   */
  readonly trigger: string;
  /**
   * The tag that points to the lane's newest version.
   * @example standalone-latest
   */
  readonly floating: string;
  /**
   * Further tag rules, as an image's `tags`.
   * @default the format and the floating tag alone
   */
  readonly tags?: readonly string[];
  /**
   * In place of the image's.
   * @default the image's
   */
  readonly context?: string;
  /**
   * In place of the image's.
   * @default the image's
   */
  readonly dockerfile?: string;
  /**
   * In place of the image's.
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
   * Program and arguments, run in the project's folder without a shell.
   * @example [npm, run, build]
   */
  readonly run: readonly string[];
}

/**
 * A base that the images are built FROM, tagged base-<hash> and built only where no registry has it; base-latest follows.
 * @default none
 */
export interface BaseArgs {
  /**
   * The base's name here.
   * @default the first image's name and -base
   */
  readonly name?: string;
  /**
   * Repository's name in the registries.
   * @default the first image's
   */
  readonly repository?: string;
  /**
   * The base's Dockerfile, relative to the context.
   * @default Dockerfile.base
   */
  readonly dockerfile?: string;
  /**
   * Files besides the Dockerfile that make up the base's hash, in this order, relative to the context; `**` is everything below a folder, without junk such as .DS_Store.
   * @example [rootfs/**, entrypoint*.sh]
   */
  readonly include: readonly string[];
  /** Pins the base: base-<hash> is taken instead of the computed one. Usually it comes from BASE_HASH. */
  readonly hash?: string;
  /**
   * What the base is built for.
   * @default the first image's
   */
  readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  /**
   * Folder of the build context, relative to the project.
   * @default .
   */
  readonly context?: string;
  /**
   * The Dockerfile's stage to build.
   * @default the last one
   */
  readonly target?: string;
  /**
   * Build arguments. Provenance makes them public: no secrets.
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
     * A value that beats the one found; the plan shows how they differ.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version that beats the newest one; the plan shows how they differ.
     * @default the variable of the argument's name
     */
    readonly pin?: string;
  }>>;
  /**
   * Your own labels, which win over computed ones.
   * @example [org.opencontainers.image.vendor=Octo]
   */
  readonly extraLabels?: readonly string[];
  /**
   * Attach provenance in max mode.
   * @default true
   */
  readonly provenance?: boolean;
  /**
   * Attach an SBOM: true for docker.io/docker/buildkit-syft-scanner:stable-1 where it can be reached, a generator's image that has to be reached, or false for none.
   * @default true
   */
  readonly sbom?: boolean | string;
  /**
   * Where provenance and SBOM are: `index`, inside the image's index, as `unknown/unknown`; or `referrers`, beside it, for consumers that take every entry of an index for a platform.
   * @default index
   */
  readonly attestations?: "index" | "referrers";
  /**
   * Caches to read, in buildx's syntax.
   * @example [type=registry,ref=ghcr.io/octo/app:cache]
   */
  readonly cacheFrom?: readonly string[];
  /**
   * Caches to write, in buildx's syntax; a cache that fails never fails a release.
   * @default none
   */
  readonly cacheTo?: readonly string[];
}

/** The image with other build arguments, under tags with a suffix. */
export interface VariantArgs {
  /**
   * What each of the variant's tags ends in; empty for the plain one.
   * @example -slim
   */
  readonly suffix: string;
  /**
   * Added to the image's build arguments, over which they win.
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
     * A value that beats the one found; the plan shows how they differ.
     * @default none
     */
    readonly pin?: string;
  } | {
    /** `npm:<package>`, or `npm:<package>@<tag>`. */
    readonly latestOf: string;
    /**
     * A version that beats the newest one; the plan shows how they differ.
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
 * What builds.
 * @default buildx's current builder
 */
export interface BuilderArgs {
  /**
   * A buildx builder.
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
   * `key`: with a cosign key pair or a PEM key, offline. `keyless`: with the identity of the CI, by Fulcio and Rekor. `none`: nothing is signed, and the registry is trusted.
   * @default key
   */
  readonly mode?: "none" | "key" | "keyless";
  /**
   * The private key's PEM, as secret configuration: EC P-256 or Ed25519, or what cosign generate-key-pair writes.
   * @default COSIGN_PRIVATE_KEY
   */
  readonly key?: pulumi.Input<string>;
  /**
   * Instead of `key`: an encrypted key's file in the project.
   * @example cosign.key
   */
  readonly keyFile?: string;
  /**
   * Of an encrypted key, as secret configuration.
   * @default COSIGN_PASSWORD
   */
  readonly password?: pulumi.Input<string>;
  /** PEM of the public key. Releases are verified by it where the private key is not at hand; the private key has to match it. */
  readonly publicKey?: string;
  /**
   * Instead of `publicKey`: its file in the project.
   * @example cosign.pub
   */
  readonly publicKeyFile?: string;
  /**
   * What issues the certificates of `keyless`.
   * @default https://fulcio.sigstore.dev
   */
  readonly fulcio?: string;
  /**
   * The transparency log of `keyless`.
   * @default https://rekor.sigstore.dev
   */
  readonly rekor?: string;
  /**
   * A Sigstore trusted root's file in the project, for servers of your own.
   * @default Sigstore's public one
   */
  readonly trustedRoot?: string;
  /**
   * Further signers whose releases are trusted: a key that was replaced, the workflow that signs keyless.
   * @default none
   */
  readonly trusted?: readonly ({
    /** PEM of the public key that has to have signed. */
    readonly key?: string;
    /**
     * Instead of `key`: its file in the project.
     * @example cosign.pub
     */
    readonly keyFile?: string;
    /**
     * Instead of a key: the certificate's subject, exactly or as a /pattern/ for all of it.
     * @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3
     */
    readonly subject?: string;
    /**
     * Who has to vouch for the subject, exactly.
     * @default https://token.actions.githubusercontent.com
     */
    readonly issuer?: string;
    /**
     * A Sigstore trusted root's file in the project.
     * @default Sigstore's public one
     */
    readonly trustedRoot?: string;
  })[];
}

/**
 * Nothing is built: the stack promotes, by digest, what another stack or a signed statement verified.
 * @default none
 */
export interface PromoteArgs {
  /**
   * The stack of this project whose last release is taken, by its manifest.
   * @example stage
   */
  readonly from?: string;
  /**
   * Instead of `from`: a version, taken by its release statement in a registry.
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
   * Only these images; the others stay as they were promoted last.
   * @default all
   */
  readonly images?: readonly string[];
  /**
   * What has to be verified before anything of a release is copied.
   * @default nothing
   */
  readonly verify?: {
    /** PEM of the public key that has to have signed. */
    readonly key?: string;
    /**
     * Instead of `key`: its file in the project.
     * @example cosign.pub
     */
    readonly keyFile?: string;
    /**
     * Instead of a key: the certificate's subject, exactly or as a /pattern/ for all of it.
     * @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3
     */
    readonly subject?: string;
    /**
     * Who has to vouch for the subject, exactly.
     * @default https://token.actions.githubusercontent.com
     */
    readonly issuer?: string;
    /**
     * A Sigstore trusted root's file in the project.
     * @default Sigstore's public one
     */
    readonly trustedRoot?: string;
    /**
     * What has to be signed: signature, statement, provenance, sbom, or predicate types.
     * @default [signature, statement]
     */
    readonly predicates?: readonly string[];
    /**
     * Provenance's builder, exactly or as a /pattern/, for every platform.
     * @default any
     */
    readonly builder?: string;
    /**
     * Where the source is, exactly or as a /pattern/.
     * @default any
     * @example https://github.com/octo/app
     */
    readonly source?: string;
    /**
     * Platforms that have to be there.
     * @default those of the release
     */
    readonly platforms?: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
    /**
     * How long ago it has to have been made.
     * @default 0s
     * @example 24h
     */
    readonly minAge?: string;
    /**
     * How long ago it may have been made.
     * @default any time
     * @example 30d
     */
    readonly maxAge?: string;
  };
}

/**
 * The team's rules, each off, warn or refuse.
 * @default as each rule says
 */
export interface PolicyArgs {
  /**
   * A promotion passes a gate: releases are signed, or `promote.verify` names who signed.
   * @default warn
   */
  readonly unsignedPromotion?: "off" | "warn" | "refuse";
  /**
   * Nothing is adopted or promoted on a registry's word alone, as happens where releases are not signed, and no build reads a cache from a registry.
   * @default off; refuse for a stack that promotes
   */
  readonly unverifiedContent?: "off" | "warn" | "refuse";
  /**
   * A version is made from a clean working tree. Its statement records uncommitted changes, and no gate accepts it.
   * @default warn
   */
  readonly uncommittedVersion?: "off" | "warn" | "refuse";
  /**
   * What a Dockerfile takes from a registry is written with its digest. Every plan pins it anyway.
   * @default off
   */
  readonly floatingBase?: "off" | "warn" | "refuse" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * Images that are let through, exactly or as a /pattern/.
     * @default none
     * @example [/docker\.io\/docker\/dockerfile:.+/]
     */
    readonly allow?: readonly string[];
  };
  /**
   * Images are built with provenance; with `refuse`, the gate before a promotion asks for it too.
   * @default warn
   */
  readonly missingProvenance?: "off" | "warn" | "refuse";
  /**
   * An image that should have an SBOM has one, although its generator cannot be reached. A plan says so in any case.
   * @default off; refuse for a stack that promotes or sets requireTag
   */
  readonly missingSbom?: "off" | "warn" | "refuse";
  /**
   * Actions in .github/workflows are named by their full commit.
   * @default warn
   */
  readonly unpinnedAction?: "off" | "warn" | "refuse" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * Actions that are let through, exactly or as a /pattern/.
     * @default none
     * @example [/octo\/.+/]
     */
    readonly allow?: readonly string[];
  };
  /**
   * A pre-release moves no floating tag. `warn`: only where `override` names the tag; `refuse`: not even then; `off`: it moves them as any version does.
   * @default warn
   */
  readonly prereleaseOnFloatingTag?: "off" | "warn" | "refuse";
  /**
   * Platforms that every image has to have.
   * @default off
   */
  readonly requiredPlatforms?: "off" | {
    /** @default refuse */
    readonly level?: "off" | "warn" | "refuse";
    /**
     * Every image has to have them.
     * @example [linux/amd64, linux/arm64]
     */
    readonly platforms: readonly ("linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/arm/v6" | "linux/arm/v5" | "linux/386" | "linux/amd64/v2" | "linux/amd64/v3" | "linux/amd64/v4" | "linux/ppc64le" | "linux/s390x" | "linux/riscv64" | "linux/loong64" | "linux/mips64le" | "linux/mips64" | "windows/amd64" | "windows/arm64" | "freebsd/amd64" | "freebsd/arm64" | "wasi/wasm")[];
  };
  /**
   * Licences that no package may have, by the SBOM; judged at the gate before a promotion and by slipway verify.
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
     * What is done with a package whose licence the SBOM does not say, or by no SPDX id.
     * @default allow
     */
    readonly unknown?: "allow" | "refuse";
  };
}

/**
 * Versions that are bad, and the one that floating tags go back to.
 * @default none
 */
export interface RollbackArgs {
  /**
   * The version that floating tags go back to.
   * @default none, tags stay
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
   * @default every image that has such a version
   */
  readonly images?: readonly string[];
}

/** What a GitHub repository is to have; a part that is left out is left alone. */
export interface RepositorySetupArgs {
  /**
   * The repository.
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
   * A token of this stack's own, as secret configuration.
   * @default GH_TOKEN or GITHUB_TOKEN
   */
  readonly token?: pulumi.Input<string>;
  /**
   * Milliseconds between two writes, as GitHub asks of clients.
   * @default 1000
   */
  readonly writeDelayMs?: number;
  /**
   * Actions secrets of the whole repository, which every workflow of every branch can read; put those of a release into `environments`.
   * @default none
   */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * Actions variables.
   * @default none
   */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * Environments with their rules and secrets.
   * @default none
   */
  readonly environments?: Readonly<Record<string, {
    /**
     * Who has to approve a job: logins and organization/team, at most six.
     * @default none
     */
    readonly reviewers?: readonly string[];
    /**
     * Minutes that a job waits.
     * @default 0
     */
    readonly waitTimer?: number;
    /**
     * Who starts a job may not approve it.
     * @default false
     */
    readonly preventSelfReview?: boolean;
    /**
     * Administrators may skip the rules.
     * @default true
     */
    readonly adminsBypass?: boolean;
    /**
     * Git tags that may deploy; any ref may where this and `branches` are empty.
     * @default what starts the workflows that name the environment, else v* and each lane's; none where `branches` is set
     * @example [v*]
     */
    readonly tags?: readonly string[];
    /**
     * Branches that may deploy.
     * @default what starts the workflows that name the environment; none where `tags` is set
     * @example [main]
     */
    readonly branches?: readonly string[];
    /**
     * Secrets of this environment alone.
     * @default none
     */
    readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
    /**
     * Variables of this environment alone.
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
     * Further git tags.
     * @default v* and each lane's
     */
    readonly patterns?: readonly string[];
  };
  /**
   * What Actions may do in the repository.
   * @default left as it is
   */
  readonly permissions?: {
    /**
     * Actions have to be named by a full commit SHA.
     * @default true
     */
    readonly shaPinning?: boolean;
    /**
     * Which actions may run.
     * @default all
     */
    readonly allowed?: "all" | "local_only" | "selected";
    /**
     * With `selected`, besides GitHub's own.
     * @default none
     * @example [docker/*]
     */
    readonly patterns?: readonly string[];
    /**
     * What a workflow's token may do by default.
     * @default read
     */
    readonly workflowToken?: "read" | "write";
  };
  /**
   * Labels of issues and pull requests: those of a release (release, backport, breaking, rollback) where it is true, or a list.
   * @default false
   */
  readonly labels?: boolean | readonly ({
    /**
     * What the label is called.
     * @example release
     */
    readonly name: string;
    /**
     * Six hex digits.
     * @default ededed
     */
    readonly color?: string;
    /**
     * What it is for.
     * @default none
     */
    readonly description?: string;
  })[];
  /**
   * Files of the project that are kept in the repository, each a commit.
   * @default none
   */
  readonly files?: readonly ({
    /**
     * In the repository.
     * @example .github/workflows/release-docker.yml
     */
    readonly path: string;
    /**
     * In the project.
     * @default the same path
     */
    readonly from?: string;
    /**
     * The file's text.
     * @default the text of `from`
     */
    readonly content?: string;
  })[];
  /**
   * What `slipway workflows` writes for the project's stacks is kept in the repository too.
   * @default false
   */
  readonly workflowFiles?: boolean;
  /**
   * Where files are committed.
   * @default the repository's default branch
   */
  readonly branch?: string;
  /**
   * Files reach the default branch by a pull request from `branch`.
   * @default false
   */
  readonly pullRequest?: boolean;
}

/**
 * GitHub's side: workflows of a release stack; with `setup: true` the stack sets the repository up, and releases nothing.
 * @default none
 */
export interface GithubArgs extends RepositorySetupArgs {
  /**
   * The workflow files that `slipway workflows` writes for this stack.
   * @default none
   */
  readonly workflows?: {
    /**
     * Whose folders are written: .github/workflows, .gitea/workflows.
     * @default [github]
     */
    readonly hosts?: readonly ("github" | "gitea")[];
    /**
     * The project's folder in its repository, where Pulumi.yaml is.
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
     * Builds each platform on a runner of its own, to be merged by digest: `true` for GitHub's amd64 and arm64, or labels by platform.
     * @default false
     * @example { linux/arm64: ubuntu-24.04-arm }
     */
    readonly runners?: boolean | Readonly<Record<string, string>>;
    /**
     * Node's version on the runner.
     * @default "24"
     */
    readonly node?: string;
    /**
     * The command that installs the project's packages, as words; better without the packages' own scripts.
     * @default [npm, ci, --ignore-scripts]
     */
    readonly install?: readonly string[];
    /**
     * The environment whose secrets and reviewers a release has.
     * @default the stack's name
     */
    readonly environment?: string;
    /**
     * Further secrets that a release sees as variables of the same name, such as a backend's credentials.
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
     * How many runs of one version may wait on GitHub: `max` keeps a hundred, where `single` keeps the newest. actionlint 1.7.12 does not know `max` yet.
     * @default single
     */
    readonly queue?: "single" | "max";
    /**
     * Jobs that release may ask GitHub for an identity (id-token: write). It follows from `sign.mode`, and may only repeat that.
     * @default true where sign.mode is keyless
     */
    readonly keyless?: boolean;
    /**
     * GitHub attests the build provenance of each released image.
     * @default false
     */
    readonly attest?: boolean;
    /**
     * Releases a version.
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
       * What starts it, besides a dispatch by hand: a published `release`, pushed git `tags`.
       * @default [tags] for a lane, else [release]
       */
      readonly on?: readonly ("release" | "tags")[];
      /**
       * Git tags that are versions, by GitHub's filter patterns: * for anything but a slash, [0-9]+ for a number, ! for those to leave out of what the patterns before it name.
       * @default the lane's trigger, else v*
       * @example [v*, '!v*-rc*']
       */
      readonly tags?: readonly string[];
    };
    /**
     * Releases each commit of a branch.
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
       * Each commit pushed to these branches is released.
       * @default [main]
       */
      readonly branches?: readonly string[];
    };
    /**
     * Promotes, behind the environment's reviewers; needs `slipway:promote`.
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
       * Also promote at the end of the workflow that deploys the stack it promotes from, when the environment's reviewers have approved.
       * @default true
       */
      readonly follow?: boolean;
    };
    /**
     * Shows the plan on pull requests.
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
     * Fails when released tags are missing or have changed.
     * @default none
     */
    readonly drift?: {
      /**
       * The file's name; stacks that name the same one share it.
       * @default drift.yml
       */
      readonly file?: string;
      /**
       * When, in UTC.
       * @default 17 5 * * *
       */
      readonly cron?: string;
      /**
       * The environment whose secrets the check sees; one without reviewers.
       * @default drift
       */
      readonly environment?: string;
      /**
       * Fails also when a base image has moved since the newest version was built on it, in a file that several stacks share for all of them; the plan names what to release.
       * @default false
       */
      readonly currentBases?: boolean;
    };
  };
  /**
   * This stack sets the repository up, and releases nothing.
   * @default false
   */
  readonly setup?: boolean;
}

/**
 * What a release is made of. Every field may be in the stack's settings (`slipway:*`) as well, which win over the code;
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
   * Variables with generic names that are read too: TAG and VERSION (the version), PLATFORMS, SERVICES. With envPrefix they are read in any case.
   * @default none
   * @example [TAG, PLATFORMS]
   */
  readonly variables?: readonly ("TAG" | "VERSION" | "PLATFORMS" | "SERVICES")[];
  /**
   * Release only where HEAD is the version's tag and the working tree is clean.
   * @default false
   */
  readonly requireTag?: boolean;
  /** Where images go. The first is the primary. All hold the same digests. */
  readonly registries?: readonly RegistryArgs[];
  /** What is built and released. */
  readonly images?: Readonly<Record<string, ImageArgs>> | readonly (ImageArgs & { readonly name: string })[];
  /**
   * Independent families of tags of the same images, each with its own Dockerfile, format, floating tag and trigger. Every stack has to list all lanes.
   * @default none
   */
  readonly lanes?: readonly LaneArgs[];
  /**
   * The lane that this stack releases; required where there are lanes.
   * @example standalone
   */
  readonly lane?: string;
  /**
   * `false`: no version tag is written. `true`: a release without a version is refused.
   * @default as the tag rules say
   */
  readonly publishVersionTag?: boolean;
  /**
   * Commands that have to succeed before anything is built; never run in a preview, nor if nothing would be written.
   * @default none
   */
  readonly checks?: readonly CheckArgs[];
  /**
   * Release only these images, and what they are built FROM; the others, their tags and entries stay as they are. Usually it comes from `slipway up --services` or CI_SERVICES.
   * @default all
   * @example [api]
   */
  readonly only?: readonly string[];
  /**
   * false: a dry run that only plans; no registry and no builder.
   * @default true
   */
  readonly push?: boolean;
  /**
   * A base that the images are built FROM, tagged base-<hash> and built only where no registry has it; base-latest follows.
   * @default none
   */
  readonly base?: BaseArgs;
  /**
   * The stack's one image several times, with other build arguments and a suffix on every tag. By default it is then tagged with the git tag and latest, one build at a time.
   * @default none
   */
  readonly variants?: readonly VariantArgs[];
  /**
   * What builds.
   * @default buildx's current builder
   */
  readonly builder?: BuilderArgs;
  /**
   * How releases are signed.
   * @default { mode: key }
   */
  readonly sign?: SignArgs;
  /**
   * Nothing is built: the stack promotes, by digest, what another stack or a signed statement verified.
   * @default none
   */
  readonly promote?: PromoteArgs;
  /**
   * The team's rules, each off, warn or refuse.
   * @default as each rule says
   */
  readonly policy?: PolicyArgs;
  /**
   * Versions that are bad, and the one that floating tags go back to.
   * @default none
   */
  readonly rollback?: RollbackArgs;
  /**
   * Refused tags to write anyway, as image:tag.
   * @example [app:latest]
   */
  readonly override?: readonly string[];
  /**
   * Digests that you checked yourself and vouch for, image@digest: releases made by other tools or before signing. They count as verified.
   * @default none
   * @example [app@sha256:756867c07ffa…]
   */
  readonly adopt?: readonly string[];
  /**
   * GitHub's side: workflows of a release stack; with `setup: true` the stack sets the repository up, and releases nothing.
   * @default none
   */
  readonly github?: GithubArgs;
  /**
   * The folder that contexts, Dockerfiles and other files are relative to, for a project in a folder of its own: upwards from Pulumi.yaml, inside the git repository. Checks run there.
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
