import { createServer, type Socket } from "node:net";
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { version } from "../../package.json";
import { type EngineLog, NO_LOG } from "../release/operation";
import { endWithEngine, isOfEngine } from "./engine-peer";
import { providerService } from "./service";

/** Starts the provider by the engine's protocol: the engine's address is an argument, the port goes to stdout. */
export function main(argv: readonly string[]): void {
  const engineAddress = argv.find((argument) => !argument.startsWith("-"));
  if (engineAddress !== undefined) endWithEngine(engineAddress);
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ResourceProviderService, providerService(version, engineLog(engineAddress)));
  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure());
  let hasRefused = false;
  const admit = async (socket: Socket): Promise<void> => {
    if (await isOfEngine(socket)) return injectConnection(socket.resume());
    socket.destroy();
    // Only once: the engine shows each line, and another process must not be able to flood its output.
    if (!hasRefused) process.stderr.write("slipway-registry refused a connection that is not the engine's\n");
    hasRefused = true;
  };
  // Read nothing from a connection until it is known which process opened it.
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    void admit(socket);
  });
  listener.on("error", (error) => {
    process.stderr.write(`slipway-registry cannot listen on a loopback port: ${error.message}\n`);
    process.exitCode = 1;
  });
  listener.listen(0, "127.0.0.1", () => {
    const address = listener.address();
    if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
  });
  // The engine starts providers in their own process group, so Ctrl-C does not reach them. It sends Cancel, waits for
  // running operations, and then ends each provider by SIGINT.
  process.on("SIGINT", () => process.exit(0));
}

/** Without an address, as in tests, lines are dropped. */
function engineLog(address: string | undefined): EngineLog {
  if (address === undefined || address === "") return NO_LOG;
  const client = new EngineClient(address, credentials.createInsecure());
  const send = async (urn: string, message: string, severity: LogSeverity, isEphemeral = false) => {
    const request = new LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(isEphemeral);
    // A lost line must not stop a release.
    await new Promise<void>((resolve) => client.log(request, () => resolve()));
  };
  return {
    info: (urn, message) => send(urn, message, LogSeverity.INFO),
    warn: (urn, message) => send(urn, message, LogSeverity.WARNING),
    status: (urn, message) => send(urn, message, LogSeverity.INFO, true),
  };
}
