import type { Digest } from "../plan/digest";
import type { Problem } from "../plan/problem";
import { parseReference } from "../plan/reference";
import type { FoundImage, RegistryState } from "../plan/registry-state";
import type { Verdict, VerifyRequest, VerifyRules } from "../plan/trust";
import type { RegistryClient } from "./client";
import { RegistryError } from "./errors";
import { readImage } from "./read-image";
import type { ReadSigned, StateRequest } from "./read-state";

export interface InspectedImages {
  /** Reference -> what is there. A reference without an image has no entry. */
  readonly found: Readonly<Record<string, FoundImage>>;
  /** References that could not be asked about; `path` is the reference. */
  readonly problems: readonly Problem[];
}

/** What a plan reads from registries. */
export interface RegistryReader {
  /** `quick`: a registry that does not answer is not waited for. */
  readonly resolveImages: (
    references: readonly string[],
    options?: { readonly quick?: boolean },
  ) => Promise<{ digests: Readonly<Record<string, Digest>>; problems: readonly Problem[] }>;
  /** @param signer whose statements are trusted; default: the stack's own */
  readonly inspectImages: (
    references: readonly string[],
    signer?: VerifyRules["signer"],
  ) => Promise<InspectedImages>;
  readonly readRegistries: (request: StateRequest) => Promise<RegistryState>;
  /** A verdict for each repository of the request. */
  readonly verifyImage: (request: VerifyRequest) => Promise<readonly Verdict[]>;
}

/** What references (`host/path:tag`, `host/path@digest`) are, with their release statements. Needs pull rights only. */
export async function inspectImages(
  references: readonly string[],
  connect: (host: string) => RegistryClient,
  readSigned?: ReadSigned,
): Promise<InspectedImages> {
  const found: Record<string, FoundImage> = {};
  const problems: Problem[] = [];
  await Promise.all(
    references.map(async (reference) => {
      const { host, path, tag, digest } = parseReference(reference);
      try {
        const image = await readImage(connect(host), path, digest ?? tag ?? "latest", { statements: true });
        if (image === undefined) return;
        const signed = await readSigned?.(`${host}/${path}`, image.digest);
        found[reference] = { ...image, ...(signed === undefined ? {} : { signed }) };
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        problems.push({ ...error.toProblem(), path: reference });
      }
    }),
  );
  return { found, problems };
}
