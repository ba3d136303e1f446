import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RegistryClient } from "../../../src/registry/client";
import { type Descriptor, isIndex, OCI_INDEX, OCI_MANIFEST } from "../../../src/registry/manifests";
import { attachReferrer, ensureListed } from "../../../src/registry/referrers";
import { crane } from "../../support/crane";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex } from "./content";

const STATEMENT = "application/vnd.slipway.release.v1+json";
const OTHER = "application/vnd.example.other.v1+json";

describe("referrers on a registry without the referrers API (distribution has none)", () => {
  let registry: TestRegistry;
  let proxy: FaultProxy;
  let client: RegistryClient;
  let subject: Descriptor;

  beforeAll(async () => {
    registry = await startRegistry();
    proxy = await startFaultProxy(registry.host);
  }, 30_000);
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
  });
  beforeEach(async () => {
    proxy.reset();
    client = clientOf(proxy.host);
    subject = await pushIndex(client, "octo/app");
    await registry.forget();
  });

  const attach = (text: string, artifactType = STATEMENT) =>
    attachReferrer({
      client,
      repository: "octo/app",
      subject,
      artifactType,
      layers: [{ mediaType: artifactType, bytes: json({ text }) }],
      annotations: { b: "2", a: text },
    });

  const tagOf = (digest: string) => digest.replace(":", "-");

  it("asks for the referrers API once, and not again", async () => {
    await attach("api");
    await client.referrers("octo/app", subject.digest);
    const asked = (await registry.log()).filter(({ path }) => path.includes("/referrers/"));
    expect(asked).toMatchObject([{ status: 404 }]);
  });

  it("lists under the fallback tag what was attached, with type and annotations", async () => {
    const { descriptor, existed } = await attach("one");
    expect(existed).toBe(false);
    expect(descriptor).toMatchObject({ artifactType: STATEMENT, annotations: { a: "one", b: "2" } });
    expect(await client.referrers("octo/app", subject.digest)).toEqual([descriptor]);

    const manifest = JSON.parse(await crane("manifest", `${registry.host}/octo/app@${descriptor.digest}`));
    expect(manifest).toMatchObject({ artifactType: STATEMENT, subject: { digest: subject.digest } });
    const fallback = JSON.parse(
      await crane("manifest", `${registry.host}/octo/app:${tagOf(subject.digest)}`),
    );
    expect(fallback.manifests).toEqual([descriptor]);
    expect(await client.listTags("octo/app")).toContain(tagOf(subject.digest));
  });

  it("writes nothing the second time", async () => {
    const first = await attach("one");
    await registry.forget();
    expect(await attach("one")).toEqual({ ...first, existed: true });
    expect(await registry.writes()).toEqual([]);
  });

  it("completes what an interrupted attach left: a manifest that is not listed", async () => {
    const stop = proxy.inject({
      method: "PUT",
      path: /manifests\/sha256-/,
      fault: { kind: "answer", status: 403 },
    });
    await expect(attach("one")).rejects.toMatchObject({ code: "registry-forbidden" });
    stop();
    const { descriptor, existed } = await attach("one");
    expect(existed).toBe(false);
    expect(await client.referrers("octo/app", subject.digest)).toEqual([descriptor]);
  });

  it("keeps every entry when many attach at once", async () => {
    const attached = await Promise.all(
      Array.from({ length: 12 }, (_, index) => attach(`statement ${index}`)),
    );
    const listed = await client.referrers("octo/app", subject.digest);
    expect(listed.map(({ digest }) => digest)).toEqual(
      attached.map(({ descriptor }) => descriptor.digest).sort(),
    );
  });

  it("filters by artifact type", async () => {
    const wanted = await attach("one");
    const other = await attach("two", OTHER);
    expect(await client.referrers("octo/app", subject.digest, STATEMENT)).toEqual([wanted.descriptor]);
    expect(await client.referrers("octo/app", subject.digest, OTHER)).toEqual([other.descriptor]);
    expect(await client.referrers("octo/app", subject.digest)).toHaveLength(2);
  });

  it("keeps every entry when another writer overwrites the tag between write and re-read", async () => {
    const early = await attach("early");
    const others = clientOf(registry.host);
    // Right before our re-read another process writes a list that knows neither of ours.
    proxy.inject({
      method: "GET",
      path: /manifests\/sha256-/,
      after: 1,
      times: 1,
      fault: {
        kind: "call",
        run: async () => {
          const index = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [early.descriptor] });
          await others.putManifest("octo/app", tagOf(subject.digest), index, OCI_INDEX);
        },
      },
    });
    const { descriptor } = await attach("late");
    const listed = await client.referrers("octo/app", subject.digest);
    expect(listed.map(({ digest }) => digest)).toEqual([early.descriptor.digest, descriptor.digest].sort());
  });

  it("gives up, and says why, when others never stop", async () => {
    const others = clientOf(registry.host);
    proxy.inject({
      method: "GET",
      path: /manifests\/sha256-/,
      fault: {
        kind: "call",
        run: async () => {
          const index = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
          await others.putManifest("octo/app", tagOf(subject.digest), index, OCI_INDEX);
        },
      },
    });
    const entry = { mediaType: OCI_MANIFEST, digest: subject.digest, size: 3 };
    await expect(
      ensureListed({ client, repository: "octo/app" }, subject.digest, entry),
    ).rejects.toMatchObject({
      code: "registry-conflict",
    });
  }, 20_000);

  it("touches no tag of somebody else's that only looks like the fallback's", async () => {
    const image = await client.getManifest("octo/app", subject.digest);
    const child = isIndex(image?.json) ? image.json.manifests[0] : undefined;
    const bytes = (await client.getManifest("octo/app", child?.digest ?? ""))?.bytes ?? Buffer.alloc(0);
    await client.putManifest("octo/app", tagOf(subject.digest), bytes, OCI_MANIFEST);
    await expect(attach("one")).rejects.toMatchObject({ code: "registry-conflict" });
  });
});

describe("the referrers API", () => {
  const digest = `sha256:${"0".repeat(64)}` as const;
  const entry = (letter: string, artifactType: string): Descriptor => ({
    mediaType: OCI_MANIFEST,
    digest: `sha256:${letter.repeat(64)}`,
    size: 1,
    artifactType,
  });

  /** A stand-in for registries that have the API, which distribution has not. */
  async function withApi<T>(
    filters: "none" | "type",
    run: (client: RegistryClient) => Promise<T>,
  ): Promise<T> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const wanted = url.searchParams.get("artifactType");
      const page = url.searchParams.get("page") ?? "1";
      const all =
        page === "1"
          ? [entry("b", STATEMENT), entry("c", OTHER)]
          : [entry("a", STATEMENT), entry("b", STATEMENT)];
      const filtered = filters === "type" && wanted !== null;
      const manifests = all.filter(({ artifactType }) => !filtered || artifactType === wanted);
      url.searchParams.set("page", "2");
      response.writeHead(200, {
        "content-type": `${OCI_INDEX}; charset=utf-8`,
        ...(filtered ? { "oci-filters-applied": "artifactType" } : {}),
        // A relative link, as most registries send.
        ...(page === "1" ? { link: `<${url.pathname}${url.search}>; rel="next"` } : {}),
      });
      response.end(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = clientOf(`localhost:${(server.address() as AddressInfo).port}`);
    try {
      return await run(client);
    } finally {
      await client.close();
      server.closeAllConnections();
      server.close();
    }
  }

  it("is read page by page, without repeats, sorted", async () => {
    const listed = await withApi("none", (client) => client.referrers("octo/app", digest));
    expect(listed).toEqual([entry("a", STATEMENT), entry("b", STATEMENT), entry("c", OTHER)]);
  });

  it.each(["none", "type"] as const)(
    "is filtered by type where the registry filters: %s",
    async (filters) => {
      const listed = await withApi(filters, (client) => client.referrers("octo/app", digest, STATEMENT));
      expect(listed).toEqual([entry("a", STATEMENT), entry("b", STATEMENT)]);
    },
  );

  it("gives way to the fallback tag where a proxy answers with a page instead", async () => {
    const server = createServer((request, response) => {
      const isTag = request.url?.includes("/manifests/sha256-");
      const body = isTag
        ? JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry("d", OTHER)] })
        : "<html>";
      response.writeHead(200, { "content-type": isTag ? OCI_INDEX : "text/html" }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = clientOf(`localhost:${(server.address() as AddressInfo).port}`);
    try {
      expect(await client.referrers("octo/app", digest)).toEqual([entry("d", OTHER)]);
    } finally {
      await client.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it("stops at pages that go in circles or to another host", async () => {
    let link = "";
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", link }).end('{"tags":["a"]}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = clientOf(`localhost:${(server.address() as AddressInfo).port}`);
    try {
      link = '</v2/octo/app/tags/list?n=1000>; rel="next"';
      await expect(client.listTags("octo/app")).rejects.toThrow("pages that go in circles");
      link = '<http://127.0.0.2/v2/octo/app/tags/list?n=1000>; rel="next"';
      await expect(client.listTags("octo/app")).rejects.toThrow("a next page on another host");
    } finally {
      await client.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
