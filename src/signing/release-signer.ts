import { type KeyObject, sign } from "node:crypto";
import { type Bundle, bundleToJSON, isBundleWithDsseEnvelope } from "@sigstore/bundle";
import {
  type BundleBuilder,
  CIContextProvider,
  DSSEBundleBuilder,
  FulcioSigner,
  RekorWitness,
} from "@sigstore/sign";
import { z } from "zod";
import { IN_TOTO_MEDIA_TYPE } from "../plan/annotations";
import { reasonOf } from "../plan/problem";
import type { SignConfig } from "../plan/trust";
import { keyHint, publicPem, readPrivateKey, readPublicKey, readTrust, type Trust, trustKey } from "./keys";

/** Its message holds no secret. */
export class SigningError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SigningError";
  }
}

/** Signs the statements of a release, and names the trust that accepts its signatures. */
export interface ReleaseSigner {
  /** For messages and state: `key <hint>`, `keyless`. */
  readonly name: string;
  readonly trust: () => Promise<Trust>;
  /** A Sigstore bundle v0.3 around an in-toto statement, as JSON. */
  readonly sign: (statement: Buffer) => Promise<Uint8Array>;
}

/** Undefined where nothing is signed. @throws SigningError if the key cannot be read */
export async function releaseSigner(
  config: SignConfig,
  env: NodeJS.ProcessEnv,
): Promise<ReleaseSigner | undefined> {
  switch (config.mode) {
    case "none":
      return undefined;
    case "key":
      return keySigner(await ownKey(config));
    case "keyless":
      return keylessSigner(config, env);
  }
}

async function ownKey({
  key,
  password,
  publicKey,
}: Extract<SignConfig, { mode: "key" }>): Promise<KeyObject> {
  if (key === undefined) {
    throw new SigningError(
      "There is no key to sign with: set slipway:sign.key, sign.keyFile or COSIGN_PRIVATE_KEY",
    );
  }
  const read = await readPrivateKey(key, password).catch((error: unknown) => {
    throw new SigningError(`The key to sign with ${reasonOf(error)}`);
  });
  if (publicKey !== undefined && hintOf(publicKey) !== keyHint(read)) {
    throw new SigningError(
      "The key to sign with does not match slipway:sign.publicKey (publicKeyFile): use the private key of that public key, " +
        "or name the new public key there and list the old one under sign.trusted",
    );
  }
  return read;
}

function hintOf(publicKey: string): string {
  try {
    return keyHint(readPublicKey(publicKey));
  } catch (error) {
    throw new SigningError(`The public key slipway:sign.publicKey (publicKeyFile) ${reasonOf(error)}`);
  }
}

/** Works offline, without certificate, log or timestamp. */
function keySigner(key: KeyObject): ReleaseSigner {
  const hint = keyHint(key);
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const builder = new DSSEBundleBuilder({
    signer: {
      sign: async (data) => ({
        signature: sign(algorithm, data, key),
        key: { $case: "publicKey", publicKey: publicPem(key), hint },
      }),
    },
    witnesses: [],
  });
  return {
    name: `key ${hint}`,
    trust: async () => trustKey(key),
    sign: (statement) => bundleOf(builder, statement),
  };
}

/** Signs with a short-lived certificate for the identity in the CI's OIDC token, and adds an entry to the log. */
function keylessSigner(
  { fulcio, rekor, trustedRoot }: Extract<SignConfig, { mode: "keyless" }>,
  env: NodeJS.ProcessEnv,
): ReleaseSigner {
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: fulcio,
      identityProvider: { getToken: async () => (await identityToken(env)).text },
    }),
    witnesses: [new RekorWitness({ rekorBaseURL: rekor })],
  });
  return {
    name: "keyless",
    trust: async () => {
      const { claims } = await identityToken(env);
      const subject = `/${subjectsOf(claims).map(escaped).join("|")}/`;
      return readTrust({ kind: "identity", subject, issuer: claims.iss, trustedRoot });
    },
    sign: async (statement) => {
      try {
        return await bundleOf(builder, statement);
      } catch (error) {
        if (error instanceof SigningError) throw error;
        // The library's message can contain the token.
        const { text } = await identityToken(env);
        throw new SigningError(
          `Keyless signing by ${fulcio} and ${rekor} failed: ${withCauses(error).replaceAll(text, "[token]")}`,
        );
      }
    },
  };
}

async function bundleOf(builder: BundleBuilder, statement: Buffer): Promise<Uint8Array> {
  const bundle: Bundle = await builder.create({ data: statement, type: IN_TOTO_MEDIA_TYPE });
  // Sigstore's Go library compares a key's name in the envelope with its own spelling. The name is not signed, and the
  // bundle names the key already.
  if (isBundleWithDsseEnvelope(bundle)) {
    for (const signature of bundle.content.dsseEnvelope.signatures) signature.keyid = "";
  }
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)));
}

/** The message of an error with those of its causes. */
function withCauses(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${reasonOf(error)}: ${withCauses(cause)}` : reasonOf(error);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, (character) => `\\${character}`);
}

const claimsSchema = z.object({
  iss: z.string().min(1),
  sub: z.string().min(1),
  email: z.string().optional(),
  /** Of GitHub Actions: the workflow file and its ref, the certificate's subject. */
  job_workflow_ref: z.string().optional(),
});

type TokenClaims = z.output<typeof claimsSchema>;

const AUDIENCE = "sigstore";

/**
 * The OIDC token of the CI: GitHub Actions' (`id-token: write`), or SIGSTORE_ID_TOKEN. Fulcio verifies it. It must not
 * appear in messages.
 */
async function identityToken(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly text: string; readonly claims: TokenClaims }> {
  const text = env.SIGSTORE_ID_TOKEN || (await fromCi());
  const [, body = ""] = text.split(".");
  try {
    return { text, claims: claimsSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8"))) };
  } catch {
    throw new SigningError("The identity token is not a JWT with an issuer and a subject");
  }
}

async function fromCi(): Promise<string> {
  try {
    return await new CIContextProvider(AUDIENCE).getToken();
  } catch {
    throw new SigningError(
      "There is no identity to sign with: in GitHub Actions the job needs `permissions: { id-token: write }`; " +
        "elsewhere set SIGSTORE_ID_TOKEN, or use slipway:sign.mode key",
    );
  }
}

/** The subjects that Fulcio may write into a certificate for a token. */
function subjectsOf({ job_workflow_ref: workflow, email, sub }: TokenClaims): string[] {
  return [
    ...(workflow === undefined ? [] : [`https://github.com/${workflow}`]),
    ...(email === undefined ? [] : [email]),
    sub,
  ];
}
