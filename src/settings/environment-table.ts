import { isRecord } from "../plan/record";
import { normalizeHost, parseReference, TAG_GRAMMAR, TAG_PATTERN } from "../plan/reference";
import type { Environment, Given } from "./environment";
import { meantFlag } from "./grammar";
import { type Entry, entriesOf, formatPath, type Path, valueAt, type Written } from "./paths";

export interface Edit {
  readonly path: Path;
  readonly value: unknown;
}

export interface EnvironmentRow {
  /** In order of preference; the same names with the stack's prefix come first. */
  readonly variables: readonly string[];
  /** What it replaces; `*` is every entry. For documentation. */
  readonly path: string;
  readonly meaning: string;
  /** What changes in the configuration. @throws Error whose message continues `"<value>" …` */
  readonly edits: (given: Given, written: Written, env: Environment) => readonly Edit[];
}

/** Names that a shell may hold for other reasons: read with the stack's prefix, or where the stack names them. */
export const GENERIC_VARIABLES = ["TAG", "VERSION", "PLATFORMS", "SERVICES"] as const;

/**
 * The one table of environment variables. An empty variable is not set. Rows apply from top to bottom, so that a later
 * one has the last word. Credentials are apart (`environment.ts`), since they belong to hosts.
 */
export const ENVIRONMENT: readonly EnvironmentRow[] = [
  {
    variables: ["SLIPWAY_REGISTRY_PORT"],
    path: "registries[*].host",
    meaning: "The port of the embedded registry, in place of localhost:5000's.",
    edits: ({ value }, written) => {
      if (!/^[0-9]{1,5}$/.test(value) || Number(value) > 65535) throw new Error("is not a port");
      return records(written.registries).flatMap(([index, registry]) => {
        const name = /^(localhost|127\.0\.0\.1):5000$/.exec(String(registry.host))?.[1];
        return name === undefined ? [] : [{ path: ["registries", index, "host"], value: `${name}:${value}` }];
      });
    },
  },
  {
    variables: ["CI_REGISTRY"],
    path: "registries",
    meaning: "The one registry to release to, host or host/namespace.",
    edits: ({ value }, written) => {
      const [host = "", ...rest] = value.split("/");
      return [registryEdit(written, host, rest.length === 0 ? undefined : rest.join("/"))];
    },
  },
  {
    variables: ["IMAGE_REPO"],
    path: "registries, images[0].name, images[0].repository",
    meaning: "The one repository to release to, host/namespace/name, for a stack with one image.",
    edits: ({ value }, written) => {
      const { host, path, tag, digest } = parseRepository(value);
      if (tag !== undefined || digest !== undefined)
        throw new Error("has a tag or digest; it names a repository");
      const images = Array.isArray(written.images) ? written.images.length : 0;
      if (images > 1) throw new Error(`names one repository, but the stack has ${images} images`);
      const slash = path.lastIndexOf("/");
      const named = records(written.images).some(([, image]) => "repository" in image);
      return [
        registryEdit(written, host, path.slice(0, Math.max(slash, 0))),
        { path: ["images", 0, named ? "repository" : "name"], value: path.slice(slash + 1) },
      ];
    },
  },
  {
    variables: ["RELEASE_TAG", "TAG", "VERSION"],
    path: "version",
    meaning: "The version to release.",
    edits: ({ value }) => [{ path: ["version"], value }],
  },
  {
    variables: ["CI_IMAGE_TAG"],
    path: "version",
    meaning: "The version to release, such as 2025.11.0, 147 or a commit.",
    edits: ({ value }) => {
      const tag = value.trim();
      if (!TAG_PATTERN.test(tag)) throw new Error(`is no image's tag: ${TAG_GRAMMAR}`);
      return [{ path: ["version"], value: tag }];
    },
  },
  {
    variables: ["CI_PUSH"],
    path: "push",
    meaning: "false: a dry run that only plans; no registry and no builder.",
    edits: ({ value }) => [{ path: ["push"], value: yesOrNo(value) }],
  },
  {
    variables: ["CI_SERVICES", "CI_SERVICE_FILTER", "SERVICES"],
    path: "only",
    meaning: "Release only these images of several, separated by commas or lines; needs `slipway up`.",
    edits: ({ value }, written) => {
      // One image is released whole.
      if (records(written.images).length < 2) return [];
      const names = value.split(/[,\s]+/).filter((name) => name !== "");
      return names.length === 0 ? [] : [{ path: ["only"], value: names }];
    },
  },
  {
    variables: ["PLATFORMS", "CI_IMAGE_PLATFORM"],
    path: "images[*].platforms, base.platforms",
    meaning: "Platforms, separated by commas or spaces.",
    edits: ({ value }, written) => {
      const platforms = value.split(/[\s,]+/).filter((platform) => platform !== "");
      return forImagesAndBase(written, "platforms", platforms);
    },
  },
  {
    variables: ["CI_BUILD_ARGS"],
    path: "images[*].buildArgs.*",
    meaning:
      "Build arguments, NAME=value, separated by commas or lines; a bare NAME takes the variable NAME. It pins one with `latestOf`.",
    edits: ({ value }, written, env) =>
      buildArgs(value, env).flatMap(([name, text]) => buildArgEdits(written, name, text)),
  },
  {
    variables: ["SLIPWAY_SBOM_GENERATOR"],
    path: "images[*].sbom, base.sbom",
    meaning:
      "The SBOM generator's image in place of the default one, such as a mirror's; it has to be reached. false: no SBOM.",
    edits: ({ value }, written) => {
      const chosen = meantFlag(value) === "false" ? false : value.trim();
      const isDefault = ({ path }: Edit) =>
        [undefined, true].some((usual) => valueAt(written, path) === usual);
      return forImagesAndBase(written, "sbom", chosen).filter(isDefault);
    },
  },
  {
    variables: ["BASE_HASH"],
    path: "base.hash",
    meaning:
      "Pins the base: base-<hash> is taken instead of the computed one, and the plan shows the difference.",
    edits: ({ value }, written) => (isRecord(written.base) ? [{ path: ["base", "hash"], value }] : []),
  },
  {
    variables: ["PUBLISH_LATEST"],
    path: "images[*].flavor",
    meaning: "true: release `latest` with every version; false: never.",
    edits: ({ value }, written) => {
      const latest = yesOrNo(value);
      return forEachImage(written, ["flavor"], (image) => [
        ...(Array.isArray(image.flavor) ? image.flavor : []).filter(
          (line) => !/^\s*latest=/i.test(String(line)),
        ),
        `latest=${latest}`,
      ]);
    },
  },
  {
    variables: ["RESTORE_CACHES"],
    path: "images[*].cacheFrom, base.cacheFrom",
    meaning:
      "false: builds restore no cache, as in generated release workflows; true: those that are configured.",
    edits: ({ value }, written) => (yesOrNo(value) ? [] : forImagesAndBase(written, "cacheFrom", [])),
  },
  {
    variables: ["SLIPWAY_CHECKS"],
    path: "checks",
    meaning:
      "false: run no check, as in the signing job of a generated workflow, whose build has run them; true: run the configured ones.",
    edits: ({ value }) => (yesOrNo(value) ? [] : [{ path: ["checks"], value: [] }]),
  },
  {
    variables: ["PUBLISH_VERSION_TAG"],
    path: "publishVersionTag",
    meaning: "true: a release without a version is refused; false: no version tag is written.",
    edits: ({ value }) => [{ path: ["publishVersionTag"], value: yesOrNo(value) }],
  },
];

function yesOrNo(value: string): boolean {
  if (/^(?:true|1|yes)$/i.test(value.trim())) return true;
  if (/^(?:false|0|no)$/i.test(value.trim())) return false;
  throw new Error("is not true or false");
}

/** One registry in place of all: what the stack says of the same host still holds, credentials of another do not. */
function registryEdit(written: Written, host: string, namespace: string | undefined): Edit {
  const known = records(written.registries).map(([, registry]) => registry);
  const same = known.find((registry) => normalizeHost(String(registry.host)) === normalizeHost(host));
  const base = same ?? { namespace: known[0]?.namespace };
  const chosen = namespace ?? base.namespace;
  const { optional: _, ...rest } = base;
  return {
    path: ["registries"],
    value: [{ ...rest, host, ...(chosen === undefined ? {} : { namespace: chosen }) }],
  };
}

function parseRepository(text: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(text);
  } catch {
    throw new Error("is not a repository, host/namespace/name");
  }
}

function buildArgs(text: string, env: Environment): [name: string, value: string][] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== "")
    .map((entry) => {
      const equals = entry.indexOf("=");
      if (equals !== -1) return [entry.slice(0, equals), entry.slice(equals + 1)];
      const value = env[entry];
      if (value === undefined)
        throw new Error(`has ${JSON.stringify(entry)} without a value, and no such variable is set`);
      return [entry, value];
    });
}

/** For every image, and for a base or a variant that names the argument. One with `latestOf` keeps its source. */
function buildArgEdits(written: Written, name: string, text: string): Edit[] {
  const named = buildArgsIn(written).filter((known) => known.name === name);
  const images = forEachImage(written, ["buildArgs", name], () => text);
  const others = images.filter(
    ({ path }) => !named.some((known) => formatPath(known.path) === formatPath(path)),
  );
  return [
    ...others,
    ...named.map(({ path, value }) =>
      isRecord(value) && "latestOf" in value
        ? { path: [...path, "pin"], value: text }
        : { path, value: text },
    ),
  ];
}

/** Every build argument that images, variants and the base name. */
export function buildArgsIn(written: Written): { path: Path; name: string; value: unknown }[] {
  const holders: Entry[] = [
    ...entriesOf(written, "images"),
    ...entriesOf(written, "variants"),
    ...(isRecord(written.base) ? [{ path: ["base"], value: written.base }] : []),
  ];
  return holders.flatMap(({ path, value: { buildArgs } }) =>
    Object.entries(isRecord(buildArgs) ? buildArgs : {}).map(([name, value]) => ({
      path: [...path, "buildArgs", name],
      name,
      value,
    })),
  );
}

function forImagesAndBase(written: Written, key: string, value: unknown): Edit[] {
  const base = isRecord(written.base) ? [{ path: ["base", key], value }] : [];
  return [...forEachImage(written, [key], () => value), ...base];
}

function forEachImage(written: Written, path: Path, value: (image: Written) => unknown): Edit[] {
  return records(written.images).map(([index, image]) => ({
    path: ["images", index, ...path],
    value: value(image),
  }));
}

/** The mappings in a list, with their places; anything else is reported later. */
function records(list: unknown): [index: number, record: Record<string, unknown>][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index): [number, Record<string, unknown>][] =>
    isRecord(entry) ? [[index, entry]] : [],
  );
}
