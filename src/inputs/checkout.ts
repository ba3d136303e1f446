import { lstatSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { CheckoutNeeds } from "../plan/config";
import { type Problem, ProblemError } from "../plan/problem";
import { git, gitText } from "./commands";
import type { IgnoreRules } from "./context-files";
import { isInside, realPath } from "./project-files";

/** A part of the commit that the working tree lacks, though git reports the tree as clean. */
export interface MissingPart {
  /** Absolute, links followed. */
  readonly path: string;
  readonly kind: "submodule" | "nested-repository" | "sparse";
}

/** A file's content is a placeholder if the checkout did not fetch or decrypt it. */
type PlaceholderKind = "lfs" | "annex" | "git-crypt";

const PLACEHOLDERS: readonly (readonly [PlaceholderKind, RegExp])[] = [
  [
    "lfs",
    /^version https?:\/\/[a-z.-]+\/spec\/v1\r?\n(?:ext-[^\n]*\n)*oid sha256:[0-9a-f]{64}\r?\nsize [0-9]+\r?\n?$/,
  ],
  ["annex", /^\/annex\/objects\/[^/\n]+\n?$/],
  ["git-crypt", /^\0GITCRYPT\0/],
];
/** Longer than any placeholder's beginning that the patterns need. */
const PLACEHOLDER_LIMIT = 1024;

/** @param start the whole file if it has up to 1 KiB, else its beginning */
export function placeholderKind(start: Buffer): PlaceholderKind | undefined {
  const text = start.toString("latin1", 0, PLACEHOLDER_LIMIT);
  return PLACEHOLDERS.find(([, pattern]) => pattern.test(text))?.[0];
}

const SUBMODULES =
  "git submodule update --init --recursive (in a workflow, actions/checkout with submodules: recursive)";
const TEXTS: Readonly<
  Record<MissingPart["kind"] | PlaceholderKind, { readonly one: string; readonly fix: string }>
> = {
  submodule: { one: "a submodule that is not checked out", fix: `Run ${SUBMODULES}` },
  "nested-repository": {
    one: "a commit of another repository, and no .gitmodules says where that is",
    fix: "Make it a submodule (git submodule add), or remove it from git (git rm --cached)",
  },
  sparse: { one: "left out by git's sparse checkout", fix: "Run git sparse-checkout disable" },
  lfs: {
    one: "a Git LFS pointer instead of the file",
    fix: "Run git lfs pull (in a workflow, actions/checkout with lfs: true)",
  },
  annex: { one: "a git-annex pointer instead of the file", fix: "Run git annex get" },
  "git-crypt": { one: "encrypted by git-crypt", fix: "Run git-crypt unlock" },
};
const SHOWN = 5;

/**
 * One problem (code `context-incomplete`) for each kind of missing part, since a build would succeed without it.
 *
 * @param found paths relative to the context
 */
export function incompleteProblems(
  found: readonly { readonly path: string; readonly kind: keyof typeof TEXTS }[],
  image: string,
): Problem[] {
  return Object.entries(TEXTS).flatMap(([kind, { one, fix }]) => {
    const paths = found.filter((part) => part.kind === kind).map((part) => part.path);
    if (paths.length === 0) return [];
    const shown = paths
      .sort()
      .slice(0, SHOWN)
      .map((name) => JSON.stringify(name));
    const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : "";
    return [
      {
        code: "context-incomplete",
        path: image,
        message: `the build context is incomplete, ${one}: ${shown.join(", ")}${more}`,
        hint: `${fix}, or name it in .dockerignore`,
      },
    ];
  });
}

/** Submodules that are not checked out, at any depth, and files that a sparse checkout leaves out. */
export async function readMissingParts(dir: string): Promise<MissingPart[]> {
  const root = await findRoot(dir);
  const real = root && (await realPath(root));
  return real === undefined ? [] : missingIn(real);
}

/** The root of a folder's repository; undefined outside of a repository. */
async function findRoot(dir: string): Promise<string | undefined> {
  const { code, stdout } = await git(dir, ["rev-parse", "--show-toplevel"]);
  return code === 0 ? stdout.replace(/\r?\n$/, "") : undefined;
}

async function missingIn(root: string): Promise<MissingPart[]> {
  // `S 100644 <object> 0<tab>path`; S marks a file that the working tree should not have.
  const listed = (await gitText(root, ["ls-files", "--stage", "-t", "-z"])).split("\0");
  const rows = listed.flatMap((row) => {
    const [, tag, mode, name] = /^(\S) (\d+) \S+ \d\t(.*)$/s.exec(row) ?? [];
    return name === undefined ? [] : [{ tag, mode, file: path.join(root, name) }];
  });
  const submodules = rows.filter(({ mode }) => mode === "160000");
  const below = await Promise.all(submodules.map(({ file }) => missingInSubmodule(root, file)));
  // The same bit can be set by hand (update-index --skip-worktree) for a file that exists.
  const sparse = rows.filter(
    ({ tag, mode, file }) =>
      tag === "S" && mode !== "160000" && lstatSync(file, { throwIfNoEntry: false }) === undefined,
  );
  return [...below.flat(), ...sparse.map(({ file }) => ({ path: file, kind: "sparse" as const }))];
}

async function missingInSubmodule(root: string, folder: string): Promise<MissingPart[]> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.every((name) => name === ".git")) {
    const isNamed = (await readFile(path.join(root, ".gitmodules")).catch(() => undefined)) !== undefined;
    return [{ path: folder, kind: isNamed ? "submodule" : "nested-repository" }];
  }
  // Files without a `.git` were copied there by hand, and are the content.
  return names.includes(".git") ? missingIn(folder) : [];
}

/** The missing parts that a build would read. */
export async function missingFromContext(
  contextDir: string,
  rules: Pick<IgnoreRules, "ignores">,
  missing: readonly MissingPart[],
): Promise<{ readonly path: string; readonly kind: MissingPart["kind"] }[]> {
  const context = (await realPath(contextDir)) ?? contextDir;
  return missing.flatMap(({ path: file, kind }) => {
    // The context itself may lie in a submodule that is missing.
    if (kind !== "sparse" && isInside(file, context)) return [{ path: ".", kind }];
    if (!isInside(context, file)) return [];
    const name = path.relative(context, file).split(path.sep).join("/");
    return rules.ignores(kind === "sparse" ? name : `${name}/file`) ? [] : [{ path: name, kind }];
  });
}

/** Whether a folder's repository has submodules and files in Git LFS; neither outside of a repository or without git. */
export async function readCheckoutNeeds(dir: string): Promise<CheckoutNeeds> {
  const root = await findRoot(dir).catch((error: unknown) => {
    if (error instanceof ProblemError) return undefined;
    throw error;
  });
  if (root === undefined) return { submodules: false, lfs: false };
  const patterns = [":(glob).gitmodules", ":(glob)**/.gitattributes"];
  const listed = await gitText(root, [
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "-z",
    "--",
    ...patterns,
  ]);
  const files = listed.split("\0").filter((name) => name !== "");
  const attributes = await Promise.all(
    files
      .filter((name) => name !== ".gitmodules")
      .map((name) => readFile(path.join(root, name), "utf8").catch(() => "")),
  );
  return {
    submodules: files.includes(".gitmodules"),
    lfs: attributes.some((text) => /^(?!\s*#).*\sfilter=lfs(?:\s|$)/m.test(text)),
  };
}
