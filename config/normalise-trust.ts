import { parseDuration } from "../plan/duration";
import type { Problem } from "../plan/problem";
import { Secret } from "../plan/secret";
import type { PromotionRules, SignConfig } from "../plan/trust";
import type { CheckedConfig } from "./schema";
import { DEFAULT_ISSUER } from "./sign-schema";

type CheckedSign = NonNullable<CheckedConfig["sign"]>;
type CheckedVerify = NonNullable<NonNullable<CheckedConfig["promote"]>["verify"]>;

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
  sign: CheckedSign | undefined,
  encrypted: ReadonlySet<string>,
  files: TrustFiles,
): SignConfig {
  const { mode = "none" } = sign ?? {};
  if (sign === undefined || mode === "none") return { mode: "none" };
  if (mode === "keyless") {
    const trustedRoot = files.text("sign.trustedRoot", sign.trustedRoot);
    const { fulcio, rekor } = sign;
    return { mode, fulcio, rekor, ...(trustedRoot === undefined ? {} : { trustedRoot }) };
  }
  const fromFile = files.text("sign.keyFile", sign.keyFile);
  const key = fromFile ?? (encrypted.has("sign.key") ? undefined : sign.key);
  const password = encrypted.has("sign.password") ? undefined : sign.password;
  return {
    mode,
    ...(key === undefined ? {} : { key: new Secret(key) }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
  };
}

/** Rules that say who, what and how old; the release itself adds image, revision and platforms. */
export function normaliseVerify(verify: CheckedVerify, files: TrustFiles): PromotionRules {
  const at = (name: string) => `promote.verify.${name}`;
  const { subject, issuer = DEFAULT_ISSUER, predicates, builder, source, platforms } = verify;
  const trustedRoot = files.text(at("trustedRoot"), verify.trustedRoot);
  const minAge = parseDuration(verify.minAge ?? "");
  const maxAge = parseDuration(verify.maxAge ?? "");
  return {
    signer:
      subject === undefined
        ? { kind: "key", publicKey: verify.key ?? files.text(at("keyFile"), verify.keyFile) ?? "" }
        : { kind: "identity", subject, issuer, ...(trustedRoot === undefined ? {} : { trustedRoot }) },
    predicates,
    ...(builder === undefined ? {} : { builder }),
    ...(source === undefined ? {} : { source }),
    platforms,
    ...(minAge === undefined ? {} : { minAge }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}
