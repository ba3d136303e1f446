import type { Problem } from "../../plan/problem";
import type { WorkflowInput } from "./workflow-file";

/** What the release is to be, before it is put into a workflow's words. */
export interface ReleaseWish {
  readonly version?: string;
  readonly inputRef?: string;
  readonly publishVersionTag?: boolean;
}

/** What a workflow may call each of them; `-` and `_` are the same. The first that it has is taken. */
const NAMES = {
  version: ["version", "release_version", "release_tag", "tag"],
  inputRef: ["input_ref", "ref", "git_ref"],
  publishVersionTag: ["publish_version_tag"],
  dispatchId: ["dispatch_id", "correlation_id"],
} as const;

type Key = keyof typeof NAMES;

export interface DispatchInputs {
  /** As GitHub wants them: texts. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether the run's title identifies it. */
  readonly identified: boolean;
  readonly problems: readonly Problem[];
}

/**
 * The request in a workflow's own inputs. A version goes into the input for versions; a workflow that takes a reference
 * alone is given the version's git tag.
 *
 * @param declared the inputs that the workflow declares
 * @param workflow its file's name, for problems
 * @param dispatchId identifies this run; passed where the workflow has an input for it
 */
export function dispatchInputs(
  wish: ReleaseWish,
  declared: Readonly<Record<string, WorkflowInput>>,
  workflow: string,
  dispatchId: string,
): DispatchInputs {
  const find = (key: Key) =>
    NAMES[key].flatMap((name) => Object.keys(declared).filter((own) => sameName(own, name)))[0];
  const inputs: Record<string, string> = {};
  const problems: Problem[] = [];
  const missing = (flag: string) =>
    problems.push({
      code: "workflow-input",
      path: workflow,
      message: `has no input for ${flag}; it has ${Object.keys(declared).join(", ") || "none"}`,
      hint: "Commit the workflow that `slipway workflows` writes, or leave the flag out.",
    });
  const put = (name: string, value: string) => {
    inputs[name] = value;
  };

  const versionInput = find("version");
  const refInput = find("inputRef");
  const inputRef =
    wish.inputRef ?? (versionInput === undefined && refInput !== undefined ? wish.version : undefined);
  if (wish.version !== undefined && versionInput !== undefined) put(versionInput, wish.version);
  // A reference that is named beside a version is another thing than the version.
  if (wish.version !== undefined && versionInput === undefined && inputRef !== wish.version)
    missing("--version");
  if (inputRef !== undefined) {
    if (refInput === undefined) missing("--input-ref");
    else put(refInput, inputRef);
  }
  if (wish.publishVersionTag !== undefined) {
    const flag = wish.publishVersionTag ? "--publish-version-tag" : "--no-publish-version-tag";
    const name = find("publishVersionTag");
    if (name === undefined) missing(flag);
    else put(name, yesOrNo(wish.publishVersionTag, declared[name]?.options ?? []));
  }
  const idInput = find("dispatchId");
  if (idInput !== undefined) put(idInput, dispatchId);
  problems.push(...wrongValues(inputs, declared, workflow));
  return { inputs, identified: idInput !== undefined, problems };
}

function sameName(own: string, name: string): boolean {
  return own.toLowerCase().replaceAll("-", "_") === name;
}

/** The choice's word for it. */
function yesOrNo(value: boolean, options: readonly string[]): string {
  const words = value ? ["true", "yes", "1"] : ["false", "no", "0"];
  return options.find((option) => words.includes(option.toLowerCase())) ?? String(value);
}

function wrongValues(
  inputs: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, WorkflowInput>>,
  workflow: string,
): Problem[] {
  return Object.entries(declared).flatMap(([name, { required, hasDefault, options }]) => {
    const value = inputs[name];
    if (value === undefined) {
      if (!required || hasDefault) return [];
      const known = Object.entries(FLAGS).find(
        ([key]) => isKey(key) && NAMES[key].some((n) => sameName(name, n)),
      );
      return [
        {
          code: "workflow-input",
          path: `${workflow} ${name}`,
          message: "is required, and nothing was given for it",
          ...(known === undefined ? {} : { hint: `Say ${known[1]}.` }),
        },
      ];
    }
    if (options.length === 0 || options.includes(value)) return [];
    return [
      {
        code: "workflow-input",
        path: `${workflow} ${name}`,
        message: `${JSON.stringify(value)} is not one of ${options.join(", ")}`,
      },
    ];
  });
}

const FLAGS: Readonly<Record<Exclude<Key, "dispatchId">, string>> = {
  version: "--version vX.Y.Z",
  inputRef: "--input-ref <ref>",
  publishVersionTag: "--publish-version-tag or --no-publish-version-tag",
};

function isKey(key: string): key is Key {
  return Object.hasOwn(NAMES, key);
}
