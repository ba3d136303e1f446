import {
  BASE_ANNOTATION,
  CONTENT_KEY_ANNOTATION,
  CREATED_ANNOTATION,
  REVISION_ANNOTATION,
  VERSION_ANNOTATION,
} from "./annotations";
import type { Config, ImageConfig, NamedContext } from "./config";
import { type ContentKeyInput, type ContextFile, contentKey } from "./content-key";
import { type Digest, digestOf } from "./digest";
import type { ExistingContent } from "./existing-release";
import type { FloatingTag } from "./floating-tags";
import { requestedTags, versionAndForm } from "./image-tags";
import type { Problem } from "./problem";
import type { Rebuild } from "./rebuild";
import { sortedRecord } from "./record";
import { type RepositoryName, repositoryKey } from "./reference";
import type { SbomGenerator } from "./sbom";
import type { TagClass } from "./tag-policy";
import type { TagRulesResult } from "./tag-rules/evaluate";
import type { ReleaseEvent } from "./tag-rules/event";
import { publishedTags } from "./version-checks";
import type { VersionForm, VersionLine } from "./versions";

/** Everything that is known about an image to release before a registry is asked. */
export interface ImageIntent {
  readonly name: string;
  readonly image: ImageConfig;
  readonly repositories: readonly RepositoryName[];
  /** The commit that the content is made from, 40 hex digits. */
  readonly revision: string;
  /** The released reference: `refs/tags/v1.2.3`, `refs/heads/main`; empty if unknown. */
  readonly ref: string;
  /** The version being released, without the form. Absent for a release without one. */
  readonly version?: string;
  readonly form: VersionForm;
  readonly tags: readonly RequestedTag[];
  /** The tag by which the content is found again; absent for what is promoted. */
  readonly candidateTag?: string;
  readonly contentKey: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The reference of a base image in the Dockerfile -> its digest. */
  readonly bases: Readonly<Record<string, Digest>>;
  /** The reference of a base image -> the platforms that the Dockerfile uses it for, if it says so. */
  readonly basePlatforms?: Readonly<Record<string, readonly string[]>>;
  /** The image of the same release that it is built FROM. */
  readonly base?: BaseLink;
  /**
   * The key of all files that docker-build sees, if the content key covers fewer (a base, a named folder with its own
   * ignore file). A build's resource is kept only if this is the same, since any other file would make it build again.
   */
  readonly sourceKey?: string;
  /** Labels of each platform's image. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the index. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly sbom?: SbomGenerator;
  /** Versions that never count as the newest, without the form. */
  readonly bad: readonly string[];
  /** Content that is promoted or gone back to, in place of content that is found by its key or built. */
  readonly existing?: ExistingContent;
  /** Floating tags of other versions, which this release puts back if they have moved. @default none */
  readonly others?: readonly FloatingTag[];
  /** The rebuilds of a version that is released already. */
  readonly rebuild?: Rebuild;
}

export interface RequestedTag {
  readonly name: string;
  readonly class: TagClass;
  readonly line?: VersionLine;
  /** The version that decides whether the tag moves, for an image without a version of its own. */
  readonly follows?: { readonly version: string; readonly form: VersionForm };
}

/** The build argument by which a Dockerfile names its base: `ARG BASE_IMAGE` and `FROM ${BASE_IMAGE}`. */
export const BASE_IMAGE = "BASE_IMAGE";

/** The image that another one of the same release is built FROM. */
export interface BaseLink {
  readonly image: string;
  /** The value of BASE_IMAGE: `ghcr.io/octo/app:base-3f2a9c01b7de`. */
  readonly reference: string;
  /** Its repository in the primary registry, `host/path`. */
  readonly repository: string;
  /** Identifies the base in place of its digest, which is unknown before it is built. */
  readonly contentKey: string;
}

export function baseLink(base: ImageIntent): BaseLink | undefined {
  const [primary] = base.repositories;
  if (primary === undefined || base.candidateTag === undefined) return undefined;
  const repository = repositoryKey(primary);
  return {
    image: base.name,
    reference: `${repository}:${base.candidateTag}`,
    repository,
    contentKey: base.contentKey,
  };
}

/** The name of a context -> its files. */
type NamedFiles = Readonly<Record<string, readonly ContextFile[]>>;

interface ImageIntentInput {
  readonly config: Config;
  readonly image: ImageConfig;
  readonly source: { readonly revision: string; readonly commitDate: Date };
  readonly event: ReleaseEvent;
  readonly rules: TagRulesResult;
  readonly dockerfile: string;
  readonly files: readonly ContextFile[];
  /** The files of named contexts that are folders. */
  readonly folders?: NamedFiles;
  /** The same files as docker-build sees them, by the main context's ignore file. @default `folders` */
  readonly watchedFolders?: NamedFiles;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly bases: Readonly<Record<string, Digest>>;
  readonly base?: ImageIntent;
  readonly sbom?: SbomGenerator;
  /** A base's content key, and the 12 hex digits in its tag. */
  readonly addressed?: { readonly key: string; readonly hash: string };
  readonly bad: readonly string[];
}

/** Works out what an image should become, from configuration, source and tag rules alone. */
export function assembleImageIntent(input: ImageIntentInput): {
  intent: ImageIntent;
  problems: readonly Problem[];
} {
  const { config, image, rules } = input;
  const { version, form } = versionAndForm(rules.entries, input.event);
  const base = input.base === undefined ? undefined : baseLink(input.base);
  const labels = bakedLabels(input, version);
  const keyInput: ContentKeyInput = {
    dockerfile: input.dockerfile,
    files: input.files,
    buildArgs: input.buildArgs,
    target: image.target,
    platforms: image.platforms,
    bases: [
      ...Object.entries(input.bases).map(([reference, digest]) => ({ reference, digest })),
      // The same for all registries, and for every digest that a rebuild of the base gives.
      ...(base === undefined ? [] : [{ reference: BASE_IMAGE, digest: base.contentKey }]),
    ],
    labels: Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    provenance: image.provenance,
    sbom: image.sbom === false ? false : image.sbom.generator,
    attestations: image.attestations,
    salt: image.salt,
    secretIds: Object.keys(image.secrets),
    contexts: contextContents(image, input.folders),
    sshIds: image.ssh,
    network: image.network,
    extraHosts: image.extraHosts,
  };
  const { addressed } = input;
  const key = addressed?.key ?? contentKey(keyInput);
  const watched = contextContents(image, input.watchedFolders ?? input.folders);
  const sourceKey = contentKey({ ...keyInput, contexts: watched });
  const tags = publishedTags(requestedTags(rules.entries), config.publishVersionTag);
  const intent: ImageIntent = {
    name: image.name,
    image,
    repositories: repositoriesOf(config, image),
    revision: input.source.revision,
    ref: input.event.ref,
    version,
    form,
    tags,
    candidateTag: addressed === undefined ? candidateTag(config, image, tags, key) : `base-${addressed.hash}`,
    contentKey: key,
    sourceKey: key === sourceKey ? undefined : sourceKey,
    buildArgs: { ...input.buildArgs, ...(base === undefined ? {} : { [BASE_IMAGE]: base.reference }) },
    bases: input.bases,
    base,
    labels,
    sbom: input.sbom,
    annotations: {
      ...labels,
      [CONTENT_KEY_ANNOTATION]: key,
      ...(addressed === undefined ? {} : { [BASE_ANNOTATION]: addressed.hash }),
    },
    bad: input.bad,
  };
  return { intent, problems: rules.problems };
}

/** The repositories of an image, the primary first. */
export function repositoriesOf(config: Config, image: ImageConfig): RepositoryName[] {
  return config.registries.map((registry) => repositoryIn(registry, image));
}

/** `host/path` of an image's repositories in registries whose tags cannot move. */
export function withoutFloatingTags({ registries }: Config, image: ImageConfig): string[] {
  return registries
    .filter(({ floatingTags }) => floatingTags === false)
    .map((registry) => repositoryKey(repositoryIn(registry, image)));
}

export function repositoryIn(
  registry: { readonly host: string; readonly namespace: string },
  image: ImageConfig,
): RepositoryName {
  const path = [registry.namespace, image.repository].filter((part) => part !== "").join("/");
  return { host: registry.host, path };
}

/**
 * `sha-<short>` if the rules make one. Else the image's moving tag, if tags can move and a version tag finds the content
 * once it is released. Else a write-once `candidate-<key>`, for example where later commits reuse the content
 * (`labels: none`): no tag of a commit or a version leads to it.
 */
function candidateTag(
  config: Config,
  image: ImageConfig,
  tags: readonly RequestedTag[],
  key: string,
): string {
  if (image.labels === "none") return candidateName(key);
  const revision = tags.find((tag) => tag.class === "revision");
  if (revision !== undefined) return revision.name;
  const isVersion = tags.some((tag) => tag.class === "version");
  return isVersion && withoutFloatingTags(config, image).length === 0
    ? movingCandidate(image)
    : candidateName(key);
}

/** The candidate tag that an image's releases share. It holds a build until the release's version tag is written. */
export function movingCandidate({ name, lane = "" }: ImageConfig): string {
  return candidateName(digestOf(Buffer.from(JSON.stringify([lane, name]))).slice("sha256:".length));
}

/** Whether this release reserves its content by the tag that the image's releases share. */
export function hasMovingCandidate({ candidateTag, image }: ImageIntent): boolean {
  return candidateTag === movingCandidate(image);
}

/** The tags by which content is looked for. A moving tag may hold the content of another release. */
export function candidateTags(intent: ImageIntent): string[] {
  const { candidateTag: tag, contentKey } = intent;
  if (tag === undefined) return [];
  return hasMovingCandidate(intent) ? [tag, candidateName(contentKey)] : [tag];
}

/** @param key 64 hex digits */
export function candidateName(key: string): string {
  return `candidate-${key.slice(0, 16)}`;
}

function bakedLabels(input: ImageIntentInput, version: string | undefined): Record<string, string> {
  const computed = Object.fromEntries(input.rules.labels.map(splitLabel));
  // The tag rules have rendered the expressions in them.
  const own = Object.fromEntries(
    input.image.extraLabels.map(splitLabel).map(([key, written]) => [key, computed[key] ?? written]),
  );
  if (input.image.labels === "none") return sortedRecord(withoutEmpty(own));
  return sortedRecord(
    withoutEmpty({
      ...computed,
      [CREATED_ANNOTATION]: input.source.commitDate.toISOString().replace(".000Z", "Z"),
      [REVISION_ANNOTATION]: input.source.revision,
      [VERSION_ANNOTATION]: version ?? input.rules.version,
      ...own,
    }),
  );
}

function contextContents(
  { contexts = {} }: ImageConfig,
  folders: NamedFiles = {},
): ContentKeyInput["contexts"] {
  return Object.fromEntries(
    Object.entries(contexts).map(([name, context]) => [name, contextContent(context, folders[name])]),
  );
}

function contextContent(
  context: NamedContext,
  files: readonly ContextFile[] = [],
): string | readonly ContextFile[] {
  switch (context.kind) {
    case "folder":
      return files;
    case "image":
      return context.reference;
    case "git":
      return context.address;
  }
}

function splitLabel(label: string): [string, string] {
  const at = label.indexOf("=");
  return at === -1 ? [label, ""] : [label.slice(0, at), label.slice(at + 1)];
}

function withoutEmpty(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ""));
}
