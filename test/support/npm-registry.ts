import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface NpmRegistry {
  /** The content of a project's `.npmrc` that asks this registry. */
  readonly npmrc: string;
  stop(): Promise<void>;
}

/** What `npm audit` is told about a package: the answer of npm's bulk service. */
export interface Advisory {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly severity: "low" | "moderate" | "high" | "critical";
  readonly vulnerable_versions: string;
}

/**
 * An npm registry on the loopback interface that knows one version of some packages.
 *
 * @param advisories by package; without them there is no service for audits, as with many mirrors
 */
export async function startNpmRegistry(
  latest: Readonly<Record<string, string>>,
  advisories?: Readonly<Record<string, readonly Advisory[]>>,
): Promise<NpmRegistry> {
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      request.resume();
      response.setHeader("content-type", "application/json");
      if (advisories === undefined) return void response.writeHead(405).end("{}");
      return void response.end(JSON.stringify(advisories));
    }
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
