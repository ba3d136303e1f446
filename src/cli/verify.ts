import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../plan/config";
import { isDigest } from "../plan/digest";
import type { ManifestImage, ReleaseManifest } from "../plan/manifest";
import { ProblemError, reasonOf } from "../plan/problem";
import { manifestRelease, promotionGate, promotionRequest } from "../plan/promotion";
import { parseReference, repositoryKey } from "../plan/reference";
import type { PromotionRules, RequiredSigner, Verdict, VerifyRequest, VerifyRules } from "../plan/trust";
import { NO_CONFIG, providerConfig, signingConfig } from "../release/provider-config";
import { Registries } from "../release/registries";
import { Signing } from "../release/signing";
import { readManifestFile } from "../report/manifest-file";
import type { Environment } from "../settings/environment";
import { verifyImage } from "../signing/verify-image";
import type { VerifyOptions } from "./commands/verify";
import { readStackConfig } from "./plan/plan-stack";

/**
 * Verifies a reference, or every image of a release manifest in every registry.
 *
 * @param target `ghcr.io/octo/app:1.2.3`, or a file that exists
 */
export async function verifyTarget(
  target: string,
  options: VerifyOptions,
  env: NodeJS.ProcessEnv,
): Promise<Verdict[]> {
  const { stack: name, image, revision } = options;
  const stack = name === undefined ? undefined : await readVerifyStack(name, options.cwd, env);
  const registries = new Registries(stack === undefined ? NO_CONFIG : providerConfig(stack.config), env);
  const connect = (host: string) => registries.connect(host).client;
  const rules = await verifyRules(options, stack?.rules);
  const requests = existsSync(target)
    ? manifestRequests(await readManifestFile(target), rules, options)
    : [await referenceRequest(target, { ...rules, image, revision }, registries)];
  const now = new Date();
  const signing = stack === undefined ? undefined : signingConfig(stack.config);
  const own = await new Signing(signing, env, stack?.config.envPrefix).trusts();
  return (await Promise.all(requests.map((request) => verifyImage(request, connect, now, own)))).flat();
}

type Asked = Pick<VerifyOptions, "image" | "revision">;

async function referenceRequest(
  target: string,
  rules: VerifyRules,
  registries: Registries,
): Promise<VerifyRequest> {
  const reference = parseTarget(target);
  const repository = repositoryKey(reference);
  const { client, path: at } = registries.at(repository);
  const digest = isDigest(reference.digest)
    ? reference.digest
    : (await client.headManifest(at, reference.tag ?? "latest"))?.digest;
  if (digest === undefined) throw refused("verify-missing", target, "there is no such image");
  const tag = isDigest(reference.digest) ? {} : { tag: reference.tag ?? "latest" };
  return { repositories: [repository], digest, rules: { ...rules, ...tag } };
}

function parseTarget(target: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(target);
  } catch (error) {
    throw refused("verify-target", target, `is neither a file nor an image's reference: ${reasonOf(error)}`);
  }
}

/** Requires of each image what a promotion of the manifest would require; the options come first. */
function manifestRequests(
  manifest: ReleaseManifest,
  rules: PromotionRules,
  { image: name, revision }: Asked,
): VerifyRequest[] {
  if (manifest.images.length === 0) {
    throw refused("verify-target", "images", "the manifest has no image, so nothing would be verified");
  }
  return manifest.images.map((image) => {
    const base = isBase(image) ? { addressed: { include: [] } } : {};
    const request = promotionRequest(rules, base, manifestRelease(manifest, image), image.repositories);
    // A manifest does not contain the lane of an image.
    const { lane: _, ...known } = request.rules;
    const asked = { image: name ?? known.image, revision: revision ?? known.revision };
    return { ...request, rules: { ...known, ...asked } };
  });
}

function isBase({ tags }: ManifestImage): boolean {
  return tags.some(({ name }) => /^base-[0-9a-f]{12}$/.test(name));
}

function refused(code: string, at: string, message: string, hint?: string): ProblemError {
  return new ProblemError("Nothing was verified:", [{ code, path: at, message, hint }]);
}

/** The rules by which a stack promotes: `promote.verify` and its policy. */
async function readVerifyStack(
  stack: string,
  cwd: string,
  env: Environment,
): Promise<{ readonly config: Config; readonly rules: PromotionRules }> {
  const config = await readStackConfig({ projectDir: path.resolve(cwd), stack, env });
  const rules = promotionGate(config);
  if (rules === undefined) {
    throw refused(
      "verify-rules",
      "promote.verify",
      `the stack ${stack} requires no evidence of what it promotes`,
      "Set slipway:promote.verify in its file, or name the required signer by flags.",
    );
  }
  return { config, rules };
}

async function verifyRules(
  options: VerifyOptions,
  stack: PromotionRules | undefined,
): Promise<PromotionRules> {
  const { predicate, platform, builder, source, minAge, maxAge, denyLicence } = options;
  const signer = (await signerOf(options)) ?? stack?.signer;
  if (signer === undefined) throw new Error("the signer is missing: --key, --subject or --stack");
  return {
    ...stack,
    signer,
    predicates: predicate.length > 0 ? predicate : (stack?.predicates ?? ["signature", "statement"]),
    platforms: platform.length > 0 ? platform : (stack?.platforms ?? []),
    builder: builder ?? stack?.builder,
    source: source ?? stack?.source,
    minAge: minAge ?? stack?.minAge,
    maxAge: maxAge ?? stack?.maxAge,
    licences:
      denyLicence.length === 0
        ? stack?.licences
        : { unknown: stack?.licences?.unknown ?? "allow", licences: denyLicence },
  };
}

async function signerOf({
  key,
  subject,
  issuer,
  trustedRoot,
}: VerifyOptions): Promise<RequiredSigner | undefined> {
  if (key !== undefined) return { kind: "key", publicKey: await text("--key", key) };
  if (subject === undefined) return undefined;
  const root = trustedRoot === undefined ? undefined : await text("--trusted-root", trustedRoot);
  return { kind: "identity", subject, issuer, trustedRoot: root };
}

function text(option: string, file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw refused("verify-file", option, `${JSON.stringify(file)} cannot be read`);
  });
}
