import { createServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { version } from "../../package.json";
import { endWithEngine, isOfEngine } from "./engine-peer";
import { providerService } from "./service";

/** Starts the provider as the engine wants it: the engine's address comes as argument, the port goes to stdout. */
export function main(argv: readonly string[]): void {
  const engineAddress = argv.find((argument) => !argument.startsWith("-"));
  if (engineAddress !== undefined) endWithEngine(engineAddress);
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ResourceProviderService, providerService(version, engineAddress));
  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure());
  let hasRefused = false;
  const admit = async (socket: Socket): Promise<void> => {
    if (await isOfEngine(socket)) return injectConnection(socket.resume());
    socket.destroy();
    // Only once: the engine shows each line, and another process must not be able to flood its output.
    if (!hasRefused) process.stderr.write("slipway-registry refused a connection that is not the engine's\n");
    hasRefused = true;
  };
  // A connection is not read before it is known which process holds it.
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
  // The engine starts providers in a process group of their own, so that Ctrl-C does not reach them: it says Cancel,
  // waits for what is under way, and then ends each one by SIGINT.
  process.on("SIGINT", () => process.exit(0));
}
