import type { DesiredContent } from "../../src/plan/resource-inputs";
import type { Properties } from "../../src/provider/properties";
import type { DiffResult, Resource, State } from "../../src/provider/resource";
import type { Context } from "../../src/release/operation";

export type { State };

/** Calls a resource with a plan as the engine does: each call gets what the resource's check returned. */
export class EngineCalls {
  readonly #resource: Resource;
  readonly #context: Context;
  readonly #urn = "urn:pulumi:stage::app::slipway-registry:index:Any::app";

  constructor(resource: Resource, context: Context) {
    this.#resource = resource;
    this.#context = context;
  }

  async create(declared: Properties, plan: object, { preview = false } = {}): Promise<State> {
    const json = JSON.stringify(plan);
    const inputs = this.#resource.check({ ...declared, plan: json });
    const operation = { urn: this.#urn, preview };
    const { outputs } = await this.#resource.create(this.#context, inputs, operation, json);
    return { inputs, outputs: { ...outputs } };
  }

  diff(olds: State, declared: Properties, plan: object): Promise<DiffResult> {
    return this.#resource.diff(this.#context, this.#change(olds, declared, plan));
  }

  async update(olds: State, declared: Properties, plan: object): Promise<State> {
    const change = this.#change(olds, declared, plan);
    const operation = { urn: this.#urn, preview: false };
    const outputs = await this.#resource.update(this.#context, change, operation);
    return { inputs: change.news, outputs: { ...outputs } };
  }

  read(state: State): Promise<State<object, object> | undefined> {
    return this.#resource.read(this.#context, state);
  }

  #change(olds: State, declared: Properties, plan: object) {
    const json = JSON.stringify(plan);
    const news = this.#resource.check({ ...declared, plan: json });
    return { urn: this.#urn, olds, news, plan: json };
  }
}

/** Content of `app` that a registry has. */
export function desiredContent(
  given: Partial<DesiredContent> & Pick<DesiredContent, "repositories">,
): DesiredContent {
  return {
    image: "app",
    tag: "sha-1111111",
    contentKey: "c".repeat(64),
    revision: "1".repeat(40),
    platforms: ["linux/amd64", "linux/arm64"],
    source: "found",
    attestations: "index",
    sign: "none",
    incomplete: [],
    ...given,
  };
}
