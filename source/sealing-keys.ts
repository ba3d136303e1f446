import type { Secret } from "../plan/secret";
import type { SetupConfig } from "../plan/setup/config";
import { failure, repositoryReader, text } from "./repository-reader";
import { type SealedSecret, type SealingKey, sealSecret } from "./seal-secret";

/** Where a secret of a repository belongs. */
export interface SecretPlace {
  readonly name: string;
  /** Absent: the repository itself. */
  readonly environment?: string;
}

/** Seals a secret for its place. @throws ProblemError if GitHub does not return the place's key */
export type SealSecret = (place: SecretPlace, secret: Secret) => Promise<SealedSecret>;

/** Seals with GitHub's keys of a repository and its environments, each read once. */
export function secretSealer(config: SetupConfig): SealSecret {
  const keys = new Map<string, Promise<SealingKey>>();
  return async ({ environment, name }, secret) => {
    const of = environment === undefined ? "" : `/environments/${encodeURIComponent(environment)}`;
    const key = keys.get(of) ?? readKey(config, of);
    keys.set(of, key);
    return sealSecret(secret, await key, [config.repository, environment ?? "", name].join("/"));
  };
}

async function readKey(config: SetupConfig, of: string): Promise<SealingKey> {
  const read = await repositoryReader(config);
  const need = of === "" ? "Secrets" : "Environments";
  const found = await read(`${of === "" ? "/actions" : of}/secrets/public-key`, need);
  const [id] = text(found?.data, "key_id");
  const [publicKey] = text(found?.data, "key");
  if (id !== undefined && publicKey !== undefined) return { id, publicKey };
  throw failure("github-sealing-key", "github.secrets", `${config.repository}${of} has no public key`, {
    hint: "Without it no secret can be sealed. Run the same again; it may not have been there yet",
  });
}
