import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  scrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import type { TrustMaterial } from "@sigstore/verify";
import { z } from "zod";
import { reasonOf } from "../plan/problem";
import { parseJson } from "../plan/record";
import { Secret } from "../plan/secret";
import type { RequiredSigner } from "../plan/trust";

const ENCRYPTED_LABELS = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

/**
 * Reads a private key in PEM, encrypted or not, also as cosign encrypts it.
 *
 * @throws Error with a message that continues "the key …", without secrets
 */
export async function readPrivateKey(pem: Secret, password: Secret | undefined): Promise<KeyObject> {
  const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/.exec(pem.reveal());
  const [text, label = "", body = ""] = block ?? [];
  if (text === undefined) throw new Error("is not PEM: it has no -----BEGIN … PRIVATE KEY----- block");
  const isCosigns = ENCRYPTED_LABELS.includes(label);
  if ((isCosigns || label.startsWith("ENCRYPTED")) && password === undefined) {
    throw new Error("is encrypted, and there is no password (slipway:sign.password or COSIGN_PASSWORD)");
  }
  if (isCosigns) {
    const key = await decryptKey(Buffer.from(body, "base64"), password?.reveal() ?? "");
    return supported(privateKey(() => createPrivateKey({ key, format: "der", type: "pkcs8" }), "is damaged"));
  }
  if (!label.endsWith("PRIVATE KEY")) throw new Error(`is a ${label.toLowerCase()}, not a private key`);
  const passphrase = password?.reveal();
  const wrong = label.startsWith("ENCRYPTED") ? "does not open with this password" : "cannot be read";
  return supported(privateKey(() => createPrivateKey({ key: text, passphrase }), wrong));
}

function privateKey(read: () => KeyObject, wrong: string): KeyObject {
  try {
    return read();
  } catch {
    // OpenSSL's messages name its parser, and not what to do.
    throw new Error(wrong);
  }
}

/** @throws Error with a message that continues "the key …" */
export function readPublicKey(pem: string): KeyObject {
  if (/PRIVATE KEY-----/.test(pem)) throw new Error("is a private key; the public one is required");
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Error("is not the PEM of a public key (-----BEGIN PUBLIC KEY-----)");
  }
  return supported(key);
}

function supported(key: KeyObject): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519" || (type === "ec" && details?.namedCurve === "prime256v1")) return key;
  throw new Error(
    `is of the kind ${type ?? "unknown"}${details?.namedCurve === undefined ? "" : ` ${details.namedCurve}`}; ` +
      "EC P-256 (cosign generate-key-pair) and Ed25519 are supported",
  );
}

/** The name of a public key in a bundle, as in cosign: the SHA-256 of its DER, in base64. */
export function keyHint(key: KeyObject): string {
  const spki = (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

export function publicPem(key: KeyObject): string {
  const pem = (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "pem" });
  return pem.toString();
}

/** EC P-256, as `cosign generate-key-pair` makes it. */
export function newKeyPair(): { readonly privateKey: Secret; readonly publicKey: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { privateKey: new Secret(pem), publicKey: publicPem(privateKey) };
}

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** The scrypt costs that cosign has used. A hostile key could ask for a much higher one. */
const STRENGTHS: readonly number[] = [32_768, 65_536, 131_072];
const KEY_BYTES = 32;

const schema = z.object({
  kdf: z.object({
    name: z.literal("scrypt"),
    params: z.object({ N: z.number(), r: z.literal(8), p: z.literal(1) }),
    salt: z.base64(),
  }),
  cipher: z.object({ name: z.literal("nacl/secretbox"), nonce: z.base64() }),
  ciphertext: z.base64(),
});

/** The PKCS #8 bytes of a key that `cosign generate-key-pair` encrypted. @throws Error without secrets */
async function decryptKey(bytes: Uint8Array, password: string): Promise<Buffer> {
  const parsed = schema.safeParse(parseJson(bytes));
  if (!parsed.success) throw new Error("is not an encrypted key as cosign writes it");
  const { kdf, cipher, ciphertext } = parsed.data;
  if (!STRENGTHS.includes(kdf.params.N))
    throw new Error("is encrypted with a scrypt cost that cosign does not use");
  const key = await derive(password, Buffer.from(kdf.salt, "base64"), KEY_BYTES, {
    ...kdf.params,
    // scrypt needs 128 * N * r bytes, and Node requires more than that.
    maxmem: 130 * kdf.params.N * kdf.params.r,
  });
  const sodium = (await import("libsodium-wrappers")).default;
  await sodium.ready;
  const nonce = Buffer.from(cipher.nonce, "base64");
  if (nonce.length !== sodium.crypto_secretbox_NONCEBYTES) throw new Error("has a nonce of the wrong length");
  try {
    return Buffer.from(sodium.crypto_secretbox_open_easy(Buffer.from(ciphertext, "base64"), nonce, key));
  } catch {
    throw new Error("does not open with this password");
  }
}

/** The signer whose signatures are accepted: a key, or an identity that certificate authorities confirm. */
export type Trust =
  | { readonly kind: "key"; readonly hint: string; readonly material: TrustMaterial }
  | {
      readonly kind: "identity";
      readonly subject: string;
      readonly issuer: string;
      readonly material: TrustMaterial;
    };

/** @throws Error with a message that continues "the key or trusted root …" */
export async function readTrust(signer: RequiredSigner): Promise<Trust> {
  if (signer.kind === "key") return trustKey(readPublicKey(signer.publicKey));
  const { toTrustMaterial } = await import("@sigstore/verify");
  const { subject, issuer, trustedRoot } = signer;
  const root = trustedRoot === undefined ? await publicTrustedRoot() : parseTrustedRoot(trustedRoot);
  return { kind: "identity", subject, issuer, material: toTrustMaterial(root) };
}

/** @param key public or private */
export function trustKey(key: KeyObject): Trust {
  const publicKey = key.type === "private" ? readPublicKey(publicPem(key)) : key;
  return {
    kind: "key",
    hint: keyHint(publicKey),
    material: {
      certificateAuthorities: [],
      timestampAuthorities: [],
      tlogs: [],
      ctlogs: [],
      publicKey: () => ({ publicKey, validFor: () => true }),
    },
  };
}

function parseTrustedRoot(text: string): TrustedRoot {
  try {
    return TrustedRoot.fromJSON(JSON.parse(text));
  } catch {
    throw new Error("is not a trusted_root.json as Sigstore publishes it");
  }
}

/** Sigstore's own, which TUF keeps up to date in the user's cache folder. */
async function publicTrustedRoot(): Promise<TrustedRoot> {
  const { getTrustedRoot } = await import("@sigstore/tuf");
  try {
    return await getTrustedRoot();
  } catch (error) {
    throw new Error(
      `of Sigstore cannot be downloaded (${reasonOf(error)}); ` +
        "let this machine reach tuf-repo-cdn.sigstore.dev, or name a file (trustedRoot)",
    );
  }
}
