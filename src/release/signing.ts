import { z } from "zod";
import type { Config } from "../plan/config";
import type { Digest } from "../plan/digest";
import { Secret } from "../plan/secret";
import type { ContentClaim, SignedFacts } from "../plan/statement";
import type { RequiredSigner, VerifyRules } from "../plan/trust";
import type { RegistryClient } from "../registry/client";
import type { ReadSigned } from "../registry/read-image";
import { type Environment, lookUp } from "../settings/environment";
import type { Trust } from "../signing/keys";
import type { ReleaseSigner } from "../signing/release-signer";
import type { Location, Registries } from "./registries";

/** The required signer. */
const requiredSigner = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("key"), publicKey: z.string() }),
  z.object({
    kind: z.literal("identity"),
    subject: z.string().min(1),
    issuer: z.string().min(1),
    trustedRoot: z.string().exactOptional(),
  }),
]);

/** The stack promotes: what it holds was signed for the repositories that it came from. */
const promotes = { promotes: z.boolean().exactOptional() };

/** The required signer, or the stack's own signers. */
export const rulesSigner = z.union([requiredSigner, z.object({ kind: z.literal("stack") })]);

export const signingSchema = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("none") }),
  /** Nothing is signed, and only what these signers signed is trusted. */
  z.object({ mode: z.literal("verify"), trusted: z.array(requiredSigner), ...promotes }),
  z.object({
    mode: z.literal("key"),
    key: z.string().optional(),
    password: z.string().optional(),
    publicKey: z.string().optional(),
    trusted: z.array(requiredSigner).exactOptional(),
    /** The stack's key was not handed over: no program runs, as in a refresh. */
    isLost: z.boolean().optional(),
    ...promotes,
  }),
  z.object({
    mode: z.literal("keyless"),
    fulcio: z.string(),
    rekor: z.string(),
    trustedRoot: z.string().optional(),
    trusted: z.array(requiredSigner).exactOptional(),
    ...promotes,
  }),
]);

/** How the provider signs, as it travels to it: secrets in plain text, never as a property. */
export type SigningConfig = z.output<typeof signingSchema>;

export function signingConfig({ sign, promote }: Pick<Config, "sign" | "promote">): SigningConfig {
  const promotes = promote === undefined ? {} : { promotes: true };
  if (promote?.verify !== undefined) {
    const { signer } = promote.verify;
    if (signer.kind !== "stack") return { mode: "verify", trusted: [signer], ...promotes };
  }
  if (sign.mode === "none") return sign;
  const trusted = [...sign.trusted];
  if (sign.mode === "keyless") return { ...sign, trusted, ...promotes };
  const { key, password, publicKey } = sign;
  return {
    mode: "key",
    trusted,
    ...promotes,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(key === undefined ? {} : { key: key.reveal() }),
    ...(password === undefined ? {} : { password: password.reveal() }),
  };
}

/** The signer, made once and only where something is signed: opening a key costs a tenth of a second. */
export class Signing {
  readonly #config: SigningConfig;
  readonly #env: Environment;
  readonly #prefix: string | undefined;
  #signer: Promise<ReleaseSigner | undefined> | undefined;
  #trusts: Promise<readonly Trust[]> | undefined;
  readonly #facts = new Map<string, Promise<SignedFacts>>();

  /** @param prefix variables with it come first */
  constructor(config: SigningConfig | undefined, env: Environment, prefix?: string) {
    this.#config = config ?? { mode: "none" };
    this.#env = env;
    this.#prefix = prefix;
  }

  /** Whether releases are signed, and only what is signed is trusted. */
  get isOn(): boolean {
    return this.#config.mode !== "none";
  }

  /** Whether there is a signer to ask; without a program the stack's key is not there, and nothing is to be signed. */
  get isAtHand(): boolean {
    const config = this.#config;
    return config.mode !== "key" || config.isLost !== true || this.#given("COSIGN_PRIVATE_KEY") !== undefined;
  }

  /** Undefined where nothing is signed. @throws SigningError where the key cannot be read */
  signer(): Promise<ReleaseSigner | undefined> {
    this.#signer ??= this.#make();
    return this.#signer;
  }

  /**
   * The signers whose claims and statements are trusted: the stack's own, and those that its settings name. Empty where
   * nothing is signed.
   *
   * @throws SigningError where the key cannot be read
   */
  trusts(): Promise<readonly Trust[]> {
    this.#trusts ??= this.#readTrusts();
    return this.#trusts;
  }

  /** The verified claims and statements about a digest; each digest of a repository is read once. */
  facts({ repository, client, path }: Location, digest: Digest): Promise<SignedFacts> {
    const key = `${repository}@${digest}`;
    const known = this.#facts.get(key) ?? this.#readFacts(client, path, digest);
    this.#facts.set(key, known);
    return known;
  }

  /**
   * Those of them that are about an image and count in the repository: they name it, or the stack promotes, and what it
   * holds was signed for the repositories that it came from.
   */
  async factsAs(image: string, location: Location, digest: Digest): Promise<SignedFacts> {
    const promotes = this.#config.mode !== "none" && this.#config.promotes === true;
    const counts = (said: ContentClaim) =>
      said.image === image && (promotes || said.repositories.includes(location.repository));
    const { claims, statements } = await this.facts(location, digest);
    return { claims: claims.filter(counts), statements: statements.filter(counts) };
  }

  async #readFacts(client: RegistryClient, path: string, digest: Digest): Promise<SignedFacts> {
    const trusts = await this.trusts();
    if (trusts.length === 0) return { claims: [], statements: [] };
    const { readSignedFacts } = await import("../signing/evidence.js");
    return readSignedFacts(client, path, digest, trusts);
  }

  async #readTrusts(): Promise<readonly Trust[]> {
    const config = this.#config;
    if (config.mode === "none") return [];
    const { readTrust } = await import("../signing/keys.js");
    const named: RequiredSigner[] = [...(config.trusted ?? [])];
    if (config.mode === "key" && config.publicKey !== undefined)
      named.push({ kind: "key", publicKey: config.publicKey });
    const own = this.#hasOwnSigner() ? await (await this.signer())?.trust() : undefined;
    return [...(own === undefined ? [] : [own]), ...(await Promise.all(named.map(readTrust)))];
  }

  /** A laptop has neither the CI's identity nor, at times, the private key; what is signed is verified all the same. */
  #hasOwnSigner(): boolean {
    const config = this.#config;
    if (config.mode === "keyless")
      return Boolean(this.#env.SIGSTORE_ID_TOKEN || this.#env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
    return config.mode === "key" && (this.#given("COSIGN_PRIVATE_KEY") ?? config.key) !== undefined;
  }

  /** The environment first, then the stack's configuration: COSIGN_PRIVATE_KEY, COSIGN_PASSWORD. */
  async #make(): Promise<ReleaseSigner | undefined> {
    const config = this.#config;
    if (config.mode === "none" || config.mode === "verify") return undefined;
    // The libraries take a while to load, and most calls sign nothing.
    const { releaseSigner } = await import("../signing/release-signer.js");
    if (config.mode === "keyless") {
      const { trustedRoot, trusted = [], ...servers } = config;
      return releaseSigner(
        { ...servers, trusted, ...(trustedRoot === undefined ? {} : { trustedRoot }) },
        this.#env,
      );
    }
    const key = this.#given("COSIGN_PRIVATE_KEY") ?? config.key;
    const password = this.#given("COSIGN_PASSWORD") ?? config.password;
    return releaseSigner(
      {
        mode: "key",
        trusted: config.trusted ?? [],
        ...(config.publicKey === undefined ? {} : { publicKey: config.publicKey }),
        ...(key === undefined ? {} : { key: new Secret(key) }),
        ...(password === undefined ? {} : { password: new Secret(password) }),
      },
      this.#env,
    );
  }

  #given(variable: string): string | undefined {
    return lookUp(this.#env, [variable], this.#prefix)?.value;
  }
}

/**
 * Reads what a signer says about a digest; undefined where none is named and the stack signs nothing.
 *
 * @param signer default: the stack's own
 */
export function signedReader(
  { registries, signing }: { readonly registries: Registries; readonly signing: Signing },
  signer: VerifyRules["signer"] = { kind: "stack" },
): ReadSigned | undefined {
  if (signer.kind !== "stack") {
    // Once for all digests: a trusted root of Sigstore's own is fetched.
    let trust: Promise<Trust> | undefined;
    return async (repository, digest) => {
      const { client, path } = registries.at(repository);
      const { readSignedFacts } = await import("../signing/evidence.js");
      trust ??= import("../signing/keys.js").then(({ readTrust }) => readTrust(signer));
      return readSignedFacts(client, path, digest, [await trust]);
    };
  }
  if (!signing.isOn) return undefined;
  return (repository, digest) => signing.facts(registries.at(repository), digest);
}
