import type { KeyObject } from "node:crypto";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import type { TrustMaterial } from "@sigstore/verify";
import type { WantedSigner } from "../plan/trust";
import { reasonOf } from "../registry/errors";
import { keyHint, publicPem, readPublicKey } from "./keys";

/** What signatures are judged by: the key that has to have made them, or the authorities that vouch for an identity. */
export type Trust =
  | { readonly kind: "key"; readonly hint: string; readonly material: TrustMaterial }
  | {
      readonly kind: "identity";
      readonly subject: string;
      readonly issuer: string;
      readonly material: TrustMaterial;
    };

/** @throws Error whose message continues "the key or trusted root …" */
export async function readTrust(signer: WantedSigner): Promise<Trust> {
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
    throw new Error("is not JSON as Sigstore publishes it (trusted_root.json)");
  }
}

/** Sigstore's own, kept up to date by TUF in the user's cache folder. */
async function publicTrustedRoot(): Promise<TrustedRoot> {
  const { getTrustedRoot } = await import("@sigstore/tuf");
  try {
    return await getTrustedRoot();
  } catch (error) {
    throw new Error(
      `of Sigstore cannot be had (${reasonOf(error)}); ` +
        "let this machine reach tuf-repo-cdn.sigstore.dev, or name a file (trustedRoot)",
    );
  }
}
