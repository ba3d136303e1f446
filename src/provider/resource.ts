import type { z } from "zod";
import type { Context } from "../release/operation";
import { type Properties, parseInputs } from "./properties";

export interface DiffResult {
  /** Paths of the properties that make this an update; if there are none, nothing has to be done. */
  readonly changed: readonly string[];
  /** Those of them that state does not have. @default none */
  readonly added?: readonly string[];
}

export interface CreateResult {
  readonly id: string;
  readonly outputs: object;
}

export interface Operation {
  readonly urn: string;
  /** True in a preview: read and report what would happen, write nothing. */
  readonly preview: boolean;
}

/** What the engine keeps of a resource. */
export interface State<Inputs = Properties, Outputs = Properties> {
  readonly inputs: Inputs;
  readonly outputs: Outputs;
}

export interface Change<Inputs, Plan> {
  readonly urn: string;
  readonly olds: State;
  readonly news: Inputs;
  /** Absent if no program runs, as in a refresh. */
  readonly plan?: Plan;
}

/** One resource type, with its inputs checked. */
export interface ResourceType<Inputs, Plan> {
  readonly token: string;
  readonly schema: z.ZodType<Inputs>;
  readonly diff: (context: Context, change: Change<Inputs, Plan>) => Promise<DiffResult>;
  readonly create: (
    context: Context,
    inputs: Inputs,
    operation: Operation,
    plan: Plan,
  ) => Promise<CreateResult>;
  readonly update: (
    context: Context,
    change: Change<Inputs, Plan>,
    operation: Operation,
    plan: Plan,
  ) => Promise<object>;
  /** Undefined when it is gone. */
  readonly read: (context: Context, state: State<Inputs>) => Promise<State<object, object> | undefined>;
}

/**
 * What a program declares of a resource that has a plan. The plan is only needed while the program runs, so state keeps
 * little of it: the engine writes the whole state again after every change.
 */
export interface Declaration<Declared, Plan> {
  readonly declared: z.ZodType<Declared>;
  /** The schema of the property `plan`, which is JSON. */
  readonly plan: z.ZodType<Plan>;
  /** What state keeps of both. */
  readonly inputs: (declared: Declared, plan: Plan) => object;
}

/** A resource type as the service calls it: properties as the engine sent them, the plan as JSON. */
export interface Resource {
  readonly token: string;
  /** @returns what state keeps. @throws ProblemError with every property that is wrong */
  readonly check: (properties: Properties) => Properties;
  readonly diff: (context: Context, change: Change<Properties, string>) => Promise<DiffResult>;
  readonly create: (
    context: Context,
    inputs: Properties,
    operation: Operation,
    plan?: string,
  ) => Promise<CreateResult>;
  readonly update: (
    context: Context,
    change: Change<Properties, string>,
    operation: Operation,
  ) => Promise<object>;
  readonly read: (context: Context, state: State) => Promise<State<object, object> | undefined>;
}

/** A resource whose inputs are what the program declares. */
export function resource<Inputs>(type: ResourceType<Inputs, undefined>): Resource {
  const check = (properties: Properties): Properties => {
    parseInputs(type.token, type.schema, properties);
    return properties;
  };
  return served(type, check, () => undefined);
}

/** A resource with a plan. */
export function plannedResource<Declared, Plan, Inputs>(
  { declared, plan, inputs }: Declaration<Declared, Plan>,
  type: ResourceType<Inputs, Plan>,
): Resource {
  const planOf = (json: unknown): Plan => {
    if (typeof json !== "string") throw new Error(`${type.token}: the plan is missing`);
    return plan.parse(JSON.parse(json));
  };
  const check = (properties: Properties): Properties => ({
    ...inputs(parseInputs(type.token, declared, properties), planOf(properties.plan)),
  });
  return served(type, check, planOf);
}

function served<Inputs, Plan>(
  type: ResourceType<Inputs, Plan>,
  check: Resource["check"],
  planOf: (json: unknown) => Plan,
): Resource {
  const parse = (properties: Properties): Inputs => parseInputs(type.token, type.schema, properties);
  const parseChange = ({ plan, ...change }: Change<Properties, string>): Change<Inputs, Plan> => ({
    ...change,
    news: parse(change.news),
    plan: plan === undefined ? undefined : planOf(plan),
  });
  return {
    token: type.token,
    check,
    diff: async (context, change) => type.diff(context, parseChange(change)),
    create: async (context, inputs, operation, plan) =>
      type.create(context, parse(inputs), operation, planOf(plan)),
    update: async (context, change, operation) =>
      type.update(context, parseChange(change), operation, planOf(change.plan)),
    read: (context, { inputs, outputs }) => type.read(context, { inputs: parse(inputs), outputs }),
  };
}
