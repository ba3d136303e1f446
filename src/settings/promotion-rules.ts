import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { parseDuration } from "../plan/trust";
import { conflict, formatPath, problem, type Written } from "./paths";

/** Rules about `promote` and `rollback` that look at more than one value. @param names of all images */
export function promotionProblems({ promote, rollback }: Written, names: readonly string[]): Problem[] {
  return [
    ...(isRecord(promote) ? [...sourceProblems(promote), ...unknownImages("promote", promote, names)] : []),
    ...(isRecord(rollback)
      ? [...targetProblems(rollback), ...unknownImages("rollback", rollback, names)]
      : []),
  ];
}

function sourceProblems({ from, statement, registry }: Written): Problem[] {
  if (from === undefined && statement === undefined) {
    const message = "says not what to promote; expected from: <stack> or statement: <version>";
    return [problem("config-required", "promote", message)];
  }
  if (from !== undefined && statement !== undefined) {
    return [conflict("promote.statement", "says the same as promote.from in another way; keep one of them")];
  }
  if (registry === undefined || statement !== undefined) return [];
  const message = "belongs to promote.statement; a stack's manifest says where its images are";
  return [conflict("promote.registry", message)];
}

function targetProblems(rollback: Written): Problem[] {
  const bad: unknown[] = Array.isArray(rollback.bad) ? rollback.bad : [];
  if (rollback.to === undefined) {
    if (rollback.images !== undefined) {
      return [conflict("rollback.images", "goes with rollback.to, which is not set")];
    }
    if (bad.length > 0) return [];
    const message = "says nothing; expected to: <version>, bad: [<version>] or both";
    return [problem("config-required", "rollback", message)];
  }
  const plain = (version: unknown) => String(version).replace(/^v(?=\d)/, "");
  return bad.flatMap((version, index) => {
    if (plain(version) !== plain(rollback.to)) return [];
    const message = `${JSON.stringify(version)} is what rollback.to goes back to; a bad version is no place to go`;
    return [conflict(["rollback", "bad", index], message)];
  });
}

function unknownImages(key: string, { images }: Written, names: readonly string[]): Problem[] {
  const listed: unknown[] = Array.isArray(images) ? images : [];
  return listed.flatMap((name, index) => {
    if (typeof name !== "string" || names.includes(name)) return [];
    const message = `${JSON.stringify(name)} is no image; there is ${names.join(", ") || "none"}`;
    return [problem("config-value", [key, "images", index], message)];
  });
}

export function trustProblems({ sign, promote }: Written): Problem[] {
  return [
    ...(isRecord(sign) ? signProblems(sign) : []),
    ...(isRecord(promote) && isRecord(promote.verify) ? verifyProblems(promote.verify) : []),
  ];
}

/** Rejects settings that the chosen mode ignores. */
function signProblems(sign: Written): Problem[] {
  const { mode = "key", trusted } = sign;
  const isSet = (name: string) => sign[name] !== undefined;
  const only = (other: string, names: readonly string[]) =>
    names
      .filter((name) => mode !== other && isSet(name))
      .map((name) => conflict(`sign.${name}`, `belongs to mode ${other}, and the mode is ${String(mode)}`));
  const second = (text: string, file: string) =>
    isSet(text) && isSet(file)
      ? [conflict(`sign.${file}`, `is a second key beside sign.${text}; keep one of them`)]
      : [];
  const signers: unknown[] = Array.isArray(trusted) ? trusted : [];
  return [
    ...only("key", ["key", "keyFile", "password", "publicKey", "publicKeyFile"]),
    ...only("keyless", ["fulcio", "rekor", "trustedRoot"]),
    ...(mode === "none" && trusted !== undefined
      ? [conflict("sign.trusted", "is ignored where sign.mode is none, which verifies nothing")]
      : []),
    ...second("key", "keyFile"),
    ...second("publicKey", "publicKeyFile"),
    ...signers.flatMap((signer, index) =>
      isRecord(signer) ? signerProblems(signer, formatPath(["sign", "trusted", index])) : [],
    ),
  ];
}

function verifyProblems(verify: Written): Problem[] {
  const { minAge, maxAge } = verify;
  const least = typeof minAge === "string" ? parseDuration(minAge) : undefined;
  const most = typeof maxAge === "string" ? parseDuration(maxAge) : undefined;
  const problems = signerProblems(verify, "promote.verify");
  if (least === undefined || most === undefined || least <= most) return problems;
  const message = `is more than maxAge, ${String(maxAge)}: nothing is that old and that new`;
  return [...problems, conflict("promote.verify.minAge", message)];
}

function signerProblems(signer: Written, path: string): Problem[] {
  const isSet = (name: string) => signer[name] !== undefined;
  const [first, ...others] = ["key", "keyFile", "subject"].filter(isSet);
  const ofSubject = signer.subject === undefined ? ["issuer", "trustedRoot"].filter(isSet) : [];
  const missing = "says not who has to have signed; expected key, keyFile or subject";
  return [
    ...(first === undefined ? [problem("config-required", path, missing)] : []),
    ...others.map((name) => conflict(`${path}.${name}`, `says who signed beside ${first}; keep one of them`)),
    ...ofSubject.map((name) => conflict(`${path}.${name}`, "belongs to a subject, not to a key")),
  ];
}
