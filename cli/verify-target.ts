import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isDigest } from "../plan/digest";
import type { ManifestImage, ReleaseManifest } from "../plan/manifest";
import { ProblemError } from "../plan/problem";
import { parseReference, repositoryKey } from "../plan/reference";
import type { Verdict, VerifyRequest, VerifyRules, WantedSigner } from "../plan/trust";
import { NO_CONFIG, Registries } from "../provider/registries";
import { readManifestFile } from "../report/read-manifest-file";
import { verifyImage } from "../trust/verify-image";
import type { VerifyOptions } from "./commands/verify";

/**
 * Verifies a reference, or every image of a release manifest in every registry.
 *
 * @param target `ghcr.io/octo/app:1.2.3`, or a file that exists
 * @throws ProblemError where the target or a file of the rules cannot be read
 */
export async function verifyTarget(
  target: string,
  options: VerifyOptions,
  env: NodeJS.ProcessEnv,
): Promise<Verdict[]> {
  const registries = new Registries(NO_CONFIG, env);
  const connect = (host: string) => registries.connect(host).client;
  const rules = await rulesOf(options);
  const requests = existsSync(target)
    ? manifestRequests(await readManifestFile(target), rules)
    : [await referenceRequest(target, rules, registries)];
  const now = new Date();
  return (await Promise.all(requests.map((request) => verifyImage(request, connect, now)))).flat();
}

async function rulesOf(options: VerifyOptions): Promise<VerifyRules> {
  const { predicate, platform, builder, source, revision, image, minAge, maxAge } = options;
  return {
    signer: await signerOf(options),
    predicates: predicate.length === 0 ? ["signature", "statement"] : predicate,
    platforms: platform,
    ...(builder === undefined ? {} : { builder }),
    ...(source === undefined ? {} : { source }),
    ...(revision === undefined ? {} : { revision }),
    ...(image === undefined ? {} : { image }),
    ...(minAge === undefined ? {} : { minAge }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}

async function signerOf({ key, subject, issuer, trustedRoot }: VerifyOptions): Promise<WantedSigner> {
  if (subject === undefined) return { kind: "key", publicKey: await text("--key", key ?? "") };
  const root = trustedRoot === undefined ? {} : { trustedRoot: await text("--trusted-root", trustedRoot) };
  return { kind: "identity", subject, issuer, ...root };
}

function text(option: string, file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw refused("verify-file", option, `${JSON.stringify(file)} cannot be read`);
  });
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
  return { repositories: [repository], digest, rules };
}

function parseTarget(target: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(target);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refused("verify-target", target, `is no file, and no image's reference: ${reason}`);
  }
}

/** The manifest says what each image has to be, where the options do not. */
function manifestRequests(manifest: ReleaseManifest, rules: VerifyRules): VerifyRequest[] {
  if (manifest.images.length === 0) {
    throw refused("verify-target", "images", "the manifest has no image, so nothing would be verified");
  }
  return manifest.images.map((image) => ({
    repositories: image.repositories,
    digest: image.digest,
    rules: { ...rules, ...expected(manifest, image, rules) },
  }));
}

function expected(
  manifest: ReleaseManifest,
  image: ManifestImage,
  rules: VerifyRules,
): Pick<VerifyRules, "image" | "revision" | "platforms"> {
  const platforms = [...new Set([...image.platforms, ...rules.platforms])].sort();
  if (!rules.predicates.includes("statement")) return { platforms };
  return {
    platforms,
    image: rules.image ?? image.name,
    revision: rules.revision ?? image.revision ?? manifest.revision,
  };
}

function refused(code: string, path: string, message: string): ProblemError {
  return new ProblemError("Nothing was verified:", [{ code, path, message }]);
}
