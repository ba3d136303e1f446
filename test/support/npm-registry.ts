import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface NpmRegistry {
  /** The content of a project's `.npmrc` that asks this registry. */
  readonly npmrc: string;
  stop(): Promise<void>;
}

/** An npm registry on the loopback interface that knows one version of some packages. */
export async function startNpmRegistry(latest: Readonly<Record<string, string>>): Promise<NpmRegistry> {
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? "").slice(1));
    const version = latest[name];
    response.setHeader("content-type", "application/json");
    if (version === undefined) return void response.writeHead(404).end("{}");
    const versions = { [version]: { name, version, dist: {} } };
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the npm registry has no port");
  return {
    npmrc: `registry=http://127.0.0.1:${address.port}/\n`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
