import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { z } from "zod";

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** The strengths that cosign has ever written. Others could be chosen to keep a machine busy. */
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

/**
 * The PKCS #8 bytes in what `cosign generate-key-pair` encrypts: JSON with scrypt's parameters and a NaCl secret box.
 *
 * @throws Error without anything of the key or the password in its message
 */
export async function decryptKey(bytes: Uint8Array, password: string): Promise<Buffer> {
  const parsed = schema.safeParse(json(bytes));
  if (!parsed.success) throw new Error("is not an encrypted key as cosign writes it");
  const { kdf, cipher, ciphertext } = parsed.data;
  if (!STRENGTHS.includes(kdf.params.N))
    throw new Error("is encrypted with a strength that cosign does not use");
  const key = await derive(password, Buffer.from(kdf.salt, "base64"), KEY_BYTES, {
    ...kdf.params,
    // scrypt needs 128 N r bytes, and Node refuses to take exactly the limit.
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

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
