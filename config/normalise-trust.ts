import { parseDuration } from "../plan/duration";
import type { Problem } from "../plan/problem";
import { Secret } from "../plan/secret";
import type { PromotionRules, SignConfig, WantedSigner } from "../plan/trust";
import { formatPath } from "./paths";
import type { CheckedConfig } from "./schema";
import { DEFAULT_ISSUER } from "./sign-schema";

type CheckedSign = CheckedConfig["sign"];
type CheckedVerify = NonNullable<NonNullable<CheckedConfig["promote"]>["verify"]>;
type CheckedSigner = CheckedSign["trusted"][number];

/** Collects what is wrong with files instead of stopping at the first. */
export class TrustFiles {
  readonly problems: Problem[] = [];
  readonly #read: (file: string) => string;

  /** @param read a file's text, by its path in the configuration */
  constructor(read: (file: string) => string) {
    this.#read = read;
  }

  /** Undefined where no file is named, or where it cannot be read. */
  text(path: string, file: string | undefined): string | undefined {
    if (file === undefined) return undefined;
    try {
      return this.#read(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.problems.push({ code: "config-file", path, message: `${JSON.stringify(file)} ${reason}` });
      return undefined;
    }
  }
}

/** @param encrypted paths of secrets that only the engine can read */
export function normaliseSign(
  sign: CheckedSign,
  encrypted: ReadonlySet<string>,
  files: TrustFiles,
): SignConfig {
  const { mode } = sign;
  if (mode === "none") return { mode };
  const trusted = sign.trusted.map((signer, index) =>
    normaliseSigner(signer, formatPath(["sign", "trusted", index]), files),
  );
  if (mode === "keyless") {
    const trustedRoot = files.text("sign.trustedRoot", sign.trustedRoot);
    const { fulcio, rekor } = sign;
    return { mode, fulcio, rekor, ...(trustedRoot === undefined ? {} : { trustedRoot }), trusted };
  }
  const fromFile = files.text("sign.keyFile", sign.keyFile);
  const key = fromFile ?? (encrypted.has("sign.key") ? undefined : sign.key);
  const password = encrypted.has("sign.password") ? undefined : sign.password;
  const publicKey = files.text("sign.publicKeyFile", sign.publicKeyFile) ?? sign.publicKey;
  return {
    mode,
    ...(key === undefined ? {} : { key: new Secret(key) }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
    ...(publicKey === undefined ? {} : { publicKey }),
    trusted,
  };
}

/** @param at where it is written */
function normaliseSigner(signer: CheckedSigner, at: string, files: TrustFiles): WantedSigner {
  const { subject, issuer = DEFAULT_ISSUER } = signer;
  const trustedRoot = files.text(`${at}.trustedRoot`, signer.trustedRoot);
  return subject === undefined
    ? { kind: "key", publicKey: signer.key ?? files.text(`${at}.keyFile`, signer.keyFile) ?? "" }
    : { kind: "identity", subject, issuer, ...(trustedRoot === undefined ? {} : { trustedRoot }) };
}

/** Rules that say who, what and how old; the release itself adds image, revision and platforms. */
export function normaliseVerify(verify: CheckedVerify, files: TrustFiles): PromotionRules {
  const { predicates, builder, source, platforms } = verify;
  const minAge = parseDuration(verify.minAge ?? "");
  const maxAge = parseDuration(verify.maxAge ?? "");
  return {
    signer: normaliseSigner(verify, "promote.verify", files),
    predicates,
    ...(builder === undefined ? {} : { builder }),
    ...(source === undefined ? {} : { source }),
    platforms,
    ...(minAge === undefined ? {} : { minAge }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}
