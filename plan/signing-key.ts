import type { Config } from "./config";
import { writtenRepositories } from "./release-manifest";
import type { Refusal, ReleasePlan } from "./release-plan";

/** How a release is signed, for people. @param atHand whether the environment has the private key */
export function signNotice({ sign, encrypted }: Config, atHand: boolean): string {
  switch (sign.mode) {
    case "none":
      return "nothing is signed (slipway:sign.mode is none)";
    case "key":
      return atHand || sign.key !== undefined
        ? "digests and statements are signed with a key"
        : encrypted.includes("sign.key")
          ? "digests and statements are signed with a key, which only the engine can read here"
          : "digests and statements are signed with a key, which is not at hand here (COSIGN_PRIVATE_KEY, sign.keyFile, sign.key)";
    case "keyless":
      return `digests and statements are signed keyless, by ${sign.fulcio} and ${sign.rekor}`;
  }
}

/**
 * Refuses a release that has to be signed and cannot be. A run that signs nothing needs no private key where the public
 * one is known, since it only verifies.
 */
export function missingKey(
  { sign, encrypted, push }: Config,
  plan: ReleasePlan,
  key: { readonly atHand: boolean; readonly signs: boolean },
): Refusal[] {
  if (sign.mode !== "key" || !push || key.atHand || sign.key !== undefined) return [];
  const isEncrypted = encrypted.includes("sign.key");
  if (!key.signs && (isEncrypted || sign.publicKey !== undefined)) return [];
  const isMadeHere = plan.images.some(({ intent }) => intent.existing === undefined);
  if (!isMadeHere || writtenRepositories(plan).length === 0) return [];
  return [
    {
      code: "sign-no-key",
      path: "slipway:sign",
      message: isEncrypted
        ? "releases are signed with sign.key, which is encrypted: only the engine can read it"
        : "releases are signed with a key, and there is none: neither COSIGN_PRIVATE_KEY nor sign.key or sign.keyFile is set",
      hint: isEncrypted
        ? "Release with `pulumi up`, or set COSIGN_PRIVATE_KEY."
        : sign.publicKey !== undefined
          ? "Set COSIGN_PRIVATE_KEY to the private key of sign.publicKey (publicKeyFile), or release where it is."
          : `Make a key pair: npx --no slipway keys --stack ${plan.stack}. Or set slipway:sign to { mode: none }: nothing is ` +
            "signed then, and anyone who can push to a registry decides what is adopted from it.",
    },
  ];
}
