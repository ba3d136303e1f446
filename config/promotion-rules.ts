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

function conflict(path: string, message: string): Problem {
  return { code: "config-conflict", path, message };
}
