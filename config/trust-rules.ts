import { parseDuration } from "../plan/duration";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { formatPath } from "./paths";

type Written = Readonly<Record<string, unknown>>;

/** Rules about `sign` and `promote.verify` that look at more than one value. */
export function trustProblems({ sign, promote }: Written): Problem[] {
  return [
    ...(isRecord(sign) ? signProblems(sign) : []),
    ...(isRecord(promote) && isRecord(promote.verify) ? verifyProblems(promote.verify) : []),
  ];
}

/** Rejects settings that the chosen mode ignores. */
function signProblems(sign: Written): Problem[] {
  const { mode = "key" } = sign;
  const only = (wanted: string, names: readonly string[]) =>
    mode === wanted
      ? []
      : names
          .filter((name) => sign[name] !== undefined)
          .map((name) =>
            conflict(`sign.${name}`, `belongs to mode ${wanted}, and the mode is ${String(mode)}`),
          );
  const second = (text: string, file: string) =>
    sign[text] !== undefined && sign[file] !== undefined
      ? [conflict(`sign.${file}`, `is a second key beside sign.${text}; keep one of them`)]
      : [];
  return [
    ...only("key", ["key", "keyFile", "password", "publicKey", "publicKeyFile"]),
    ...only("keyless", ["fulcio", "rekor", "trustedRoot"]),
    ...(mode === "none" && sign.trusted !== undefined
      ? [conflict("sign.trusted", "is ignored where sign.mode is none, which verifies nothing")]
      : []),
    ...second("key", "keyFile"),
    ...second("publicKey", "publicKeyFile"),
    ...(Array.isArray(sign.trusted)
      ? sign.trusted.flatMap((signer: unknown, index) =>
          isRecord(signer) ? signerProblems(signer, formatPath(["sign", "trusted", index])) : [],
        )
      : []),
  ];
}

function verifyProblems(verify: Written): Problem[] {
  const path = "promote.verify";
  const { minAge, maxAge } = verify;
  const least = typeof minAge === "string" ? parseDuration(minAge) : undefined;
  const most = typeof maxAge === "string" ? parseDuration(maxAge) : undefined;
  return [
    ...signerProblems(verify, path),
    ...(least !== undefined && most !== undefined && least > most
      ? [
          conflict(
            `${path}.minAge`,
            `is more than maxAge, ${String(maxAge)}: nothing is that old and that new`,
          ),
        ]
      : []),
  ];
}

/** A signer is named in exactly one way. */
function signerProblems(signer: Written, path: string): Problem[] {
  const named = ["key", "keyFile", "subject"].filter((name) => signer[name] !== undefined);
  return [
    ...(named.length === 0
      ? [
          {
            code: "config-required",
            path,
            message: "says not who has to have signed; expected key, keyFile or subject",
          },
        ]
      : []),
    ...named
      .slice(1)
      .map((name) => conflict(`${path}.${name}`, `says who signed beside ${named[0]}; keep one of them`)),
    ...(signer.subject === undefined
      ? ["issuer", "trustedRoot"]
          .filter((name) => signer[name] !== undefined)
          .map((name) => conflict(`${path}.${name}`, "belongs to a subject, not to a key"))
      : []),
  ];
}

function conflict(path: string, message: string): Problem {
  return { code: "config-conflict", path, message };
}
