import type { Clock } from "./clock";
import { type Answer, field, noContent, notFound, type Route, refused, textField } from "./router";

interface Ruleset {
  readonly id: number;
  readonly name: string;
  readonly target: string;
  readonly enforcement: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly conditions: unknown;
  readonly rules: unknown;
  readonly bypass_actors: unknown;
}

/** The rulesets of one repository. They are kept and told, not enforced. */
export class RulesetStore {
  readonly #rulesets = new Map<number, Ruleset>();
  readonly #clock: Clock;
  #next = 500;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  all(): Ruleset[] {
    return [...this.#rulesets.values()];
  }

  get(id: number): Ruleset | undefined {
    return this.#rulesets.get(id);
  }

  write(body: unknown, id?: number): Answer {
    const name = textField(body, "name");
    if (this.all().some((one) => one.name === name && one.id !== id)) {
      return refused(422, "Validation Failed: Name must be unique");
    }
    const known = id === undefined ? undefined : this.#rulesets.get(id);
    if (id !== undefined && known === undefined) return notFound;
    const now = this.#clock.tick();
    const ruleset: Ruleset = {
      id: known?.id ?? this.#next++,
      name,
      target: textField(body, "target") || "branch",
      enforcement: textField(body, "enforcement"),
      created_at: known?.created_at ?? now,
      updated_at: now,
      conditions: field(body, "conditions"),
      rules: field(body, "rules"),
      bypass_actors: field(body, "bypass_actors") ?? [],
    };
    this.#rulesets.set(ruleset.id, ruleset);
    return { status: known === undefined ? 201 : 200, body: full(ruleset) };
  }

  delete(id: number): Answer {
    return this.#rulesets.delete(id) ? noContent : notFound;
  }
}

/** A list tells neither conditions nor rules. */
function brief({ id, name, target, enforcement, created_at, updated_at }: Ruleset) {
  const node_id = `ruleset-${id}`;
  return { id, node_id, name, target, enforcement, source_type: "Repository", created_at, updated_at };
}

function full(ruleset: Ruleset) {
  const { conditions, rules, bypass_actors } = ruleset;
  return { ...brief(ruleset), source: "", conditions, rules, bypass_actors };
}

export function rulesetRoutes(
  repository: string,
  store: (params: Readonly<Record<string, string>>) => RulesetStore | undefined,
): Route[] {
  const all = `${repository}/rulesets`;
  const one = `${all}/{ruleset_id}`;
  const id = (params: Readonly<Record<string, string>>) => Number(params.ruleset_id);
  return [
    {
      method: "GET",
      pattern: all,
      answer: ({ params }) => {
        const found = store(params);
        return found === undefined ? notFound : { status: 200, body: found.all().map(brief) };
      },
    },
    {
      method: "POST",
      pattern: all,
      answer: ({ params, body }) => store(params)?.write(body) ?? notFound,
    },
    {
      method: "GET",
      pattern: one,
      answer: ({ params }) => {
        const found = store(params)?.get(id(params));
        return found === undefined ? notFound : { status: 200, body: full(found) };
      },
    },
    {
      method: "PUT",
      pattern: one,
      answer: ({ params, body }) => store(params)?.write(body, id(params)) ?? notFound,
    },
    {
      method: "DELETE",
      pattern: one,
      answer: ({ params }) => store(params)?.delete(id(params)) ?? notFound,
    },
  ];
}
