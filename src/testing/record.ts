import * as pulumi from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings";
import { isRecord } from "../plan/record";
import { type DesiredContent, type DesiredLevel, tagDigests } from "../plan/resource-inputs";

/** A registered resource, from the request to the engine: mocks alone show neither parent nor dependencies. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** The parent's name; empty if it has none. */
  readonly parent: string;
  /** Names of the resources that it waits for, by `dependsOn` or through its inputs. */
  readonly dependencies: readonly string[];
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
}

const BUILD_DIGEST = `sha256:${"a".repeat(64)}` as const;
export const STATEMENT_DIGEST = `sha256:${"5".repeat(64)}` as const;
/** The digest of the fake copy's referrer. */
const REFERRER_DIGEST = `sha256:${"6".repeat(64)}` as const;

export interface Recorded {
  readonly resources: readonly Registered[];
  /** Component's name -> its outputs. */
  readonly outputs: ReadonlyMap<string, Record<string, unknown>>;
  readonly returned: unknown;
}

export async function record(
  program: () => unknown,
  options: {
    readonly preview?: boolean;
    readonly stack?: string;
    /** Settings without `slipway:`. */
    readonly config?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<Recorded> {
  const resources: Registered[] = [];
  const outputs = new Map<string, Record<string, unknown>>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => ({ id: `${name}-id`, state: stateOf(type, inputs) }),
      call: () => ({}),
    },
    "slipway",
    options.stack ?? "stage",
    options.preview ?? false,
    "organization",
  );
  const config = Object.entries(options.config ?? {}).map(([key, value]) => [
    `slipway:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(config));
  const monitor = settings.getMonitor();
  if (monitor === undefined) throw new Error("mocks have a monitor");
  listen(monitor, "registerResource", (request: ResourceRequest) => {
    resources.push({
      type: request.getType(),
      name: request.getName(),
      inputs: properties(request.getObject()),
      parent: nameOf(request.getParent()),
      dependencies: request.getDependenciesList().map(nameOf).sort(),
      retainOnDelete: request.getRetainondelete() ?? false,
      ignoreChanges: request.getIgnorechangesList(),
    });
  });
  listen(monitor, "registerResourceOutputs", (request: OutputsRequest) => {
    outputs.set(nameOf(request.getUrn()), properties(request.getOutputs()));
  });
  const returned = await program();
  await pulumi.runtime.disconnect();
  return { resources, outputs, returned };
}

type Monitor = NonNullable<ReturnType<typeof settings.getMonitor>>;
type ResourceRequest = Parameters<Monitor["registerResource"]>[0];
type OutputsRequest = Parameters<Monitor["registerResourceOutputs"]>[0];

/** Calls `heard` with every request of a method before passing it on. */
function listen<Request>(
  monitor: Monitor,
  method: "registerResource" | "registerResourceOutputs",
  heard: (request: Request) => void,
): void {
  const real: unknown = Reflect.get(monitor, method);
  if (typeof real !== "function") throw new Error(`the monitor has no ${method}`);
  Reflect.set(monitor, method, (request: Request, ...rest: unknown[]) => {
    heard(request);
    return real.call(monitor, request, ...rest);
  });
}

function properties(struct: ReturnType<ResourceRequest["getObject"]>): Record<string, unknown> {
  return struct === undefined ? {} : pulumi.runtime.deserializeProperties(struct);
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

/** The outputs of content: if it has a statement, every registry has it. */
function contentState(plan: unknown): Record<string, unknown> {
  const { repositories, statement }: DesiredContent = JSON.parse(String(plan));
  return {
    referrers:
      statement === undefined ? [] : repositories.map((repository) => `${repository}@${STATEMENT_DIGEST}`),
  };
}

/** The outputs of tags: every tag is written. */
function tagsState(digests: unknown, plan: unknown): Record<string, unknown> {
  const levels: DesiredLevel[] = JSON.parse(String(plan));
  return { tags: tagDigests(levels, isRecord(digests) ? digests : {}) };
}

function stateOf(type: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "docker-build:index:Image":
      return { ...inputs, digest: BUILD_DIGEST, ref: "" };
    case "docker:index/remoteImage:RemoteImage":
      return { ...inputs, imageId: BUILD_DIGEST };
    case "slipway-registry:index:Content":
      return { ...inputs, ...contentState(inputs.plan) };
    case "slipway-registry:index:Tags":
      return { ...inputs, ...tagsState(inputs.digests, inputs.plan) };
    case "slipway-registry:index:ImageCopy":
      return { ...inputs, referrers: [REFERRER_DIGEST] };
    default:
      return inputs;
  }
}
