import canonicalize from "canonicalize";
import { z } from "zod";
import { STATEMENT_ARTIFACT_TYPE, STATEMENT_PREDICATE_TYPE } from "../../plan/annotations";
import type { Digest } from "../../plan/digest";
import { attachReferrer } from "../../registry/referrers";
import { type Context, resource } from "../resource";
import { digestInput, repositoryInput } from "../schemas";

/** @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
const IN_TOTO_STATEMENT = "https://in-toto.io/Statement/v1";
const IN_TOTO_MEDIA_TYPE = "application/vnd.in-toto+json";

const inputs = z.object({
  image: z.string(),
  repositories: z.array(repositoryInput).min(1),
  digest: digestInput,
  /** The predicate, a release statement. */
  statement: z.record(z.string(), z.unknown()),
});

type AttestationInputs = z.output<typeof inputs>;

/** A release statement as a referrer of the digest, in every registry: the same bytes each time, so no clock in it. */
export const attestation = resource({
  token: "slipway-registry:index:Attestation",
  schema: inputs,

  diff: async (context, { olds, news }) => {
    const same = canonicalize(olds.inputs.statement) === canonicalize(news.statement);
    if (news.digest === undefined || olds.inputs.digest !== news.digest || !same)
      return { changed: ["digest"] };
    const missing = await lacking(context, news, news.digest, olds.outputs.manifest);
    return { changed: missing.length === 0 ? [] : ["repositories"] };
  },

  create: async (context, news, { preview }) => ({
    id: `${news.image}:${String(news.statement.version)}`,
    outputs: preview ? news : await attach(context, news),
  }),

  update: async (context, { news }, { preview }) => (preview ? news : attach(context, news)),

  read: async (context, { inputs: known, outputs }) => {
    if (known.digest === undefined) return { inputs: known, outputs };
    const missing = await lacking(context, known, known.digest, outputs.manifest);
    if (missing.length === known.repositories.length) return undefined;
    const repositories = known.repositories.filter((repository) => !missing.includes(repository));
    return { inputs: { ...known, repositories }, outputs: { ...outputs, repositories } };
  },
});

async function lacking(
  context: Context,
  { repositories }: AttestationInputs,
  digest: Digest,
  manifest: unknown,
): Promise<string[]> {
  const found = await Promise.all(
    repositories.map(async (repository) => {
      const { client, path } = context.registries.at(repository);
      const referrers = await client.referrers(path, digest, STATEMENT_ARTIFACT_TYPE);
      return referrers.some((referrer) => referrer.digest === manifest) ? undefined : repository;
    }),
  );
  return found.filter((repository) => repository !== undefined);
}

async function attach(context: Context, news: AttestationInputs): Promise<object> {
  const { digest } = news;
  if (digest === undefined) throw new Error(`${news.image}: the digest to state is not known`);
  const bytes = statementBytes(news.image, digest, news.statement);
  const attached = await Promise.all(
    news.repositories.map(async (repository) => {
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
      return descriptor.digest;
    }),
  );
  return { ...news, manifest: attached[0] };
}

function statementBytes(image: string, digest: Digest, predicate: object): Uint8Array {
  const text = canonicalize({
    _type: IN_TOTO_STATEMENT,
    subject: [{ name: image, digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType: STATEMENT_PREDICATE_TYPE,
    predicate,
  });
  if (text === undefined) throw new Error("a release statement cannot be written as JSON");
  return new TextEncoder().encode(text);
}
