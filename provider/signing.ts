import { z } from "zod";
import { type Environment, lookUp } from "../config/environment";
import { Secret } from "../plan/secret";
import type { SignConfig } from "../plan/trust";
import type { ReleaseSigner } from "../trust/release-signer";
import { signerInput } from "./schemas";

export const signingSchema = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("none") }),
  z.object({
    mode: z.literal("key"),
    key: z.string().optional(),
    password: z.string().optional(),
    publicKey: z.string().optional(),
    trusted: z.array(signerInput).exactOptional(),
    /** Nobody has handed the stack's key over: no program runs, as in a refresh. */
    isLost: z.boolean().optional(),
  }),
  z.object({
    mode: z.literal("keyless"),
    fulcio: z.string(),
    rekor: z.string(),
    trustedRoot: z.string().optional(),
    trusted: z.array(signerInput).exactOptional(),
  }),
]);

/** How the provider signs, as it travels to it: secrets in plain text, never as a property. */
export type SigningConfig = z.output<typeof signingSchema>;

export function signingConfig(sign: SignConfig): SigningConfig {
  if (sign.mode === "none") return sign;
  const trusted = [...sign.trusted];
  if (sign.mode === "keyless") return { ...sign, trusted };
  const { key, password, publicKey } = sign;
  return {
    mode: "key",
    trusted,
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

  /** @param prefix variables with it come first */
  constructor(config: SigningConfig | undefined, env: Environment, prefix?: string) {
    this.#config = config ?? { mode: "none" };
    this.#env = env;
    this.#prefix = prefix;
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

  /** The environment first, then the stack's configuration: COSIGN_PRIVATE_KEY, COSIGN_PASSWORD. */
  async #make(): Promise<ReleaseSigner | undefined> {
    const config = this.#config;
    if (config.mode === "none") return undefined;
    // The libraries take a while to load, and most calls sign nothing.
    const { releaseSigner } = await import("../trust/release-signer.js");
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
