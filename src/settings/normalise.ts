import type { CheckConfig, Config, PromoteConfig, RegistryConfig, WorkflowsConfig } from "../plan/config";
import { DEFAULT_POLICY, type PolicyConfig, type PolicyLevel } from "../plan/policy/policy-config";
import { type Problem, reasonOf } from "../plan/problem";
import { isLoopbackHost, normalizeHost } from "../plan/reference";
import { Secret } from "../plan/secret";
import { type PromotionRules, parseDuration, type RequiredSigner, type SignConfig } from "../plan/trust";
import { normaliseImages, normaliseLane } from "./normalise-images";
import { formatPath } from "./paths";
import type { CheckedConfig } from "./schema";
import { DEFAULT_ISSUER } from "./trust-schema";

type CheckedRegistry = CheckedConfig["registries"][number];
type CheckedPromote = NonNullable<CheckedConfig["promote"]>;
type CheckedVerify = NonNullable<CheckedPromote["verify"]>;
type CheckedSigner = CheckedConfig["sign"]["trusted"][number];
type CheckedPolicy = NonNullable<CheckedConfig["policy"]>;
type CheckedWorkflows = NonNullable<NonNullable<CheckedConfig["github"]>["workflows"]>;

export interface NormaliseInput {
  readonly checked: CheckedConfig;
  readonly origins: Readonly<Record<string, string>>;
  /** Paths of secrets that only the engine can read. */
  readonly encrypted: ReadonlySet<string>;
  /** Reads keys and trusted roots from files of the project. */
  readonly files: TrustFiles;
}

/** Brings settings that can be written in several ways into one form. */
export function normalise({ checked, origins, encrypted, files }: NormaliseInput): Config {
  const { base: _, variants: _variants, ...rest } = checked;
  const { registries, promote, github } = checked;
  const lanes = checked.lanes.map(normaliseLane);
  return {
    ...rest,
    lanes,
    lane: lanes.find(({ name }) => name === checked.lane),
    checks: checked.checks.flatMap(normaliseCheck),
    registries: registries.map((registry, index) =>
      normaliseRegistry(registry, encrypted.has(formatPath(["registries", index, "password"]))),
    ),
    images: normaliseImages(checked, encrypted),
    promote: promote && normalisePromote(promote, registries, files),
    policy: normalisePolicy(checked),
    sign: normaliseSign(checked.sign, encrypted, files),
    github: github?.workflows && { workflows: normaliseWorkflows(github.workflows) },
    origins,
    encrypted: [...encrypted].sort(),
  };
}

function normaliseCheck({ name, run }: CheckedConfig["checks"][number]): CheckConfig[] {
  const [program, ...args] = run;
  return program === undefined ? [] : [{ name, run: [program, ...args] }];
}

/** Drops `keyless`, which can only repeat `sign.mode`. */
function normaliseWorkflows({ keyless: _, ...workflows }: CheckedWorkflows): WorkflowsConfig {
  return workflows;
}

function normaliseRegistry(registry: CheckedRegistry, encrypted: boolean): RegistryConfig {
  const { password, hub, packages } = registry;
  const host = normalizeHost(registry.host);
  const usualHub = host === "docker.io" ? "https://hub.docker.com" : undefined;
  const usualPackages = host === "ghcr.io" ? "https://github.com" : undefined;
  return {
    ...registry,
    host,
    hub: hub === undefined ? usualHub : new URL(hub).origin,
    packages: packages === undefined ? usualPackages : new URL(packages).origin,
    password: password === undefined || encrypted ? undefined : new Secret(password),
    plainHttp: registry.plainHttp ?? isLoopbackHost(registry.host),
  };
}

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

/** Reads files of the project that settings name, and collects every problem instead of stopping at the first. */
export class TrustFiles {
  readonly problems: Problem[] = [];
  readonly #read: (file: string) => string;

  constructor(read: (file: string) => string) {
    this.#read = read;
  }

  /** @returns undefined if no file is named, or if it cannot be read */
  text(path: string, file: string | undefined): string | undefined {
    if (file === undefined) return undefined;
    try {
      return this.#read(file);
    } catch (error) {
      const message = `${JSON.stringify(file)} ${reasonOf(error)}`;
      this.problems.push({ code: "config-file", path, message });
      return undefined;
    }
  }
}

function normaliseSign(
  sign: CheckedConfig["sign"],
  encrypted: ReadonlySet<string>,
  files: TrustFiles,
): SignConfig {
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
  return {
    mode,
    key: key === undefined ? undefined : new Secret(key),
    password: password === undefined ? undefined : new Secret(password),
    publicKey: files.text("sign.publicKeyFile", sign.publicKeyFile) ?? sign.publicKey,
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

/** Two rules have defaults that depend on the stack. */
function normalisePolicy({ policy, promote, requireTag }: CheckedConfig): PolicyConfig {
  const byStack = (refuses: boolean): PolicyLevel => (refuses ? "refuse" : "off");
  const promotes = promote !== undefined;
  const unverifiedContent = { level: policy?.unverifiedContent ?? byStack(promotes) };
  const missingSbom = { level: policy?.missingSbom ?? byStack(promotes || requireTag) };
  if (policy === undefined) return { ...DEFAULT_POLICY, unverifiedContent, missingSbom };
  const { requiredPlatforms, deniedLicences } = policy;
  return {
    unsignedPromotion: { level: policy.unsignedPromotion },
    unverifiedContent,
    uncommittedVersion: { level: policy.uncommittedVersion },
    floatingBase: withExceptions(policy.floatingBase),
    missingProvenance: { level: policy.missingProvenance },
    missingSbom,
    unpinnedAction: withExceptions(policy.unpinnedAction),
    prereleaseOnFloatingTag: { level: policy.prereleaseOnFloatingTag },
    requiredPlatforms: requiredPlatforms === "off" ? DEFAULT_POLICY.requiredPlatforms : requiredPlatforms,
    deniedLicences: deniedLicences === "off" ? DEFAULT_POLICY.deniedLicences : deniedLicences,
  };
}

function withExceptions(written: CheckedPolicy["floatingBase"]): PolicyConfig["floatingBase"] {
  return typeof written === "string" ? { level: written, allow: [] } : written;
}
