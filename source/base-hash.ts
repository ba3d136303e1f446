import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join, resolve } from "node:path";
import type { ImageConfig } from "../plan/config";
import type { Problem } from "../plan/problem";
import { findBaseFiles } from "./base-files";
import { isInside, realPath } from "./inside";

export interface BaseHash {
  /** 12 hex digits: the pinned ones, else the computed ones. */
  readonly hash: string;
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
 * What a base is made of, as this recipe gives it in the C locale:
 *
 *     { cat Dockerfile.base
 *       find rootfs -type f ! -path '*\/__pycache__/*' ! -name '*.pyc' ! -name '.DS_Store' ! -name '._*' -print0 |
 *         sort -z | xargs -0 cat
 *       cat entrypoint.sh entrypoint-user.sh
 *     } | sha256sum | cut -c1-12
 *
 * Bytes of files alone, in order: no names, modes or dates, so it is the same on every machine. Nothing throws.
 */
export async function readBaseHash(input: BaseHashInput): Promise<BaseHash> {
  const { name, addressed } = input.image;
  const contextDir = resolve(input.projectDir, input.image.context);
  const found = await findFiles(input, contextDir);
  const computed = found.problems.length > 0 ? undefined : await hashOf(contextDir, found.files);
  if (computed instanceof Error) found.problems.push(unreadable(input.path, computed));
  const text = typeof computed === "string" ? computed : undefined;
  const pinned = addressed?.hash;
  const difference =
    pinned === undefined || text === undefined || pinned === text
      ? []
      : [`${name}: the pinned base-${pinned} is taken; this working tree's own is base-${text}`];
  return {
    hash: pinned ?? text ?? UNKNOWN,
    notices: [...difference, ...linkNotices(name, found.links)],
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

async function hashOf(contextDir: string, files: readonly string[]): Promise<string | Error> {
  const hash = createHash("sha256");
  try {
    for (const file of files)
      for await (const piece of createReadStream(join(contextDir, file))) hash.update(piece);
    return hash.digest("hex").slice(0, 12);
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
    `${name}: symbolic links are in the base and not in its hash (${shown}): a changed link alone builds nothing`,
  ];
}
