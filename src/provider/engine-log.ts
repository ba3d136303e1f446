import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { type EngineLog, NO_LOG } from "../release/operation";

/** Without an address, as in tests, lines go nowhere. */
export function engineLog(address: string | undefined): EngineLog {
  if (address === undefined || address === "") return NO_LOG;
  const client = new EngineClient(address, credentials.createInsecure());
  const send =
    (
      severity: LogRequest["setSeverity"] extends (value: infer S) => unknown ? S : never,
      isEphemeral = false,
    ) =>
    async (urn: string, message: string): Promise<void> => {
      const request = new LogRequest();
      request.setSeverity(severity);
      request.setUrn(urn);
      request.setMessage(message);
      request.setEphemeral(isEphemeral);
      // A line that is lost is no reason to stop a release.
      await new Promise<void>((resolve) => client.log(request, () => resolve()));
    };
  return {
    info: send(LogSeverity.INFO),
    warn: send(LogSeverity.WARNING),
    status: send(LogSeverity.INFO, true),
  };
}
