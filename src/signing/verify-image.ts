import { type Problem, reasonOf } from "../plan/problem";
import type { Verdict, VerifyRequest, VerifyRules } from "../plan/trust";
import { RegistryError } from "../registry/errors";
import type { ReadingClient } from "./build-statements";
import { readEvidence } from "./evidence";
import { judge } from "./judge";
import { readTrust, type Trust } from "./keys";

/**
 * Verifies a digest in each repository, by the signatures there. A repository that cannot be read is not verified.
 *
 * @param own the stack's own signers, for rules that name no other
 */
export async function verifyImage(
  request: VerifyRequest,
  connect: (host: string) => ReadingClient,
  now: Date,
  own: readonly Trust[] = [],
): Promise<Verdict[]> {
  const trust = await readTrusts(request.rules.signer, own).catch(reasonOf);
  if (typeof trust === "string") {
    const message = `these rules cannot verify anything: the key or trusted root ${trust}`;
    return request.repositories.map((repository) =>
      unread(request, { code: "verify-rules", path: repository, message }),
    );
  }
  return Promise.all(
    request.repositories.map((repository) => verifyIn(request, repository, trust, connect, now)),
  );
}

async function readTrusts(signer: VerifyRules["signer"], own: readonly Trust[]): Promise<readonly Trust[]> {
  if (signer.kind !== "stack") return [await readTrust(signer)];
  if (own.length > 0) return own;
  throw new Error("of the stack is not known; set slipway:sign.publicKeyFile, or promote.verify");
}

async function verifyIn(
  { digest, rules }: VerifyRequest,
  repository: string,
  trusts: readonly Trust[],
  connect: (host: string) => ReadingClient,
  now: Date,
): Promise<Verdict> {
  const slash = repository.indexOf("/");
  const at = { client: connect(repository.slice(0, slash)), repository: repository.slice(slash + 1) };
  try {
    const evidence = await readEvidence(at, digest, trusts);
    return judge({ repository, digest, rules, evidence, now });
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const problem: Problem = { ...error.toProblem(), path: repository };
    return unread(
      { digest },
      error.code === "registry-digest-mismatch" ? { ...problem, code: "verify-digest" } : problem,
    );
  }
}

function unread({ digest }: Pick<VerifyRequest, "digest">, problem: Problem): Verdict {
  return {
    repository: problem.path,
    digest,
    verified: false,
    predicates: [],
    platforms: [],
    problems: [problem],
  };
}
