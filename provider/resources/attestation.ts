import canonicalize from "canonicalize";
import { z } from "zod";
import { IN_TOTO_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../../plan/annotations";
import { type Digest, isDigest } from "../../plan/digest";
import { parseStatement, type ReleaseStatement } from "../../plan/statement";
import { attachReferrer } from "../../registry/referrers";
import { imageSignatureBytes, releaseStatementBytes } from "../../trust/in-toto";
import type { ReleaseSigner } from "../../trust/release-signer";
import type { Properties } from "../properties";
import { type Context, resource } from "../resource";
import { digestInput, repositoryInput } from "../schemas";

const inputs = z.object({
  image: z.string(),
  repositories: z.array(repositoryInput).min(1),
  digest: digestInput,
  /** The predicate, a release statement; absent for a release without a version. */
  statement: z
    .custom<ReleaseStatement>((value) => parseStatement(value) !== undefined, "is not a release statement")
    .optional(),
  /** Whether the digest and the statement are signed; how is the provider's configuration. */
  sign: z.enum(["none", "key", "keyless"]).default("none"),
});

type AttestationInputs = z.output<typeof inputs>;

/** What is attached, `host/path@digest` of each referrer, so that it can be looked for. */
interface Attached {
  readonly referrers: readonly string[];
  /** Who signed; empty if unsigned. */
  readonly signer: string;
}

/**
 * The release statement as a referrer of the digest, and, where releases are signed, Sigstore bundles with the signed
 * digest and the signed statement, in every registry. The statement is the same bytes each time, so there is no clock
 * in it; a valid signature by the same signer is found and kept.
 */
export const attestation = resource({
  token: "slipway-registry:index:Attestation",
  schema: inputs,

  diff: async (context, { olds, news }) => {
    const same = canonicalize(olds.inputs.statement) === canonicalize(news.statement);
    if (news.digest === undefined || olds.inputs.digest !== news.digest || !same)
      return { changed: ["digest"] };
    // State of an older version lacks what others read; one update, which writes nothing, completes it.
    if (!Array.isArray(olds.outputs.referrers)) return { changed: ["referrers"] };
    const before = { sign: olds.inputs.sign ?? "none", signer: olds.outputs.signer };
    if (before.sign !== news.sign) return { changed: ["sign"] };
    // A refresh has no key of the stack, and signs nothing.
    const signer = context.signing.isAtHand ? (await signerOf(context, news))?.name : before.signer;
    if (before.signer !== (signer ?? "")) return { changed: ["sign"] };
    const missing = await lacking(context, news, news.digest, olds.outputs);
    return { changed: missing.length === 0 ? [] : ["repositories"] };
  },

  create: async (context, news, { preview }) => ({
    id: idOf(news),
    outputs: preview ? await previewed(context, news) : await attach(context, news),
  }),

  update: async (context, { news }, { preview }) =>
    preview ? previewed(context, news) : attach(context, news),

  read: async (context, { inputs: known, outputs }) => {
    if (known.digest === undefined) return { inputs: known, outputs };
    const missing = await lacking(context, known, known.digest, outputs);
    if (missing.length === known.repositories.length) return undefined;
    const repositories = known.repositories.filter((repository) => !missing.includes(repository));
    return { inputs: { ...known, repositories }, outputs: { ...outputs, repositories } };
  },
});

function idOf({ image, statement }: AttestationInputs): string {
  return `${image}:${statement?.version ?? "unversioned"}`;
}

/** The preview already reports a key that cannot be read. */
async function previewed(context: Context, news: AttestationInputs): Promise<object> {
  await signerOf(context, news);
  return news;
}

async function signerOf(
  { signing }: Context,
  { sign: mode }: AttestationInputs,
): Promise<ReleaseSigner | undefined> {
  if (mode === "none") return undefined;
  const signer = await signing.signer();
  if (signer === undefined)
    throw new Error(`signing is requested (${mode}), but the provider is not configured for it`);
  return signer;
}

/** Repositories in which something that was attached is not listed any more. */
async function lacking(
  context: Context,
  { repositories }: AttestationInputs,
  digest: Digest,
  outputs: Properties,
): Promise<string[]> {
  const found = await Promise.all(
    repositories.map(async (repository) => {
      const wanted = referrersOf(outputs, repository);
      const { client, path } = context.registries.at(repository);
      const listed = (await client.referrers(path, digest)).map((referrer) => referrer.digest);
      const isWhole = wanted.length > 0 && wanted.every((referrer) => listed.includes(referrer));
      return isWhole ? undefined : repository;
    }),
  );
  return found.filter((repository) => repository !== undefined);
}

/** State of an older version has one referrer, the same in every registry: `manifest`. */
function referrersOf({ referrers, manifest }: Properties, repository: string): Digest[] {
  const known: unknown[] = Array.isArray(referrers) ? referrers : [`${repository}@${String(manifest)}`];
  return known.flatMap((reference) => {
    const [at, digest] = String(reference).split("@");
    return at === repository && isDigest(digest) ? [digest] : [];
  });
}

async function attach(context: Context, news: AttestationInputs): Promise<Attached & AttestationInputs> {
  const { digest, image, statement } = news;
  if (digest === undefined) throw new Error(`${image}: the digest to state is not known`);
  const bytes = statement === undefined ? undefined : releaseStatementBytes(image, digest, statement);
  const stated = bytes === undefined ? [] : await attachStatement(context, news, digest, bytes);
  const signed = await sign(context, news, digest, bytes);
  return { ...news, referrers: [...stated, ...signed.referrers], signer: signed.signer };
}

/** The statement as it is, for those who plan releases by it. */
function attachStatement(
  context: Context,
  { repositories }: AttestationInputs,
  digest: Digest,
  bytes: Uint8Array,
): Promise<string[]> {
  return Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      const subject = await client.headManifest(path, digest);
      if (subject === undefined) throw new Error(`${repository} does not hold ${digest}`);
      const { descriptor } = await attachReferrer({
        client,
        repository: path,
        subject,
        artifactType: STATEMENT_ARTIFACT_TYPE,
        layers: [{ bytes, mediaType: IN_TOTO_MEDIA_TYPE }],
      });
      return `${repository}@${descriptor.digest}`;
    }),
  );
}

/** The digest itself, and the statement about it, each in a bundle of its own: one after the other, by one listing. */
async function sign(
  context: Context,
  news: AttestationInputs,
  digest: Digest,
  statement: Buffer | undefined,
): Promise<Attached> {
  const signer = await signerOf(context, news);
  if (signer === undefined) return { referrers: [], signer: "" };
  const { attachSignature } = await import("../../trust/attach-signature.js");
  const places = news.repositories.map((repository) => context.registries.at(repository));
  const referrers: string[] = [];
  for (const payload of [imageSignatureBytes(digest), ...(statement === undefined ? [] : [statement])]) {
    const signatures = await attachSignature(places, digest, payload, signer);
    referrers.push(...signatures.map(({ repository, referrer }) => `${repository}@${referrer}`));
  }
  return { referrers, signer: signer.name };
}
