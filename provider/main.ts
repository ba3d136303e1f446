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
  // The engine starts providers in a process group of their own, so that Ctrl-C does not reach them: it says Cancel,
  // waits for what is under way, and then ends each one by SIGINT.
  process.on("SIGINT", () => process.exit(0));
}
