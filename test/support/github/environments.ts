import type { Clock } from "./clock";
import { type Answer, field, noContent, notFound, type Route, refused, textField } from "./router";
import type { SealingKey } from "./sealed-box";
import { SecretStore, secretRoutes } from "./secrets";
import { VariableStore, variableRoutes } from "./variables";

interface Policy {
  readonly id: number;
  readonly node_id: string;
  readonly name: string;
  readonly type: "branch" | "tag";
}

interface Environment {
  readonly id: number;
  readonly name: string;
  readonly created_at: string;
  updated_at: string;
  /** The last PUT's body. */
  settings: unknown;
  readonly secrets: SecretStore;
  readonly variables: VariableStore;
  readonly policies: Map<number, Policy>;
}

/** The deployment environments of one repository. */
export class EnvironmentStore {
  readonly #environments = new Map<string, Environment>();
  readonly #key: SealingKey;
  readonly #clock: Clock;
  #next = 1000;

  constructor(key: SealingKey, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  names(): string[] {
    return [...this.#environments.keys()].sort();
  }

  /** @throws Error where there is none */
  named(name: string): Environment {
    const found = this.#environments.get(name);
    if (found === undefined) throw new Error(`no environment ${name}; there is ${this.names().join(", ")}`);
    return found;
  }

  find(name: string | undefined): Environment | undefined {
    return this.#environments.get(name ?? "");
  }

  list(): Answer {
    const environments = [...this.#environments.values()].map(shown);
    return { status: 200, body: { total_count: environments.length, environments } };
  }

  get(name: string | undefined): Answer {
    const found = this.find(name);
    return found === undefined ? notFound : { status: 200, body: shown(found) };
  }

  put(name: string, settings: unknown): Answer {
    const now = this.#clock.tick();
    const known = this.#environments.get(name);
    const environment = known ?? this.#create(name, now);
    environment.settings = settings;
    environment.updated_at = now;
    if (field(field(settings, "deployment_branch_policy"), "custom_branch_policies") !== true) {
      environment.policies.clear();
    }
    this.#environments.set(name, environment);
    return { status: 200, body: shown(environment) };
  }

  delete(name: string | undefined): Answer {
    return this.#environments.delete(name ?? "") ? noContent : notFound;
  }

  addPolicy(name: string | undefined, body: unknown): Answer {
    const environment = this.find(name);
    if (environment === undefined) return notFound;
    const custom = field(field(environment.settings, "deployment_branch_policy"), "custom_branch_policies");
    if (custom !== true) return refused(422, "Deployment branch policies are not custom");
    const type = textField(body, "type") === "tag" ? "tag" : "branch";
    const wanted = textField(body, "name");
    const known = [...environment.policies.values()].find((one) => one.name === wanted && one.type === type);
    if (known !== undefined) return { status: 303 };
    const id = this.#next++;
    const policy: Policy = { id, node_id: `policy-${id}`, name: wanted, type };
    environment.policies.set(id, policy);
    return { status: 200, body: policy };
  }

  #create(name: string, now: string): Environment {
    return {
      id: this.#next++,
      name,
      created_at: now,
      updated_at: now,
      settings: {},
      secrets: new SecretStore(this.#key, this.#clock),
      variables: new VariableStore(this.#clock),
      policies: new Map(),
    };
  }
}

function shown({ id, name, created_at, updated_at, settings }: Environment) {
  const waitTimer = field(settings, "wait_timer");
  const reviewers = field(settings, "reviewers");
  const branchPolicy = field(settings, "deployment_branch_policy") ?? null;
  const rules: object[] = [];
  if (typeof waitTimer === "number" && waitTimer > 0) {
    rules.push({ id: id * 10 + 1, node_id: `rule-${id}-1`, type: "wait_timer", wait_timer: waitTimer });
  }
  if (Array.isArray(reviewers) && reviewers.length > 0) {
    rules.push({
      id: id * 10 + 2,
      node_id: `rule-${id}-2`,
      type: "required_reviewers",
      prevent_self_review: field(settings, "prevent_self_review") === true,
      reviewers: reviewers.map((reviewer) => ({
        type: textField(reviewer, "type"),
        reviewer: { id: field(reviewer, "id") },
      })),
    });
  }
  if (branchPolicy !== null) rules.push({ id: id * 10 + 3, node_id: `rule-${id}-3`, type: "branch_policy" });
  return {
    id,
    node_id: `environment-${id}`,
    name,
    url: `/environments/${name}`,
    html_url: `/environments/${name}`,
    created_at,
    updated_at,
    can_admins_bypass: field(settings, "can_admins_bypass") !== false,
    protection_rules: rules,
    deployment_branch_policy: branchPolicy,
  };
}

type Find = (params: Readonly<Record<string, string>>) => EnvironmentStore | undefined;

export function environmentRoutes(repository: string, store: Find): Route[] {
  const all = `${repository}/environments`;
  const one = `${all}/{environment_name}`;
  const inside: Route[] = [
    ...secretRoutes(`${one}/secrets`, (params) => store(params)?.find(params.environment_name)?.secrets),
    ...variableRoutes(
      `${one}/variables`,
      (params) => store(params)?.find(params.environment_name)?.variables,
    ),
    ...policyRoutes(`${one}/deployment-branch-policies`, store),
  ];
  return [
    ...inside,
    { method: "GET", pattern: all, answer: ({ params }) => store(params)?.list() ?? notFound },
    {
      method: "GET",
      pattern: one,
      answer: ({ params }) => store(params)?.get(params.environment_name) ?? notFound,
    },
    {
      method: "PUT",
      pattern: one,
      answer: ({ params, body }) => store(params)?.put(params.environment_name ?? "", body) ?? notFound,
    },
    {
      method: "DELETE",
      pattern: one,
      answer: ({ params }) => store(params)?.delete(params.environment_name) ?? notFound,
    },
  ];
}

function policyRoutes(base: string, store: Find): Route[] {
  const policies = (params: Readonly<Record<string, string>>) =>
    store(params)?.find(params.environment_name)?.policies;
  const one = `${base}/{branch_policy_id}`;
  return [
    {
      method: "GET",
      pattern: base,
      answer: ({ params }) => {
        const found = policies(params);
        if (found === undefined) return notFound;
        return { status: 200, body: { total_count: found.size, branch_policies: [...found.values()] } };
      },
    },
    {
      method: "POST",
      pattern: base,
      answer: ({ params, body }) => store(params)?.addPolicy(params.environment_name, body) ?? notFound,
    },
    {
      method: "GET",
      pattern: one,
      answer: ({ params }) => {
        const found = policies(params)?.get(Number(params.branch_policy_id));
        return found === undefined ? notFound : { status: 200, body: found };
      },
    },
    {
      method: "PUT",
      pattern: one,
      answer: ({ params, body }) => {
        const found = policies(params)?.get(Number(params.branch_policy_id));
        if (found === undefined) return notFound;
        const updated = { ...found, name: textField(body, "name") };
        policies(params)?.set(found.id, updated);
        return { status: 200, body: updated };
      },
    },
    {
      method: "DELETE",
      pattern: one,
      answer: ({ params }) =>
        policies(params)?.delete(Number(params.branch_policy_id)) === true ? noContent : notFound,
    },
  ];
}
