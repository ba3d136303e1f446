import type {
  BuildArg,
  CheckConfig,
  Config,
  ImageConfig,
  PromoteConfig,
  RegistryConfig,
  SbomConfig,
} from "../plan/config";
import type { WorkflowsConfig } from "../plan/github-config";
import { isLoopbackHost } from "../plan/loopback";
import { normalizeHost, parseReference, referenceText } from "../plan/reference";
import { Secret } from "../plan/secret";
import { imageInLane, normaliseLane } from "./expand-lanes";
import { type BaseConfig, expandImages } from "./expand-variants";
import { DEFAULT_SBOM_GENERATOR } from "./image-schema";
import { normalisePolicy } from "./normalise-policy";
import { normaliseSign, normaliseVerify, type TrustFiles } from "./normalise-trust";
import { formatPath } from "./paths";
import type { CheckedConfig } from "./schema";

type CheckedRegistry = CheckedConfig["registries"][number];
type CheckedImage = CheckedConfig["images"][number];
type CheckedPromote = NonNullable<CheckedConfig["promote"]>;
type CheckedWorkflows = NonNullable<NonNullable<CheckedConfig["github"]>["workflows"]>;
type CheckedBuildArg = CheckedImage["buildArgs"][string];

/** One form for everything that may be written in several. */
export function normalise(
  checked: CheckedConfig,
  facts: {
    readonly origins: Readonly<Record<string, string>>;
    readonly encrypted: ReadonlySet<string>;
    /** Keys and trusted roots that stand in files of the project. */
    readonly files: TrustFiles;
  },
): Config {
  const {
    registries,
    images,
    base,
    variants,
    sign,
    github,
    promote,
    policy,
    rollback,
    lanes,
    lane: chosen,
    checks,
    ...rest
  } = checked;
  const lane = lanes.find(({ name }) => name === chosen);
  return {
    ...rest,
    lanes: lanes.map(normaliseLane),
    ...(lane === undefined ? {} : { lane: normaliseLane(lane) }),
    checks: checks.flatMap(normaliseCheck),
    registries: registries.map((registry, index) =>
      normaliseRegistry(registry, facts.encrypted.has(formatPath(["registries", index, "password"]))),
    ),
    images: expandImages({
      images: images.map((image, index) =>
        lane === undefined
          ? normaliseImage(image, index, facts.encrypted)
          : { ...normaliseImage(imageInLane(image, lane), index, facts.encrypted), lane: lane.name },
      ),
      ...(base === undefined ? {} : { base: normaliseBase(base) }),
      variants: (variants ?? []).map(({ buildArgs, ...variant }) => ({
        ...variant,
        buildArgs: normaliseBuildArgs(buildArgs),
      })),
    }),
    ...(promote === undefined ? {} : { promote: normalisePromote(promote, registries, facts.files) }),
    ...(rollback === undefined ? {} : { rollback }),
    policy: normalisePolicy(policy, { promotes: promote !== undefined }),
    sign: normaliseSign(sign, facts.encrypted, facts.files),
    ...(github?.workflows === undefined
      ? {}
      : { github: { workflows: normaliseWorkflows(github.workflows) } }),
    origins: facts.origins,
    encrypted: [...facts.encrypted].sort(),
  };
}

/** Who signs keyless is said by `sign`; `keyless` may only say the same. */
function normaliseWorkflows({ keyless: _, ...workflows }: CheckedWorkflows): WorkflowsConfig {
  return workflows;
}

/** The registry that takes descriptions. */
const DESCRIPTIONS = new Map([["docker.io", "https://hub.docker.com"]]);

function normaliseRegistry(registry: CheckedRegistry, encrypted: boolean): RegistryConfig {
  const { password, plainHttp, hub, ...rest } = registry;
  const host = normalizeHost(registry.host);
  const descriptions = hub === undefined ? DESCRIPTIONS.get(host) : new URL(hub).origin;
  return {
    ...rest,
    host,
    ...(descriptions === undefined ? {} : { hub: descriptions }),
    ...(password === undefined || encrypted ? {} : { password: new Secret(password) }),
    plainHttp: plainHttp ?? isLoopbackHost(registry.host),
  };
}

/** A statement is looked for in the primary registry, unless another one is named. */
function normalisePromote(
  { from, statement, registry, images, verify }: CheckedPromote,
  registries: readonly CheckedRegistry[],
  files: TrustFiles,
): PromoteConfig {
  const subset = {
    ...(images === undefined ? {} : { images }),
    ...(verify === undefined ? {} : { verify: normaliseVerify(verify, files) }),
  };
  if (statement === undefined) return { source: { kind: "stack", stack: from ?? "" }, ...subset };
  const { host = "", namespace = "" } = registry ?? registries[0] ?? {};
  return {
    source: { kind: "statement", version: statement, registry: { host: normalizeHost(host), namespace } },
    ...subset,
  };
}

function normaliseImage(image: CheckedImage, index: number, encrypted: ReadonlySet<string>): ImageConfig {
  const secrets = sortedEntries(image.secrets).map(([id, value]): [string, Secret] => {
    const unreadable = encrypted.has(formatPath(["images", index, "secrets", id]));
    return [id, new Secret(unreadable ? "" : value)];
  });
  return {
    ...image,
    at: formatPath(["images", index]),
    repository: image.repository ?? image.name,
    platforms: [...image.platforms].sort(),
    buildArgs: normaliseBuildArgs(image.buildArgs),
    sbom: normaliseSbom(image.sbom),
    secrets: Object.fromEntries(secrets),
  };
}

function normaliseCheck({ name, run }: CheckedConfig["checks"][number]): CheckConfig[] {
  const [program, ...args] = run;
  return program === undefined ? [] : [{ name, run: [program, ...args] }];
}

function normaliseBase({ include, hash, ...base }: NonNullable<CheckedConfig["base"]>): BaseConfig {
  return {
    ...base,
    platforms: [...base.platforms].sort(),
    buildArgs: normaliseBuildArgs(base.buildArgs),
    sbom: normaliseSbom(base.sbom),
    addressed: { include, ...(hash === undefined ? {} : { hash }) },
  };
}

/** Only the default one may be missing. */
function normaliseSbom(written: string | boolean): SbomConfig | false {
  if (written === false) return false;
  return written === true
    ? { generator: DEFAULT_SBOM_GENERATOR, required: false }
    : { generator: referenceText(parseReference(written)), required: true };
}

function normaliseBuildArgs(written: CheckedImage["buildArgs"]): Record<string, BuildArg> {
  return Object.fromEntries(
    sortedEntries(written).map(([name, value]) => [name, normaliseBuildArg(name, value)]),
  );
}

function normaliseBuildArg(name: string, written: CheckedBuildArg): BuildArg {
  if (typeof written !== "object") return { kind: "literal", value: String(written) };
  const pin = written.pin === undefined ? {} : { pin: written.pin };
  if ("latestOf" in written) return { kind: "latest-of", source: written.latestOf, ...pin };
  return { kind: "file", file: written.file, key: written.key ?? name, ...pin };
}

function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
}
