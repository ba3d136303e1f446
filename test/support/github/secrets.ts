import type { Clock } from "./clock";
import { type Answer, noContent, notFound, type Route, refused, textField } from "./router";
import type { SealingKey } from "./sealed-box";

interface StoredSecret {
  readonly sealed: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The Actions secrets of a repository or of an environment, sealed as they came. */
export class SecretStore {
  readonly #secrets = new Map<string, StoredSecret>();
  readonly #key: SealingKey;
  readonly #clock: Clock;

  constructor(key: SealingKey, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  /** What arrived, opened with the key that no client has. */
  open(name: string): string | undefined {
    const stored = this.#secrets.get(name.toUpperCase());
    return stored === undefined ? undefined : this.#key.open(stored.sealed);
  }

  names(): string[] {
    return [...this.#secrets.keys()].sort();
  }

  /** As somebody does on GitHub's page. */
  put(name: string, sealed: string): boolean {
    const key = name.toUpperCase();
    const now = this.#clock.tick();
    const known = this.#secrets.get(key);
    this.#secrets.set(key, { sealed, created_at: known?.created_at ?? now, updated_at: now });
    return known === undefined;
  }

  publicKey(): Answer {
    return { status: 200, body: { key_id: this.#key.id, key: this.#key.publicKey } };
  }

  list(): Answer {
    const secrets = this.names().map((name) => this.#shown(name));
    return { status: 200, body: { total_count: secrets.length, secrets } };
  }

  get(name: string): Answer {
    const shown = this.#shown(name.toUpperCase());
    return shown === undefined ? notFound : { status: 200, body: shown };
  }

  write(name: string, body: unknown): Answer {
    if (textField(body, "key_id") !== this.#key.id) return refused(422, "Invalid key_id");
    const sealed = textField(body, "encrypted_value");
    try {
      this.#key.open(sealed);
    } catch {
      return refused(422, "Invalid encrypted_value: not sealed with this repository's public key");
    }
    return this.put(name, sealed) ? { status: 201, body: {} } : noContent;
  }

  delete(name: string): Answer {
    return this.#secrets.delete(name.toUpperCase()) ? noContent : notFound;
  }

  #shown(name: string) {
    const stored = this.#secrets.get(name);
    return stored && { name, created_at: stored.created_at, updated_at: stored.updated_at };
  }
}

/** @param store undefined: there is no such repository or environment */
export function secretRoutes(
  base: string,
  store: (params: Readonly<Record<string, string>>) => SecretStore | undefined,
): Route[] {
  const one = `${base}/{secret_name}`;
  return [
    { method: "GET", pattern: base, answer: ({ params }) => store(params)?.list() ?? notFound },
    {
      method: "GET",
      pattern: `${base}/public-key`,
      answer: ({ params }) => store(params)?.publicKey() ?? notFound,
    },
    {
      method: "GET",
      pattern: one,
      answer: ({ params }) => store(params)?.get(params.secret_name ?? "") ?? notFound,
    },
    {
      method: "PUT",
      pattern: one,
      answer: ({ params, body }) => store(params)?.write(params.secret_name ?? "", body) ?? notFound,
    },
    {
      method: "DELETE",
      pattern: one,
      answer: ({ params }) => store(params)?.delete(params.secret_name ?? "") ?? notFound,
    },
  ];
}
