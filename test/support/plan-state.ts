import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION, VERSION_ANNOTATION } from "../../src/plan/annotations";
import { assembleReleasePlan, type ReleasePlanInput } from "../../src/plan/assemble-release-plan";
import type { Config } from "../../src/plan/config";
import type { Digest } from "../../src/plan/digest";
import type { ManifestImage, ManifestTag, ReleaseManifest } from "../../src/plan/manifest";
import { DEFAULT_POLICY } from "../../src/plan/policy/policy-config";
import { parseReference } from "../../src/plan/reference";
import type { FoundImage, RegistryState } from "../../src/plan/registry-state";
import type { ImageIntent } from "../../src/plan/release-intent";
import type { ReleasePlan } from "../../src/plan/release-plan";
import type { ReleaseStatement } from "../../src/plan/statement";
import { anImage, anIntent, KEY, REVISION } from "./planned";

/** The image's repositories in these tests, the primary first. */
export const FIRST = "localhost:5000/octo/app";
export const SECOND = "localhost:5001/octo/app";
export const OTHER_REVISION = "f".repeat(40);

/** `digest("a")`: an index digest that is easy to recognise. */
export function digest(letter: string): Digest {
  return `sha256:${letter.repeat(64)}`;
}

/** What a registry answers for a tag; the release of 1.2.3 in these tests, or what `changes` says instead. */
export function image(
  changes: {
    readonly digest?: Digest;
    /** `undefined` for an image that says nothing of it. */
    readonly version?: string | undefined;
    readonly revision?: string | undefined;
    readonly contentKey?: string | undefined;
    readonly statements?: readonly ReleaseStatement[];
  } = {},
): FoundImage {
  const told = { version: "1.2.3", revision: REVISION, contentKey: KEY, ...changes };
  const annotations = [
    [VERSION_ANNOTATION, told.version],
    [REVISION_ANNOTATION, told.revision],
    [CONTENT_KEY_ANNOTATION, told.contentKey],
  ].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    digest: told.digest ?? digest("a"),
    mediaType: "application/vnd.oci.image.index.v1+json",
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: Object.fromEntries(annotations),
    statements: told.statements ?? [],
  };
}

/** An image that says nothing of where it comes from. */
export const FOREIGN = image({
  digest: digest("f"),
  version: undefined,
  revision: undefined,
  contentKey: undefined,
});

export function statement(changes: Partial<ReleaseStatement> = {}): ReleaseStatement {
  return {
    schema: 1,
    image: "app",
    lane: "",
    version: "1.2.3",
    revision: REVISION,
    contentKey: KEY,
    platforms: ["linux/amd64", "linux/arm64"],
    inputs: {},
    bases: {},
    repositories: [FIRST, SECOND],
    ...changes,
  };
}

/** The registries as they were read: both there and empty, and what is put into them. */
export function registryState(
  state: RegistryState = {
    access: {
      "localhost:5000": { status: "ready", credentials: "none needed" },
      "localhost:5001": { status: "ready", credentials: "none needed" },
    },
    repositories: { [FIRST]: { tags: [], found: {} }, [SECOND]: { tags: [], found: {} } },
  },
) {
  return {
    ...state,
    /** A tag in a repository. */
    with: (repository: string, tag: string, found: FoundImage) => {
      const known = state.repositories[repository] ?? { tags: [], found: {} };
      const next = { tags: [...known.tags, tag], found: { ...known.found, [tag]: found } };
      return registryState({ ...state, repositories: { ...state.repositories, [repository]: next } });
    },
    /** Tags of which only the names were read. */
    withTags: (repository: string, tags: readonly string[]) => {
      const known = state.repositories[repository] ?? { tags: [], found: {} };
      const next = { ...known, tags: [...known.tags, ...tags] };
      return registryState({ ...state, repositories: { ...state.repositories, [repository]: next } });
    },
    /** A registry that is left out. */
    skipped: (host: string, reason: string) =>
      registryState({
        access: { ...state.access, [host]: { status: "skipped", reason } },
        repositories: without(state, host),
      }),
    refused: (host: string, code: string) =>
      registryState({
        access: {
          ...state.access,
          [host]: { status: "refused", problem: { code, path: host, message: "no" } },
        },
        repositories: without(state, host),
      }),
  };
}

function without({ repositories }: RegistryState, host: string): RegistryState["repositories"] {
  return Object.fromEntries(Object.entries(repositories).filter(([name]) => !name.startsWith(`${host}/`)));
}

export function aConfig(changes: Partial<Config> = {}): Config {
  return {
    repository: "octo/app",
    requireTag: false,
    lanes: [],
    checks: [],
    push: true,
    registries: ["localhost:5000", "localhost:5001"].map((host) => ({
      host,
      namespace: "octo",
      optional: false,
      plainHttp: true,
    })),
    images: [anImage()],
    builder: {},
    policy: DEFAULT_POLICY,
    sign: { mode: "none" },
    override: [],
    root: ".",
    artifacts: "artifacts",
    origins: {},
    only: [],
    encrypted: [],
    ...changes,
  };
}

/** The image `app` in both registries; its tags are those of `anIntent`. */
export function intent(changes: Partial<ImageIntent> = {}): ImageIntent {
  return anIntent({ repositories: [FIRST, SECOND].map((name) => parseReference(name)), ...changes });
}

/** The plan of a release of 1.2.3, or of what `changes` says. */
export function planOf(
  state: RegistryState,
  { override, ...changes }: Partial<ReleasePlanInput> & { readonly override?: readonly string[] } = {},
): ReleasePlan {
  return assembleReleasePlan({
    stack: "stage",
    config: aConfig(override === undefined ? {} : { override }),
    source: { revision: REVISION },
    intents: [intent()],
    state: { access: state.access, repositories: state.repositories },
    ancestry: {},
    problems: [],
    notices: [],
    ...changes,
  });
}

/** What this stack put out last: 1.2.3 with these tags. */
export function manifest(
  tags: readonly ManifestTag[] = [],
  changes: Partial<ManifestImage> = {},
): ReleaseManifest {
  return {
    schema: 1,
    stack: "stage",
    revision: REVISION,
    images: [
      {
        name: "app",
        version: "1.2.3",
        digest: digest("a"),
        contentKey: KEY,
        platforms: ["linux/amd64", "linux/arm64"],
        repositories: [FIRST, SECOND],
        references: [FIRST, SECOND].map((repository) => `${repository}@${digest("a")}`),
        tags,
        attestations: [],
        ...changes,
      },
    ],
    skipped: {},
  };
}
