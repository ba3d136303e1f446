import type * as dockerSdk from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { parseReference } from "../src/plan/reference";
import type { RegistryArgs } from "./args";

type RegistryOptions = Omit<RegistryArgs, "host" | "namespace">;

/**
 * GitHub's container registry.
 *
 * @param namespace the owner, optionally with a path below it
 * @example ghcr("octo")
 */
export function ghcr(namespace: string, options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host: "ghcr.io", namespace };
}

/**
 * Docker Hub.
 *
 * @param namespace the user or organisation
 * @example dockerHub("octo", { optional: true })
 */
export function dockerHub(namespace: string, options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host: "docker.io", namespace };
}

/**
 * Any other OCI registry.
 *
 * @param host with its port, unless it is 443
 * @param namespace path between the host and an image's name
 * @example registry("localhost:5000", "octo")
 */
export function registry(host: string, namespace = "", options: RegistryOptions = {}): RegistryArgs {
  return { ...options, host, namespace };
}

/** The distribution registry, from Docker Hub. */
const REGISTRY_IMAGE = "registry:3.1.2";
const REGISTRY_PORT = 5000;
const STORAGE = "/var/lib/registry";

export interface StageRegistryArgs {
  /** The port on this machine, on the loopback interface only. @default 5000 */
  readonly port?: number;
  /**
   * The registry's image, by version or, better, by digest.
   *
   * @default registry:3.1.2
   * @example "registry:3.1.2@sha256:…"
   */
  readonly image?: string;
  /** Keep the released images when the container is deleted. @default true */
  readonly keepContent?: boolean;
}

/**
 * A registry for a stage: one container at `localhost:5000`, which only this machine can reach. It starts again with the
 * machine and keeps its content in a volume. Put it in a program of its own: a release reads its registries before it
 * declares anything, so the registry has to be running by then.
 *
 * @example
 * new StageRegistry("registry", { port: 5000 });
 */
export class StageRegistry extends pulumi.ComponentResource {
  /** The host for a release's `registries`, known when the container runs. @example "localhost:5000" */
  public readonly host: pulumi.Output<string>;

  /** @throws Error for an invalid port, and for an image that is not pinned */
  constructor(name: string, args: StageRegistryArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const port = checkPort(args.port ?? REGISTRY_PORT);
    const image = checkPinned(args.image ?? REGISTRY_IMAGE);
    super("slipway:index:StageRegistry", name, {}, opts);
    const container = this.runContainer(name, { port, image, keepContent: args.keepContent ?? true });
    this.host = container.id.apply(() => `localhost:${port}`);
    this.registerOutputs({ host: this.host });
  }

  private runContainer(
    name: string,
    { port, image, keepContent }: { port: number; image: string; keepContent: boolean },
  ): dockerSdk.Container {
    // Loaded here, so that a program without a StageRegistry needs no @pulumi/docker.
    const docker: typeof dockerSdk = require("@pulumi/docker");
    const remote = new docker.RemoteImage(
      `${name}-image`,
      { name: image, keepLocally: true },
      { parent: this },
    );
    const volume = new docker.Volume(
      `${name}-content`,
      { name: `${name}-content` },
      { parent: this, retainOnDelete: keepContent },
    );
    return new docker.Container(
      `${name}-container`,
      {
        name,
        image: remote.imageId,
        restart: "unless-stopped",
        ports: [{ internal: REGISTRY_PORT, external: port, ip: "127.0.0.1" }],
        volumes: [{ volumeName: volume.name, containerPath: STORAGE }],
        // Since version 3 the registry sends traces to a collector by default.
        envs: ["REGISTRY_STORAGE_DELETE_ENABLED=true", "OTEL_TRACES_EXPORTER=none"],
      },
      // A replacement needs the same port.
      { parent: this, deleteBeforeReplace: true },
    );
  }
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new Error(`StageRegistry: port ${port} is not a whole number from 1 to 65535`);
}

/** A tag such as `latest` may point to another image at the next pull. */
function checkPinned(image: string): string {
  const { tag, digest } = parseReference(image);
  if (digest !== undefined || (tag !== undefined && /\d+\.\d+/.test(tag))) return image;
  throw new Error(
    `StageRegistry: ${JSON.stringify(image)} is not pinned; name its version (${REGISTRY_IMAGE}) or its digest`,
  );
}
