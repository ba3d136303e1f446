import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readlink, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ImageConfig } from "../plan/config";
import { baseKey, type ContextFile, pinnedBaseKey } from "../plan/content-key";
import type { Problem } from "../plan/problem";
import { findBaseFiles } from "./base-files";
import { isInside, realPath } from "./inside";

export interface BaseHash {
  /** 12 hex digits, only for the tag: the pinned ones, else the computed ones. */
  readonly hash: string;
  /** The content key, 64 hex digits. */
  readonly key: string;
  readonly notices: readonly string[];
  /** `base-include`, `base-outside`, `base-unreadable` */
  readonly problems: readonly Problem[];
}

export interface BaseHashInput {
  readonly projectDir: string;
  readonly image: Pick<ImageConfig, "name" | "context" | "dockerfile" | "addressed">;
  /** Path shown in problems, e.g. `slipway:base`. */
  readonly path: string;
}

/** Stands where nothing can be computed; the problem beside it stops the release. */
const UNKNOWN = "0".repeat(12);

/**
 * What a base is made of: its content key, and the label in its tag, as this recipe gives it in the C locale:
 *
 *     { cat Dockerfile.base
 *       find rootfs -type f ! -path '*\/__pycache__/*' ! -name '*.pyc' ! -name '.DS_Store' ! -name '._*' -print0 |
 *         sort -z | xargs -0 cat
 *       cat entrypoint.sh entrypoint-user.sh
 *     } | sha256sum | cut -c1-12
 *
 * The label covers only the bytes of files, without names, modes, links or boundaries, and is so short that two
 * contents with the same one can be found. The content key distinguishes them. Nothing throws.
 */
export async function readBaseHash(input: BaseHashInput): Promise<BaseHash> {
  const { name, addressed } = input.image;
  const contextDir = resolve(input.projectDir, input.image.context);
  const found = await findFiles(input, contextDir);
  const computed = found.problems.length > 0 ? undefined : await hashOf(contextDir, found.files, found.links);
  if (computed instanceof Error) found.problems.push(unreadable(input.path, computed));
  const own = computed instanceof Error ? undefined : computed;
  const hash = addressed?.hash ?? own?.hash ?? UNKNOWN;
  const isOwn = own?.hash === hash;
  return {
    hash,
    key: isOwn ? own.key : pinnedBaseKey(hash),
    notices: [
      ...(own === undefined || isOwn
        ? []
        : [`${name}: the pinned base-${hash} is taken; this working tree's own is base-${own.hash}`]),
      ...linkNotices(name, found.links),
    ],
    problems: found.problems,
  };
}

async function findFiles(
  { image, path, projectDir }: BaseHashInput,
  contextDir: string,
): Promise<{ files: string[]; links: string[]; problems: Problem[] }> {
  const files = [image.dockerfile];
  const links: string[] = [];
  const problems: Problem[] = [];
  const project = await realPath(projectDir);
  for (const [index, pattern] of (image.addressed?.include ?? []).entries()) {
    const where = `${path}.include[${index}]`;
    try {
      const found = await findBaseFiles(contextDir, pattern);
      if (found.files.length === 0) {
        problems.push({
          code: "base-include",
          path: where,
          message: `${JSON.stringify(pattern)} matches no file in ${contextDir}`,
          hint: "Correct it, or take it out: a base that lacks a part would get another part's hash",
        });
      }
      for (const file of found.files) {
        const real = await realPath(join(contextDir, file));
        if (project === undefined || real === undefined || isInside(project, real)) continue;
        const message = `${JSON.stringify(file)} leads out of the project, to ${real}`;
        problems.push({ code: "base-outside", path: where, message });
      }
      files.push(...found.files);
      links.push(...found.links);
    } catch (error) {
      problems.push(unreadable(where, error));
    }
  }
  return { files, links, problems };
}

async function hashOf(
  contextDir: string,
  [dockerfile = "", ...files]: readonly string[],
  links: readonly string[],
): Promise<{ hash: string; key: string } | Error> {
  const recipe = createHash("sha256");
  const digestOf = async (file: string) => {
    const hash = createHash("sha256");
    for await (const piece of createReadStream(join(contextDir, file))) {
      recipe.update(piece);
      hash.update(piece);
    }
    return hash.digest("hex");
  };
  try {
    const text = await digestOf(dockerfile);
    const entries: Omit<ContextFile, "size">[] = [];
    for (const path of files) {
      const digest = await digestOf(path);
      const { mode } = await stat(join(contextDir, path));
      entries.push({ path, mode: (mode & 0o100) === 0 ? "file" : "executable", digest });
      if ((await lstat(join(contextDir, path))).isSymbolicLink()) links = [...links, path];
    }
    for (const path of links) {
      const digest = createHash("sha256")
        .update(await readlink(join(contextDir, path)))
        .digest("hex");
      entries.push({ path, mode: "symlink", digest });
    }
    return { hash: recipe.digest("hex").slice(0, 12), key: baseKey(text, entries) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function unreadable(path: string, error: unknown): Problem {
  const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  return { code: "base-unreadable", path, message };
}

function linkNotices(name: string, links: readonly string[]): string[] {
  if (links.length === 0) return [];
  const shown = links.slice(0, 3).join(", ") + (links.length > 3 ? ", …" : "");
  return [
    `${name}: symbolic links are part of the base and not of the hash in its tag (${shown}): with a link, change a file too`,
  ];
}
