import type { Digest } from "../plan/digest";
import { Secret } from "../plan/secret";
import type { ContentClaim, SignedFacts } from "../plan/statement";
import type { RequiredSigner, VerifyRules } from "../plan/trust";
import type { ReadSigned } from "../registry/read-image";
import { type Environment, lookUp } from "../settings/environment";
import type { Trust } from "../signing/keys";
import type { ReleaseSigner } from "../signing/release-signer";
import type { SigningConfig } from "./provider-config";
import type { Location, Registries } from "./registries";

// The signing libraries take a while to load, and most runs sign and verify nothing: they are imported where needed.

/** A configuration's signer and the signers that it trusts, each created once: opening a key costs a tenth of a second. */
export class Signing {
  readonly #config: SigningConfig;
  readonly #env: Environment;
  readonly #prefix: string | undefined;
  #signer: Promise<ReleaseSigner | undefined> | undefined;
  #trusts: Promise<readonly Trust[]> | undefined;
  readonly #facts = new Map<string, Promise<SignedFacts>>();

  /** @param prefix variables with it come first */
  constructor(config: SigningConfig = { mode: "none" }, env: Environment, prefix?: string) {
    this.#config = config;
    this.#env = env;
    this.#prefix = prefix;
  }

  /** Whether releases are signed, so that only signed content is trusted. */
  get isOn(): boolean {
    return this.#config.mode !== "none";
  }

  /** False in a refresh: no program runs that could hand over the stack's key. */
  get isAtHand(): boolean {
    const config = this.#config;
    return config.mode !== "key" || config.isLost !== true || this.#given("COSIGN_PRIVATE_KEY") !== undefined;
  }

  /** Undefined if nothing is signed. @throws SigningError if the key cannot be read */
  signer(): Promise<ReleaseSigner | undefined> {
    this.#signer ??= this.#createSigner();
    return this.#signer;
  }

  /**
   * The signers whose claims and statements are trusted: the stack's own, and those that its settings name. Empty if
   * nothing is signed.
   *
   * @throws SigningError if the key cannot be read
   */
  trusts(): Promise<readonly Trust[]> {
    this.#trusts ??= this.#readTrusts();
    return this.#trusts;
  }

  /** The verified claims and statements about a digest; each digest of a repository is read once. */
  facts(location: Location, digest: Digest): Promise<SignedFacts> {
    const key = `${location.repository}@${digest}`;
    const known = this.#facts.get(key) ?? this.trusts().then((trusts) => readFacts(location, digest, trusts));
    this.#facts.set(key, known);
    return known;
  }

  /**
   * The facts that are about this image and count in this repository: they name it, or the stack promotes, whose
   * content was signed for the repositories that it came from.
   */
  async factsAs(image: string, location: Location, digest: Digest): Promise<SignedFacts> {
    const promotes = this.#config.mode !== "none" && this.#config.promotes === true;
    const counts = (fact: ContentClaim) =>
      fact.image === image && (promotes || fact.repositories.includes(location.repository));
    const { claims, statements } = await this.facts(location, digest);
    return { claims: claims.filter(counts), statements: statements.filter(counts) };
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

  /** A laptop has no CI identity and may lack the private key, but can still verify what is signed. */
  #hasOwnSigner(): boolean {
    const config = this.#config;
    if (config.mode === "keyless")
      return Boolean(this.#env.SIGSTORE_ID_TOKEN || this.#env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
    return config.mode === "key" && (this.#given("COSIGN_PRIVATE_KEY") ?? config.key) !== undefined;
  }

  /** The environment's COSIGN_PRIVATE_KEY and COSIGN_PASSWORD come before the stack's configuration. */
  async #createSigner(): Promise<ReleaseSigner | undefined> {
    const config = this.#config;
    if (config.mode === "none" || config.mode === "verify") return undefined;
    const { releaseSigner } = await import("../signing/release-signer.js");
    const { trusted = [] } = config;
    if (config.mode === "keyless") return releaseSigner({ ...config, trusted }, this.#env);
    const key = this.#given("COSIGN_PRIVATE_KEY") ?? config.key;
    const password = this.#given("COSIGN_PASSWORD") ?? config.password;
    return releaseSigner(
      {
        mode: "key",
        trusted,
        publicKey: config.publicKey,
        key: key === undefined ? undefined : new Secret(key),
        password: password === undefined ? undefined : new Secret(password),
      },
      this.#env,
    );
  }

  #given(variable: string): string | undefined {
    return lookUp(this.#env, [variable], this.#prefix)?.value;
  }
}

async function readFacts(
  { client, path }: Location,
  digest: Digest,
  trusts: readonly Trust[],
): Promise<SignedFacts> {
  if (trusts.length === 0) return { claims: [], statements: [] };
  const { readSignedFacts } = await import("../signing/evidence.js");
  return readSignedFacts(client, path, digest, trusts);
}

/**
 * Reads what a signer states about digests; undefined if the signer is the stack's own and the stack signs nothing.
 *
 * @param signer default: the stack's own
 */
export function signedReader(
  { registries, signing }: { readonly registries: Registries; readonly signing: Signing },
  signer: VerifyRules["signer"] = { kind: "stack" },
): ReadSigned | undefined {
  if (signer.kind === "stack")
    return signing.isOn
      ? (repository, digest) => signing.facts(registries.at(repository), digest)
      : undefined;
  // Read once for all digests: Sigstore's own trusted root is downloaded.
  let trust: Promise<Trust> | undefined;
  return async (repository, digest) => {
    trust ??= import("../signing/keys.js").then(({ readTrust }) => readTrust(signer));
    return readFacts(registries.at(repository), digest, [await trust]);
  };
}
