import { isRecord } from "../plan/record";
import { normalizeHost, parseReference, TAG_GRAMMAR, TAG_PATTERN } from "../plan/reference";
import { type Environment, type Given, yesOrNo } from "./environment";
import { meantFlag } from "./grammar";
import { type Entry, entriesOf, formatPath, type Path, valueAt, type Written } from "./paths";

export interface Edit {
  readonly path: Path;
  readonly value: unknown;
}

export interface EnvironmentRow {
  /** In order of preference; the same names with the stack's prefix come first. */
  readonly variables: readonly string[];
  /** The settings that it replaces, for documentation; `*` is every entry. */
  readonly path: string;
  readonly meaning: string;
  /** The changes to the settings. @throws Error with a message that follows the value: `is not a port` */
  readonly edits: (given: Given, written: Written, env: Environment) => readonly Edit[];
}

/** Names that a shell may have for other reasons: read only with the stack's prefix, or if the stack names them. */
export const GENERIC_VARIABLES = ["TAG", "VERSION", "PLATFORMS", "SERVICES"] as const;

/**
 * All environment variables but those of credentials, which belong to hosts (`environment.ts`). An empty variable is not
 * set. Rows apply from top to bottom, so a later row overrides an earlier one.
 */
export const ENVIRONMENT: readonly EnvironmentRow[] = [
  {
    variables: ["SLIPWAY_REGISTRY_PORT"],
    path: "registries[*].host",
    meaning: "The port of the embedded registry, instead of 5000 in localhost:5000.",
    edits: ({ value }, written) => {
      if (!/^[0-9]{1,5}$/.test(value) || Number(value) > 65535) throw new Error("is not a port");
      return entriesOf(written, "registries").flatMap(({ path, value: registry }) => {
        const name = /^(localhost|127\.0\.0\.1):5000$/.exec(String(registry.host))?.[1];
        return name === undefined ? [] : [{ path: [...path, "host"], value: `${name}:${value}` }];
      });
    },
  },
  {
    variables: ["CI_REGISTRY"],
    path: "registries",
    meaning: "Release to this registry alone: host or host/namespace.",
    edits: ({ value }, written) => {
      const [host = "", ...rest] = value.split("/");
      return [registryEdit(written, host, rest.length === 0 ? undefined : rest.join("/"))];
    },
  },
  {
    variables: ["IMAGE_REPO"],
    path: "registries, images[0].name, images[0].repository",
    meaning: "Release to this repository alone, host/namespace/name; for a stack with one image.",
    edits: ({ value }, written) => {
      const { host, path, tag, digest } = parseRepository(value);
      if (tag !== undefined || digest !== undefined)
        throw new Error("has a tag or digest; it names a repository");
      const images = Array.isArray(written.images) ? written.images.length : 0;
      if (images > 1) throw new Error(`names one repository, but the stack has ${images} images`);
      const slash = path.lastIndexOf("/");
      const named = entriesOf(written, "images").some(({ value: image }) => "repository" in image);
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
    meaning: "false: a dry run that only plans, without registry or builder.",
    edits: ({ value }) => [{ path: ["push"], value: flag(value) }],
  },
  {
    variables: ["CI_SERVICES", "CI_SERVICE_FILTER", "SERVICES"],
    path: "only",
    meaning: "Release only these images, separated by commas or lines; needs `slipway up`.",
    edits: ({ value }, written) => {
      // A single image cannot be narrowed.
      if (entriesOf(written, "images").length < 2) return [];
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
      "Build arguments, NAME=value, separated by commas or lines; NAME alone takes the value of the variable NAME. Pins an argument with `latestOf`.",
    edits: ({ value }, written, env) =>
      buildArgs(value, env).flatMap(([name, text]) => buildArgEdits(written, name, text)),
  },
  {
    variables: ["SLIPWAY_SBOM_GENERATOR"],
    path: "images[*].sbom, base.sbom",
    meaning:
      "The image of the SBOM generator, instead of the default one, such as a mirror's; releases need it to be reachable. false: no SBOM.",
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
      "Pins the base: uses base-<hash> instead of the computed hash, and the plan shows the difference.",
    edits: ({ value }, written) => (isRecord(written.base) ? [{ path: ["base", "hash"], value }] : []),
  },
  {
    variables: ["PUBLISH_LATEST"],
    path: "images[*].flavor",
    meaning: "true: write `latest` with every version; false: never.",
    edits: ({ value }, written) => {
      const latest = flag(value);
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
      "false: builds restore no cache, as in generated release workflows; true: they restore the configured ones.",
    edits: ({ value }, written) => (flag(value) ? [] : forImagesAndBase(written, "cacheFrom", [])),
  },
  {
    variables: ["SLIPWAY_CHECKS"],
    path: "checks",
    meaning:
      "false: run no check, as in the signing job of a generated workflow, whose build job has run them; true: run the configured ones.",
    edits: ({ value }) => (flag(value) ? [] : [{ path: ["checks"], value: [] }]),
  },
  {
    variables: ["PUBLISH_VERSION_TAG"],
    path: "publishVersionTag",
    meaning: "true: refuse a release without a version; false: write no version tag.",
    edits: ({ value }) => [{ path: ["publishVersionTag"], value: flag(value) }],
  },
];

function flag(value: string): boolean {
  const read = yesOrNo(value);
  if (read === undefined) throw new Error("is not true or false");
  return read;
}

/** One registry instead of all. It keeps the stack's settings for the same host, but no credentials of another host. */
function registryEdit(written: Written, host: string, namespace: string | undefined): Edit {
  const known = entriesOf(written, "registries").map(({ value }) => value);
  const same = known.find((registry) => normalizeHost(String(registry.host)) === normalizeHost(host));
  const base = same ?? { namespace: known[0]?.namespace };
  const chosen = namespace ?? base.namespace;
  const { optional: _, ...rest } = base;
  return {
    path: ["registries"],
    value: [{ ...rest, host, namespace: chosen }],
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

/** For every image, and for a base or variant that has the argument. One with `latestOf` keeps its source. */
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

/** Every build argument of images, variants and the base. */
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
  return entriesOf(written, "images").map((image) => ({
    path: [...image.path, ...path],
    value: value(image.value),
  }));
}
