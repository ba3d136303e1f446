import type { z } from "zod";
import { ProblemError } from "../plan/problem";
import type { EngineLog } from "./engine-log";
import type { Properties } from "./properties";
import type { Registries } from "./registries";
import type { Signing } from "./signing";

/** What a resource's operations may use besides their arguments. */
export interface Context {
  readonly registries: Registries;
  readonly signing: Signing;
  readonly log: EngineLog;
}

export interface DiffResult {
  /** Names of the properties that make this an update; none means that nothing has to be done. */
  readonly changed: readonly string[];
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

export interface Change<Inputs> {
  readonly urn: string;
  readonly id: string;
  readonly olds: { readonly inputs: Properties; readonly outputs: Properties };
  readonly news: Inputs;
}

export interface ReadResult {
  readonly inputs: object;
  readonly outputs: object;
}

/** One resource type, with its inputs checked. */
export interface ResourceType<Inputs> {
  readonly token: string;
  readonly schema: z.ZodType<Inputs>;
  readonly diff: (context: Context, change: Change<Inputs>) => Promise<DiffResult>;
  readonly create: (context: Context, inputs: Inputs, operation: Operation) => Promise<CreateResult>;
  readonly update: (context: Context, change: Change<Inputs>, operation: Operation) => Promise<object>;
  /** Undefined when it is gone. */
  readonly read: (context: Context, current: Current<Inputs>) => Promise<ReadResult | undefined>;
}

/** A resource type as the service calls it: properties as they came from the engine. */
export interface Resource {
  readonly token: string;
  /** @throws ProblemError with every property that is wrong */
  readonly check: (properties: Properties) => void;
  readonly diff: (context: Context, change: Change<Properties>) => Promise<DiffResult>;
  readonly create: (context: Context, inputs: Properties, operation: Operation) => Promise<CreateResult>;
  readonly update: (context: Context, change: Change<Properties>, operation: Operation) => Promise<object>;
  readonly read: (context: Context, current: Current<Properties>) => Promise<ReadResult | undefined>;
}

export function resource<Inputs>(type: ResourceType<Inputs>): Resource {
  const parse = (properties: Properties): Inputs => parseInputs(type.token, type.schema, properties);
  return {
    token: type.token,
    check: (properties) => {
      parse(properties);
    },
    diff: (context, change) => type.diff(context, { ...change, news: parse(change.news) }),
    create: (context, inputs, operation) => type.create(context, parse(inputs), operation),
    update: (context, change, operation) =>
      type.update(context, { ...change, news: parse(change.news) }, operation),
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
