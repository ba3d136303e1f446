import type { Config } from "./config";
import type { Digest } from "./digest";
import { writtenRepositories } from "./manifest";
import type { LicenceRules } from "./policy/policy-config";
import type { Problem } from "./problem";
import type { Refusal, ReleasePlan } from "./release-plan";
import type { Secret } from "./secret";

export type SignConfig =
  | { readonly mode: "none" }
  | {
      readonly mode: "key";
      /** PEM. Absent if only the engine can decrypt it. */
      readonly key?: Secret;
      /** The password of an encrypted key. */
      readonly password?: Secret;
      /** PEM of the public key, which has to match. It verifies releases without the private key. */
      readonly publicKey?: string;
      /** Further signers whose claims and statements are trusted. */
      readonly trusted: readonly RequiredSigner[];
    }
  | {
      readonly mode: "keyless";
      readonly fulcio: string;
      readonly rekor: string;
      /** JSON of a Sigstore trusted root. @default the public one, by TUF */
      readonly trustedRoot?: string;
      readonly trusted: readonly RequiredSigner[];
    };

export type RequiredSigner =
  /** PEM of the public key. */
  | { readonly kind: "key"; readonly publicKey: string }
  | {
      readonly kind: "identity";
      /** The certificate's subject, or `/pattern/` for the whole subject. */
      readonly subject: string;
      readonly issuer: string;
      readonly trustedRoot?: string;
    };

/** What has to be verified about an image. Signer and digest are always verified; other fields only if they are set. */
export interface VerifyRules {
  /** `stack`: the stack's own signer, or one that `sign.trusted` names. */
  readonly signer: RequiredSigner | { readonly kind: "stack" };
  /** Names (`signature`, `statement`, `provenance`, `sbom`) or predicate types. */
  readonly predicates: readonly string[];
  /** The builder in the provenance of every platform: exact, or `/pattern/`. */
  readonly builder?: string;
  /** The source's address: exact, or `/pattern/`. */
  readonly source?: string;
  readonly revision?: string;
  /** The image that the release statement is about. */
  readonly image?: string;
  /** Its version, without the form. */
  readonly version?: string;
  readonly lane?: string;
  /** The tag by which the image was requested: a signed statement has to be about that version. */
  readonly tag?: string;
  readonly platforms: readonly string[];
  /** Licences that no package in the SBOM of any platform may have. */
  readonly licences?: LicenceRules;
  /** In seconds. */
  readonly minAge?: number;
  /** In seconds. */
  readonly maxAge?: number;
}

/** The rules of a promotion; the other fields follow from the release. */
export type PromotionRules = Omit<VerifyRules, "image" | "revision" | "version" | "lane" | "tag">;

export interface VerifyRequest {
  readonly repositories: readonly string[];
  readonly digest: Digest;
  readonly rules: VerifyRules;
}

export interface Verdict {
  readonly repository: string;
  readonly digest: Digest;
  readonly verified: boolean;
  /** Predicate types that the required signer signed, sorted. */
  readonly predicates: readonly string[];
  /** The signer, for messages; absent if unsigned. */
  readonly signer?: string;
  /** When it was made, in ISO 8601, and the source of this time. */
  readonly madeAt?: { readonly time: string; readonly from: string };
  readonly platforms: readonly string[];
  /** All rules that are broken, and what was found. */
  readonly problems: readonly Problem[];
}

/** How a release is signed, as a notice. @param atHand whether the environment has the private key */
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
 * Refuses a release that has to be signed but has no key. A run that signs nothing only verifies, for which the public
 * key is enough.
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

/**
 * Whether a text matches a rule, which is the exact text, or a regular expression between slashes for the whole text.
 *
 * @example matches("/https:\/\/github\.com\/octo\/.+/", "https://github.com/octo/app")
 */
export function matches(
  rule: string,
  text: string,
  { anyCase = false }: { readonly anyCase?: boolean } = {},
): boolean {
  const pattern = patternOf(rule);
  if (pattern !== undefined) return new RegExp(`^(?:${pattern})$`, anyCase ? "iu" : "u").test(text);
  return rule === text || (anyCase && rule.toLowerCase() === text.toLowerCase());
}

function patternOf(rule: string): string | undefined {
  return rule.length > 2 && rule.startsWith("/") && rule.endsWith("/") ? rule.slice(1, -1) : undefined;
}

export function patternProblem(rule: string): string | undefined {
  const pattern = patternOf(rule);
  if (pattern === undefined) return rule === "" ? "is empty" : undefined;
  try {
    new RegExp(`^(?:${pattern})$`, "u");
    return undefined;
  } catch {
    return "is not a regular expression between slashes";
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Reads `90m`, `36h`, `30d` or `2w` as seconds. */
export function parseDuration(text: string): number | undefined {
  const [, count = "", unit = ""] = /^([0-9]{1,6})([smhdw])$/.exec(text) ?? [];
  const seconds = UNITS[unit];
  return seconds === undefined ? undefined : Number(count) * seconds;
}
