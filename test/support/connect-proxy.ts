import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ConnectProxy {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Where tunnels were asked to, in order. */
  readonly tunnels: string[];
  stop(): Promise<void>;
}

/**
 * An HTTP proxy on this machine. Every host name beyond it leads to this machine too, so that a test can speak to names
 * that no other network knows.
 *
 * @param credentials `user:password` that it asks for; none by default
 */
export async function startConnectProxy(credentials?: string): Promise<ConnectProxy> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const isAllowed = ({ headers }: IncomingMessage) =>
    credentials === undefined ||
    headers["proxy-authorization"] === `Basic ${Buffer.from(credentials).toString("base64")}`;
  const server = createServer((asked, answer) => {
    // Plain HTTP without a tunnel, as other clients do it.
    const url = new URL(asked.url ?? "", "http://nowhere");
    tunnels.push(url.host);
    const { method, headers } = asked;
    const onward = request({ host: "127.0.0.1", port: url.port, path: url.pathname, method, headers });
    onward.on("response", (got) => got.pipe(answer.writeHead(got.statusCode ?? 502, got.headers)));
    asked.pipe(onward);
  });
  server.on("connect", (asked: IncomingMessage, client: Socket) => {
    sockets.add(client);
    client.on("error", () => client.destroy());
    if (!isAllowed(asked)) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    tunnels.push(asked.url ?? "");
    const target = connect(Number((asked.url ?? "").split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    tunnels,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
