import { existsSync } from "node:fs";
import { isDigest } from "../plan/digest";
import type { ManifestImage, ReleaseManifest } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import { manifestRelease } from "../plan/promotion";
import { promotionRequest } from "../plan/promotion-gate";
import { parseReference, repositoryKey } from "../plan/reference";
import type { PromotionRules, Verdict, VerifyRequest, VerifyRules } from "../plan/trust";
import { providerConfig } from "../provider/provider-config";
import { NO_CONFIG, Registries } from "../provider/registries";
import { Signing, signingConfig } from "../provider/signing";
import { readManifestFile } from "../report/read-manifest-file";
import { verifyImage } from "../trust/verify-image";
import type { VerifyOptions } from "./commands/verify";
import { readVerifyStack, verifyRules } from "./verify-rules";

/**
 * Verifies a reference, or every image of a release manifest in every registry.
 *
 * @param target `ghcr.io/octo/app:1.2.3`, or a file that exists
 * @throws ProblemError where the target, a file of the rules or the stack's file cannot be read
 */
export async function verifyTarget(
  target: string,
  options: VerifyOptions,
  env: NodeJS.ProcessEnv,
): Promise<Verdict[]> {
  const { stack: name } = options;
  const stack = name === undefined ? undefined : await readVerifyStack({ ...options, stack: name }, env);
  const registries = new Registries(stack === undefined ? NO_CONFIG : providerConfig(stack.config), env);
  const connect = (host: string) => registries.connect(host).client;
  const rules = await verifyRules(options, stack?.rules);
  const asked = askedFor(options);
  const requests = existsSync(target)
    ? manifestRequests(await readManifestFile(target), rules, asked)
    : [await referenceRequest(target, { ...rules, ...asked }, registries)];
  const now = new Date();
  const signing = stack === undefined ? undefined : signingConfig(stack.config);
  const own = await new Signing(signing, env, stack?.config.envPrefix).trusts();
  return (await Promise.all(requests.map((request) => verifyImage(request, connect, now, own)))).flat();
}

type Asked = Pick<VerifyRules, "image" | "revision">;

function askedFor({ image, revision }: VerifyOptions): Asked {
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(image === undefined ? {} : { image }),
  };
}

async function referenceRequest(
  target: string,
  rules: VerifyRules,
  registries: Registries,
): Promise<VerifyRequest> {
  const reference = parseTarget(target);
  const repository = repositoryKey(reference);
  const { client, path } = registries.at(repository);
  const digest = isDigest(reference.digest)
    ? reference.digest
    : (await client.headManifest(path, reference.tag ?? "latest"))?.digest;
  if (digest === undefined) throw refused("verify-missing", target, "there is no such image");
  const tag = isDigest(reference.digest) ? {} : { tag: reference.tag ?? "latest" };
  return { repositories: [repository], digest, rules: { ...rules, ...tag } };
}

function parseTarget(target: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(target);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refused("verify-target", target, `is no file, and no image's reference: ${reason}`);
  }
}

/** The manifest says what each image has to be, where the options do not: what a promotion of it would ask for. */
function manifestRequests(manifest: ReleaseManifest, rules: PromotionRules, asked: Asked): VerifyRequest[] {
  if (manifest.images.length === 0) {
    throw refused("verify-target", "images", "the manifest has no image, so nothing would be verified");
  }
  return manifest.images.map((image) => {
    const base = isBase(image) ? { addressed: { include: [] } } : {};
    const request = promotionRequest(rules, base, manifestRelease(manifest, image), image.repositories);
    // A manifest does not say in which lane an image was released.
    const { lane: _, ...known } = request.rules;
    return { ...request, rules: { ...known, ...asked } };
  });
}

function isBase({ tags }: ManifestImage): boolean {
  return tags.some(({ name }) => /^base-[0-9a-f]{12}$/.test(name));
}

function refused(code: string, path: string, message: string): ProblemError {
  return new ProblemError("Nothing was verified:", [{ code, path, message }]);
}
