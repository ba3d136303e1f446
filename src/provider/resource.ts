import type { z } from "zod";
import { ProblemError } from "../plan/problem";
import type { Context } from "../release/operation";
import type { Properties } from "./properties";

export interface DiffResult {
  /** Paths of the properties that make this an update; none means that nothing has to be done. */
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
  /** True in a preview: read, say what would happen, write nothing. */
  readonly preview: boolean;
}

export interface Current<Inputs> {
  readonly urn: string;
  readonly id: string;
  readonly inputs: Inputs;
  readonly outputs: Properties;
}

export interface Change<Inputs, Plan> {
  readonly urn: string;
  readonly id: string;
  readonly olds: { readonly inputs: Properties; readonly outputs: Properties };
  readonly news: Inputs;
  /** Absent if no program runs, as in a refresh. */
  readonly plan?: Plan;
}

export interface ReadResult {
  readonly inputs: object;
  readonly outputs: object;
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
  readonly read: (context: Context, current: Current<Inputs>) => Promise<ReadResult | undefined>;
}

/**
 * What a program declares of a resource whose plan is only needed while the program runs: state is written again after
 * every change, so it keeps little.
 */
export interface Declaration<Declared, Plan> {
  readonly declared: z.ZodType<Declared>;
  /** Of the property `plan`, which is JSON. */
  readonly plan: z.ZodType<Plan>;
  /** What state keeps of both. */
  readonly inputs: (declared: Declared, plan: Plan) => object;
}

/** A resource type as the service calls it: properties as they came from the engine, the plan as JSON. */
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
  readonly read: (context: Context, current: Current<Properties>) => Promise<ReadResult | undefined>;
}

/** A resource whose inputs are what the program declares. */
export function resource<Inputs>(type: ResourceType<Inputs, undefined>): Resource {
  return served(type, {
    inputs: (properties) => {
      parseInputs(type.token, type.schema, properties);
      return properties;
    },
    plan: () => undefined,
  });
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
  return served(type, {
    inputs: (properties) => ({
      ...inputs(parseInputs(type.token, declared, properties), planOf(properties.plan)),
    }),
    plan: planOf,
  });
}

function served<Inputs, Plan>(
  type: ResourceType<Inputs, Plan>,
  read: { readonly inputs: (properties: Properties) => Properties; readonly plan: (json: unknown) => Plan },
): Resource {
  const parse = (properties: Properties): Inputs => parseInputs(type.token, type.schema, properties);
  const parseChange = ({ plan, ...change }: Change<Properties, string>): Change<Inputs, Plan> => ({
    ...change,
    news: parse(change.news),
    ...(plan === undefined ? {} : { plan: read.plan(plan) }),
  });
  return {
    token: type.token,
    check: read.inputs,
    diff: async (context, change) => type.diff(context, parseChange(change)),
    create: async (context, inputs, operation, plan) =>
      type.create(context, parse(inputs), operation, read.plan(plan)),
    update: async (context, change, operation) =>
      type.update(context, parseChange(change), operation, read.plan(change.plan)),
    read: (context, current) => type.read(context, { ...current, inputs: parse(current.inputs) }),
  };
}

/** Checks properties against a schema. Values are never repeated: one of them could be secret. */
export function parseInputs<Inputs>(
  title: string,
  schema: z.ZodType<Inputs>,
  properties: Properties,
): Inputs {
  const result = schema.safeParse(properties);
  if (result.success) return result.data;
  throw new ProblemError(
    `${title}: wrong inputs`,
    result.error.issues.map((issue) => ({
      code: "provider-input",
      path: issue.path.join(".") || title,
      message: issue.message,
    })),
  );
}
