import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Lines that the engine shows beside a resource, in previews too. Nothing secret may stand in them. */
export interface EngineLog {
  readonly info: (urn: string, message: string) => Promise<void>;
  readonly warn: (urn: string, message: string) => Promise<void>;
}

/** Without an address, as in tests, lines go nowhere. */
export function engineLog(address: string | undefined): EngineLog {
  if (address === undefined || address === "") return { info: async () => {}, warn: async () => {} };
  const client = new EngineClient(address, credentials.createInsecure());
  const send =
    (severity: LogRequest["setSeverity"] extends (value: infer S) => unknown ? S : never) =>
    async (urn: string, message: string): Promise<void> => {
      const request = new LogRequest();
      request.setSeverity(severity);
      request.setUrn(urn);
      request.setMessage(message);
      // A line that is lost is no reason to stop a release.
      await new Promise<void>((resolve) => client.log(request, () => resolve()));
    };
  return { info: send(LogSeverity.INFO), warn: send(LogSeverity.WARNING) };
}
