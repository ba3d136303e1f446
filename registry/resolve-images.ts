import type { Digest } from "../plan/digest";
import { isDigest } from "../plan/digest";
import type { Problem } from "../plan/problem";
import { parseReference } from "../plan/reference";
import type { RegistryClient } from "./client";
import { RegistryError } from "./errors";

export interface ResolvedImages {
  /** Reference -> digest. */
  readonly digests: Readonly<Record<string, Digest>>;
  readonly problems: readonly Problem[];
}

/** For what a release can do without: do not wait for a registry that does not answer. */
export const QUICK = { attempts: 2, deadlineMs: 5_000 } as const;

/** What each reference points to now. One that is pinned by digest needs no request. */
export async function resolveImageDigests(
  references: readonly string[],
  connect: (host: string) => RegistryClient,
): Promise<ResolvedImages> {
  const digests: Record<string, Digest> = {};
  const problems: Problem[] = [];
  await Promise.all(
    references.map(async (reference) => {
      const { host, path, tag, digest } = parseReference(reference);
      if (isDigest(digest)) {
        digests[reference] = digest;
        return;
      }
      try {
        const found = await connect(host).headManifest(path, tag ?? "latest");
        if (found === undefined) problems.push(missing(reference));
        else digests[reference] = found.digest;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        problems.push({ ...error.toProblem(), path: reference });
      }
    }),
  );
  return { digests, problems };
}

function missing(reference: string): Problem {
  return {
    code: "base-not-found",
    path: reference,
    message: "the Dockerfile builds on this image, and its registry does not have it",
    hint: "Check the name and the tag, or sign in to its registry.",
  };
}
