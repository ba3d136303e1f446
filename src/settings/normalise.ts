import { posix } from "node:path";
import type {
  BuildArg,
  CheckConfig,
  Config,
  ImageConfig,
  NamedContext,
  PromoteConfig,
  RegistryConfig,
  SbomConfig,
  WorkflowsConfig,
} from "../plan/config";
import { type Problem, reasonOf } from "../plan/problem";
import { isLoopbackHost, normalizeHost, parseReference, referenceText } from "../plan/reference";
import { Secret } from "../plan/secret";
import { type PromotionRules, parseDuration, type RequiredSigner, type SignConfig } from "../plan/trust";
import { type BaseConfig, expandImages, imageInLane, normaliseLane } from "./expand-images";
import { contextKind, IMAGE_CONTEXT } from "./grammar";
import { DEFAULT_SBOM_GENERATOR } from "./image-schema";
import { formatPath } from "./paths";
import { normalisePolicy } from "./policy";
import type { CheckedConfig } from "./schema";
import { DEFAULT_ISSUER } from "./sign-schema";

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
    lanes,
    lane: chosen,
    checks,
    ...rest
  } = checked;
  const lane = lanes.find(({ name }) => name === chosen);
  return {
    ...rest,
    lanes: lanes.map(normaliseLane),
    lane: lane && normaliseLane(lane),
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
      base: base && normaliseBase(base),
      variants: (variants ?? []).map(({ buildArgs, ...variant }) => ({
        ...variant,
        buildArgs: normaliseBuildArgs(buildArgs),
      })),
    }),
    promote: promote && normalisePromote(promote, registries, facts.files),
    policy: normalisePolicy(policy, { promotes: promote !== undefined, requireTag: checked.requireTag }),
    sign: normaliseSign(sign, facts.encrypted, facts.files),
    github: github?.workflows && { workflows: normaliseWorkflows(github.workflows) },
    origins: facts.origins,
    encrypted: [...facts.encrypted].sort(),
  };
}

/** Who signs keyless is said by `sign`; `keyless` may only say the same. */
function normaliseWorkflows({ keyless: _, ...workflows }: CheckedWorkflows): WorkflowsConfig {
  return workflows;
}

const DESCRIPTIONS = new Map([["docker.io", "https://hub.docker.com"]]);
const PACKAGES = new Map([["ghcr.io", "https://github.com"]]);

function normaliseRegistry(registry: CheckedRegistry, encrypted: boolean): RegistryConfig {
  const { password, plainHttp, hub, packages, ...rest } = registry;
  const host = normalizeHost(registry.host);
  const descriptions = hub === undefined ? DESCRIPTIONS.get(host) : new URL(hub).origin;
  return {
    ...rest,
    host,
    hub: descriptions,
    packages: packages === undefined ? PACKAGES.get(host) : new URL(packages).origin,
    password: password === undefined || encrypted ? undefined : new Secret(password),
    plainHttp: plainHttp ?? isLoopbackHost(registry.host),
  };
}

/** A statement is looked for in the primary registry, unless another one is named. */
function normalisePromote(
  { from, statement, registry, images, verify }: CheckedPromote,
  registries: readonly CheckedRegistry[],
  files: TrustFiles,
): PromoteConfig {
  const subset = { images, verify: verify && normaliseVerify(verify, files) };
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
    contexts: image.contexts && normaliseContexts(image.contexts, image.context),
    ssh: image.ssh && [...new Set(image.ssh)].sort(),
    extraHosts: image.extraHosts && Object.fromEntries(sortedEntries(image.extraHosts)),
  };
}

/** Folders become relative to the root. */
function normaliseContexts(
  written: NonNullable<CheckedImage["contexts"]>,
  context: string,
): Record<string, NamedContext> {
  return Object.fromEntries(
    sortedEntries(written).map(([name, source]) => [name, normaliseContext(source, context)]),
  );
}

function normaliseContext(source: string, context: string): NamedContext {
  const kind = contextKind(source);
  switch (kind) {
    case "folder":
      return { kind, path: posix.join(context, source).replace(/(?<=.)\/$/, "") };
    case "image":
      return { kind, reference: referenceText(parseReference(source.slice(IMAGE_CONTEXT.length))) };
    case "git":
      return { kind, address: source };
  }
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
    addressed: { include, hash },
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
  const { pin } = written;
  if ("latestOf" in written) return { kind: "latest-of", source: written.latestOf, pin };
  return { kind: "file", file: written.file, key: written.key ?? name, pin };
}

function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
}

type CheckedSign = CheckedConfig["sign"];
type CheckedVerify = NonNullable<NonNullable<CheckedConfig["promote"]>["verify"]>;
type CheckedSigner = CheckedSign["trusted"][number];

/** Collects what is wrong with files instead of stopping at the first. */
export class TrustFiles {
  readonly problems: Problem[] = [];
  readonly #read: (file: string) => string;

  constructor(read: (file: string) => string) {
    this.#read = read;
  }

  /** Undefined where no file is named, or where it cannot be read. */
  text(path: string, file: string | undefined): string | undefined {
    if (file === undefined) return undefined;
    try {
      return this.#read(file);
    } catch (error) {
      const reason = reasonOf(error);
      this.problems.push({ code: "config-file", path, message: `${JSON.stringify(file)} ${reason}` });
      return undefined;
    }
  }
}

function normaliseSign(sign: CheckedSign, encrypted: ReadonlySet<string>, files: TrustFiles): SignConfig {
  const { mode } = sign;
  if (mode === "none") return { mode };
  const trusted = sign.trusted.map((signer, index) =>
    normaliseSigner(signer, formatPath(["sign", "trusted", index]), files),
  );
  if (mode === "keyless") {
    const trustedRoot = files.text("sign.trustedRoot", sign.trustedRoot);
    return { mode, fulcio: sign.fulcio, rekor: sign.rekor, trustedRoot, trusted };
  }
  const fromFile = files.text("sign.keyFile", sign.keyFile);
  const key = fromFile ?? (encrypted.has("sign.key") ? undefined : sign.key);
  const password = encrypted.has("sign.password") ? undefined : sign.password;
  const publicKey = files.text("sign.publicKeyFile", sign.publicKeyFile) ?? sign.publicKey;
  return {
    mode,
    key: key === undefined ? undefined : new Secret(key),
    password: password === undefined ? undefined : new Secret(password),
    publicKey,
    trusted,
  };
}

function normaliseSigner(signer: CheckedSigner, at: string, files: TrustFiles): RequiredSigner {
  const { subject, issuer = DEFAULT_ISSUER } = signer;
  const trustedRoot = files.text(`${at}.trustedRoot`, signer.trustedRoot);
  return subject === undefined
    ? { kind: "key", publicKey: signer.key ?? files.text(`${at}.keyFile`, signer.keyFile) ?? "" }
    : { kind: "identity", subject, issuer, trustedRoot };
}

/** Rules that say who, what and how old; the release itself adds image, revision and platforms. */
function normaliseVerify(verify: CheckedVerify, files: TrustFiles): PromotionRules {
  const { predicates, builder, source, platforms, minAge = "", maxAge = "" } = verify;
  return {
    signer: normaliseSigner(verify, "promote.verify", files),
    predicates,
    builder,
    source,
    platforms,
    minAge: parseDuration(minAge),
    maxAge: parseDuration(maxAge),
  };
}
