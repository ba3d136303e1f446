import { parseDuration } from "../plan/duration";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { formatPath } from "./paths";

/** Rules about `promote` and `rollback` that look at more than one value. @param names of all images */
export function promotionProblems(
  written: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Problem[] {
  const { promote, rollback } = written;
  return [
    ...(isRecord(promote) ? [...sourceProblems(promote), ...unknownImages("promote", promote, names)] : []),
    ...(isRecord(rollback)
      ? [...targetProblems(rollback), ...unknownImages("rollback", rollback, names)]
      : []),
  ];
}

function sourceProblems(promote: Readonly<Record<string, unknown>>): Problem[] {
  if (promote.from === undefined && promote.statement === undefined) {
    return [
      {
        code: "config-required",
        path: "promote",
        message: "says not what to promote; expected from: <stack> or statement: <version>",
      },
    ];
  }
  if (promote.from !== undefined && promote.statement !== undefined) {
    return [conflict("promote.statement", "says the same as promote.from in another way; keep one of them")];
  }
  return promote.registry !== undefined && promote.statement === undefined
    ? [
        conflict(
          "promote.registry",
          "belongs to promote.statement; a stack's manifest says where its images are",
        ),
      ]
    : [];
}

function targetProblems(rollback: Readonly<Record<string, unknown>>): Problem[] {
  const bad: unknown[] = Array.isArray(rollback.bad) ? rollback.bad : [];
  if (rollback.to === undefined) {
    if (rollback.images !== undefined) {
      return [conflict("rollback.images", "goes with rollback.to, which is not set")];
    }
    return bad.length > 0
      ? []
      : [
          {
            code: "config-required",
            path: "rollback",
            message: "says nothing; expected to: <version>, bad: [<version>] or both",
          },
        ];
  }
  const plain = (version: unknown) => String(version).replace(/^v(?=\d)/, "");
  return bad.flatMap((version, index) =>
    plain(version) === plain(rollback.to)
      ? [
          conflict(
            formatPath(["rollback", "bad", index]),
            `${JSON.stringify(version)} is what rollback.to goes back to; a bad version is no place to go`,
          ),
        ]
      : [],
  );
}

function unknownImages(
  key: string,
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Problem[] {
  const listed: unknown[] = Array.isArray(value.images) ? value.images : [];
  return listed.flatMap((name, index) =>
    typeof name !== "string" || names.includes(name)
      ? []
      : [
          {
            code: "config-value",
            path: formatPath([key, "images", index]),
            message: `${JSON.stringify(name)} is no image; there is ${names.join(", ") || "none"}`,
          },
        ],
  );
}

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
