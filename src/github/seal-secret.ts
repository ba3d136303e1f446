import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { Secret } from "../plan/secret";
import type { SetupConfig } from "../plan/setup/config";
import { failure, repositoryReader } from "./client";

interface SecretPlace {
  readonly name: string;
  /** @default the repository itself */
  readonly environment?: string;
}

/** Seals a secret for its place. @throws ProblemError if GitHub has no key for the place */
export type SealSecret = (place: SecretPlace, secret: Secret) => Promise<SealedSecret>;

export function secretSealer(config: SetupConfig): SealSecret {
  const keys = new Map<string | undefined, Promise<SealingKey>>();
  return async ({ environment, name }, secret) => {
    const key = keys.get(environment) ?? readKey(config, environment);
    keys.set(environment, key);
    return sealSecret(secret, await key, [config.repository, environment ?? "", name].join("/"));
  };
}

async function readKey(config: SetupConfig, environment: string | undefined): Promise<SealingKey> {
  const { octokit, repository, ask } = await repositoryReader(config);
  const { actions } = octokit.rest;
  const found = await (environment === undefined
    ? ask("Secrets", actions.getRepoPublicKey(repository))
    : ask("Environments", actions.getEnvironmentPublicKey({ ...repository, environment_name: environment })));
  if (found !== undefined) return { id: found.data.key_id, publicKey: found.data.key };
  throw failure(
    "github-sealing-key",
    "github.secrets",
    `${config.repository}${environment === undefined ? "" : `'s environment ${environment}`} has no public key`,
    "No secret can be sealed without it. Run the same command again; it may not have existed yet",
  );
}

const derive = promisify<string, string, number, object, Buffer>(scrypt);

/** Each guess at a secret takes a tenth of a second. */
const STRENGTH = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const SEED_BYTES = 32;

/** The public half of the key with which GitHub opens the secrets of a repository or of an environment. */
export interface SealingKey {
  readonly id: string;
  /** base64 */
  readonly publicKey: string;
}

/** The form that GitHub's API accepts. It may be public. */
interface SealedSecret {
  readonly keyId: string;
  /** base64 of a libsodium sealed box. */
  readonly box: string;
}

/**
 * Seals a secret in a libsodium sealed box whose sender's key is derived, slowly, from the secret, its place and the
 * receiver's key. An unchanged secret therefore gives an unchanged box without any state. Anyone can check a guess at
 * the secret, but each guess costs one scrypt, as with any stored password.
 *
 * @param place gives equal secrets different boxes: `octo/app/prod/TOKEN`
 * @throws Error for a key that is no X25519 public key
 * @see https://doc.libsodium.org/public-key_cryptography/sealed_boxes
 */
export async function sealSecret(secret: Secret, key: SealingKey, place: string): Promise<SealedSecret> {
  const sodium = (await import("libsodium-wrappers")).default;
  await sodium.ready;
  const receiver = Buffer.from(key.publicKey, "base64");
  if (receiver.length !== sodium.crypto_box_PUBLICKEYBYTES) {
    throw new Error(`GitHub's key ${JSON.stringify(key.id)} is no public key of the expected kind`);
  }
  const salt = JSON.stringify(["slipway-sealed-secret-v1", place, key.id, key.publicKey]);
  const seed = await derive(secret.reveal(), salt, SEED_BYTES, STRENGTH);
  const sender = sodium.crypto_box_seed_keypair(seed);
  const nonce = sodium.crypto_generichash(
    sodium.crypto_box_NONCEBYTES,
    Buffer.concat([sender.publicKey, receiver]),
    null,
  );
  const box = sodium.crypto_box_easy(secret.reveal(), nonce, receiver, sender.privateKey);
  return { keyId: key.id, box: Buffer.concat([sender.publicKey, box]).toString("base64") };
}
