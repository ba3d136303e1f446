import * as pulumi from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings";
import { DIGEST } from "../support/planned";

/** A resource as it was registered, in the engine's own request: mocks alone show neither parent nor order. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** The parent's name; empty for none. */
  readonly parent: string;
  /** Names of what it waits for, by `dependsOn` or through its inputs. */
  readonly dependencies: readonly string[];
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
}

/** A digest that the fake build gives, and that of the fake statement. */
export const STATEMENT_DIGEST = `sha256:${"5".repeat(64)}` as const;

/** Runs a program against mocks: what it registered, in that order, and what its components put out. */
export async function record(
  program: () => void,
  options: { readonly preview?: boolean } = {},
): Promise<{ resources: Registered[]; outputs: Map<string, Record<string, unknown>> }> {
  const resources: Registered[] = [];
  const outputs = new Map<string, Record<string, unknown>>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => ({ id: `${name}-id`, state: stateOf(type, inputs) }),
      call: () => ({}),
    },
    "slipway",
    "stage",
    options.preview ?? false,
  );
  const monitor = settings.getMonitor();
  if (monitor === undefined) throw new Error("mocks have a monitor");
  const { registerResource, registerResourceOutputs } = monitor;
  Object.assign(monitor, {
    registerResource: (request: Parameters<typeof registerResource>[0], callback: never) => {
      resources.push({
        type: request.getType(),
        name: request.getName(),
        inputs: pulumi.runtime.deserializeProperties(request.getObject()),
        parent: nameOf(request.getParent()),
        dependencies: request.getDependenciesList().map(nameOf).sort(),
        retainOnDelete: request.getRetainondelete(),
        ignoreChanges: request.getIgnorechangesList(),
      });
      return registerResource.call(monitor, request, callback);
    },
    registerResourceOutputs: (request: Parameters<typeof registerResourceOutputs>[0], callback: never) => {
      outputs.set(nameOf(request.getUrn()), pulumi.runtime.deserializeProperties(request.getOutputs()));
      return registerResourceOutputs.call(monitor, request, callback);
    },
  });
  program();
  await settings.waitForRPCs();
  return { resources, outputs };
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

function stateOf(type: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "docker-build:index:Image":
      return { ...inputs, digest: DIGEST, ref: "" };
    case "slipway-registry:index:Attestation":
      return { ...inputs, manifest: STATEMENT_DIGEST };
    default:
      return inputs;
  }
}
