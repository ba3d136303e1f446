import { z } from "zod";
import { type Digest, isDigest } from "../plan/digest";

/** What the engine sends for an output that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A digest, or undefined while the engine does not know it yet. docker-build previews an update as `""`. */
export const digestInput = z
  .custom<Digest | typeof UNKNOWN | "">(
    (value) => value === UNKNOWN || value === "" || isDigest(value),
    "is not a sha256 digest",
  )
  .optional()
  .transform((value): Digest | undefined => (isDigest(value) ? value : undefined));

/** `host/path`. */
export const repositoryInput = z.string().regex(/^[^/]+\/.+$/, 'is not a repository ("host/path")');
