import type * as dockerSdk from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { parseReference } from "../plan/reference";

/** The distribution registry, as Docker Hub has it. */
const REGISTRY_IMAGE = "registry:3.1.2";
const REGISTRY_PORT = 5000;
const STORAGE = "/var/lib/registry";

export interface StageRegistryArgs {
  /**
   * Whether there is a Docker engine to run it. Without one nothing is declared: the embedded registry, which
   * `npm start` and `npm run services:up` start, serves the same address.
   *
   * @example await hasDockerEngine()
   */
  readonly engine: boolean;
  /** The port on this machine, on the loopback interface alone. @default 5000 */
  readonly port?: number;
  /**
   * The registry's image, by version or, better, by digest.
   *
   * @default registry:3.1.2
   * @example "registry:3.1.2@sha256:…"
   */
  readonly image?: string;
  /** Keep what is in it when the container goes. @default true */
  readonly keepContent?: boolean;
}

/**
 * The registry that a stage releases to: one container at `localhost:5000`, seen from this machine alone, that comes
 * back after a restart and keeps its content in a volume. It needs `@pulumi/docker`, which is loaded only where there
 * is an engine: its provider asks the engine even in a preview, so it belongs into a stack of its own.
 */
export class StageRegistry extends pulumi.ComponentResource {
  /** What `registries[].host` names. */
  public readonly host: pulumi.Output<string>;
  /** `container`, or `embedded` where there is no engine. */
  public readonly kind: "container" | "embedded";

  /** @throws Error for a port that is none, and for an image that is not pinned */
  constructor(name: string, args: StageRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:StageRegistry", name, {}, opts);
    const port = checkPort(args.port ?? REGISTRY_PORT);
    const image = checkPinned(args.image ?? REGISTRY_IMAGE);
    const address = `localhost:${port}`;
    this.kind = args.engine ? "container" : "embedded";
    this.host = args.engine
      ? this.runContainer(name, { port, image, keepContent: args.keepContent ?? true }).id.apply(
          () => address,
        )
      : pulumi.output(address);
    this.registerOutputs({ host: this.host, kind: this.kind });
  }

  private runContainer(
    name: string,
    { port, image, keepContent }: { port: number; image: string; keepContent: boolean },
  ): dockerSdk.Container {
    // Loaded here, so that no other program pays for it.
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
        // The third major version looks for a collector of traces unless it is told not to.
        envs: ["REGISTRY_STORAGE_DELETE_ENABLED=true", "OTEL_TRACES_EXPORTER=none"],
      },
      // The port has to be free before another container can take it.
      { parent: this, deleteBeforeReplace: true },
    );
  }
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new Error(`StageRegistry: ${port} is no port`);
}

/** A container of an image that somebody else may move is another one after the next pull. */
function checkPinned(image: string): string {
  const { tag, digest } = parseReference(image);
  if (digest !== undefined || (tag !== undefined && /\d+\.\d+/.test(tag))) return image;
  throw new Error(
    `StageRegistry: ${JSON.stringify(image)} is not pinned; name its version (${REGISTRY_IMAGE}) or its digest`,
  );
}
