import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { BinaryReader } from "google-protobuf";

const INFO = "/moby.buildkit.v1.Control/Info";
const DEADLINE_MS = 5_000;

/**
 * The version that BuildKit reports, `v0.31.1`; undefined if it does not answer or requires TLS. Only `unix:` and
 * `tcp:` endpoints are asked, since BuildKit in a container is reached through its engine.
 *
 * @see https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
 */
export async function buildkitVersion(endpoint: string): Promise<string | undefined> {
  const address = addressOf(endpoint);
  if (address === undefined) return undefined;
  // The default authority is the socket's path, which BuildKit's server refuses.
  const client = new Client(address, credentials.createInsecure(), { "grpc.default_authority": "localhost" });
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        INFO,
        (message: Buffer) => message,
        parseVersion,
        Buffer.alloc(0),
        { deadline: Date.now() + DEADLINE_MS },
        (error: ServiceError | null, version?: string) =>
          resolve(error === null ? version || undefined : undefined),
      );
    });
  } finally {
    client.close();
  }
}

function addressOf(endpoint: string): string | undefined {
  if (endpoint.startsWith("unix://")) return endpoint.replace("unix://", "unix:");
  return endpoint.startsWith("tcp://") ? endpoint.slice("tcp://".length) : undefined;
}

/** InfoResponse { BuildkitVersion buildkitVersion = 1 { string package = 1; string version = 2; … } }. */
function parseVersion(bytes: Buffer): string {
  const response = new BinaryReader(new Uint8Array(bytes));
  while (response.nextField()) {
    if (response.getFieldNumber() !== 1) {
      response.skipField();
      continue;
    }
    const version = new BinaryReader(response.readBytes());
    while (version.nextField()) {
      if (version.getFieldNumber() === 2) return version.readString();
      version.skipField();
    }
  }
  return "";
}
