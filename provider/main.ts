import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { version } from "../package.json";
import { providerService } from "./service";

/** Starts the provider as the engine wants it: the engine's address comes as argument, the port goes to stdout. */
export function main(argv: readonly string[]): void {
  const engineAddress = argv.find((argument) => !argument.startsWith("-"));
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ResourceProviderService, providerService(version, engineAddress));
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) {
      process.stderr.write(`slipway-registry cannot listen on a loopback port: ${error.message}\n`);
      process.exitCode = 1;
      return;
    }
    process.stdout.write(`${port}\n`);
  });
  // The engine stops the provider itself; Ctrl-C reaches both, and the write under way has to end.
  process.on("SIGINT", () => {});
}
