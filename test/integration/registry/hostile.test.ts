import { createPublicKey } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { BUNDLE_MEDIA_TYPE, STATEMENT_ARTIFACT_TYPE } from "../../../src/plan/annotations";
import { digestOf } from "../../../src/plan/digest";
import { Secret } from "../../../src/plan/secret";
import type { RegistryClient } from "../../../src/registry/client";
import { copyContent } from "../../../src/registry/copy";
import { missingParts } from "../../../src/registry/copy-rules";
import { RegistryError } from "../../../src/registry/errors";
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from "../../../src/registry/manifests";
import { readImage } from "../../../src/registry/read-image";
import { readRegistryState } from "../../../src/registry/read-state";
import { detachStatements, ensureListed } from "../../../src/registry/referrers";
import { readEvidence } from "../../../src/signing/evidence";
import { trustKey } from "../../../src/signing/keys";
import { newKeyPair } from "../../support/signed-image";
import { clientOf, json } from "./content";

const REPOSITORY = "octo/app";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const hex = (digit: string) => `sha256:${digit.repeat(64)}` as const;

/** An answer of the registry: JSON, or bytes as they are. */
interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

type Handler = (path: string, request: IncomingMessage) => Reply | undefined;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A registry with any answers; 404 where none is given. */
async function hostile(handler: Handler): Promise<{ host: string; asked: string[]; client: RegistryClient }> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    asked.push(path);
    const reply = handler(path, request) ?? { status: 404, body: { errors: [] } };
    const bytes = Buffer.isBuffer(reply.body) ? reply.body : json(reply.body ?? {});
    response.writeHead(reply.status ?? 200, {
      "content-type": reply.type ?? "application/json",
      ...reply.headers,
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const client = clientOf(host, { attempts: 1 });
  cleanups.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host, asked, client };
}

/** Content by digest and tag: manifests with a type of their own, blobs without. */
function store(): {
  put(
    content: unknown,
    type?: string,
    tag?: string,
  ): { mediaType: string; digest: `sha256:${string}`; size: number };
  readonly handler: Handler;
} {
  const contents = new Map<string, { bytes: Buffer; type: string }>();
  return {
    put(content, type = "application/octet-stream", tag) {
      const bytes = Buffer.isBuffer(content) ? content : json(content);
      const digest = digestOf(bytes);
      contents.set(digest, { bytes, type });
      if (tag !== undefined) contents.set(tag, { bytes, type });
      return { mediaType: type, digest, size: bytes.length };
    },
    handler: (path) => {
      const found = contents.get(/\/(?:manifests|blobs)\/([^/?]+)/.exec(path)?.[1] ?? "");
      return found && { type: found.type, body: found.bytes };
    },
  };
}

const entry = (digit = "a", more: object = {}) => ({
  mediaType: OCI_MANIFEST,
  digest: hex(digit),
  size: 2,
  ...more,
});
const index = (manifests: unknown, more: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests,
  ...more,
});
const many = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    entry("a", { digest: `sha256:${at.toString(16).padStart(64, "0")}` }),
  );

const manifestIs =
  (body: unknown, type = OCI_INDEX) =>
  () => ({ type, body });
const read = (client: RegistryClient) => readImage(client, REPOSITORY, "1.2.3", { statements: true });
const tags = (client: RegistryClient) => client.listTags(REPOSITORY);
const referrers = (client: RegistryClient) => client.referrers(REPOSITORY, hex("a"));

interface Case {
  readonly what: string;
  readonly answers: Handler;
  readonly act: (client: RegistryClient, host: string) => Promise<unknown>;
  readonly says: RegExp;
}

/** A manifest whose configuration is this. */
function configured(config: Buffer): Handler {
  const contents = store();
  const descriptor = contents.put(config, CONFIG);
  contents.put(
    { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [] },
    OCI_MANIFEST,
    "1.2.3",
  );
  return contents.handler;
}

/** Indexes within indexes, `width` in each. */
function nested(depth: number, width: number): { readonly handler: Handler; readonly root: string } {
  const contents = store();
  let level = Array.from({ length: width }, (_, at) =>
    contents.put(index([], { annotations: { at: String(at) } }), OCI_INDEX),
  );
  for (let at = 0; at < depth; at++)
    level = Array.from({ length: width }, (_, name) =>
      contents.put(index(level, { annotations: { at: `${at} ${name}` } }), OCI_INDEX),
    );
  return { handler: contents.handler, root: contents.put(index(level), OCI_INDEX).digest };
}

const copyOf = (digest: string) => (client: RegistryClient) =>
  copyContent({ from: { client, repository: REPOSITORY }, to: { client, repository: "octo/prod" }, digest });

const deep = nested(12, 1);
const wide = (() => {
  const contents = store();
  return { handler: contents.handler, root: contents.put(index(many(2_000)), OCI_INDEX).digest };
})();
const layered = (() => {
  const contents = store();
  const config = contents.put({}, OCI_EMPTY);
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: many(2_000) };
  return { handler: contents.handler, root: contents.put(manifest, OCI_MANIFEST).digest };
})();
const strayAttestation = (() => {
  const contents = store();
  const annotations = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": hex("b"),
  };
  return {
    handler: contents.handler,
    root: contents.put(index([entry("a", { annotations })]), OCI_INDEX).digest,
  };
})();

const huge = (() => {
  const contents = store();
  const middle = Array.from({ length: 6 }, (_, at) =>
    contents.put(
      index(
        Array.from({ length: 900 }, (_, leaf) =>
          contents.put(index([], { annotations: { at: `${at} ${leaf}` } }), OCI_INDEX),
        ),
      ),
      OCI_INDEX,
    ),
  );
  return { handler: contents.handler, root: contents.put(index(middle), OCI_INDEX).digest };
})();
const crowded = (() => {
  const contents = store();
  const bundles = many(1_001).map((bundle) => ({ ...bundle, artifactType: BUNDLE_MEDIA_TYPE }));
  const root = contents.put(index([]), OCI_INDEX).digest;
  const handler: Handler = (path, request) =>
    path.includes("/referrers/")
      ? { type: OCI_INDEX, body: index(bundles) }
      : contents.handler(path, request);
  return { handler, root };
})();

const cases: readonly Case[] = [
  {
    what: "a manifest that is no JSON",
    answers: manifestIs(Buffer.from("<html>")),
    act: read,
    says: /is not JSON/,
  },
  {
    what: "a manifest that is null",
    answers: manifestIs(null),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "a manifest that is a list",
    answers: manifestIs([]),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "an index without a list",
    answers: manifestIs(index({})),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "an index of nulls",
    answers: manifestIs(index([null])),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "a platform that is null",
    answers: manifestIs(index([entry("a", { platform: null })])),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "a platform whose system is an object",
    answers: manifestIs(index([entry("a", { platform: { os: {}, architecture: "amd64" } })])),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "a platform that forges a line of a log",
    answers: manifestIs(index([entry("a", { platform: { os: "linux\n::error::", architecture: "amd64" } })])),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "annotations that are numbers",
    answers: manifestIs(index([], { annotations: { "dev.slipway.attestations": 1 } })),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "annotations that are a list",
    answers: manifestIs(index([], { annotations: ["x"] })),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "an index that is a manifest too",
    answers: manifestIs(index([], { config: entry(), layers: [] })),
    act: read,
    says: /an index that is not valid/,
  },
  {
    what: "an index that is sent as a manifest",
    answers: manifestIs({ schemaVersion: 2, manifests: [] }, OCI_MANIFEST),
    act: read,
    says: /a manifest that is not valid/,
  },
  {
    what: "a manifest without a configuration",
    answers: manifestIs({ schemaVersion: 2, layers: [] }, OCI_MANIFEST),
    act: read,
    says: /a manifest that is not valid/,
  },
  {
    what: "a manifest above 4 MiB",
    answers: manifestIs(Buffer.alloc(5_000_000, " ")),
    act: read,
    says: /more than 4194304/,
  },
  {
    what: "an index of 100,000 entries",
    answers: manifestIs(index(many(100_000))),
    act: read,
    says: /with more than 4194304 bytes/,
  },
  {
    what: "an index of 20,000 entries",
    answers: manifestIs(index(many(20_000))),
    act: read,
    says: /an index of 20000 entries; at most 2000 are read/,
  },
  {
    what: "a configuration that is no JSON",
    answers: configured(Buffer.from("no JSON")),
    act: read,
    says: /configuration .* is not JSON/,
  },
  {
    what: "a configuration that is null",
    answers: configured(Buffer.from("null")),
    act: read,
    says: /configuration .* is not a JSON object/,
  },
  {
    what: "a configuration whose system is a number",
    answers: configured(json({ os: 1, architecture: "amd64" })),
    act: read,
    says: /configuration .* names no platform/,
  },
  {
    what: "a configuration of 9 MiB",
    answers: configured(Buffer.alloc(9 * 1024 * 1024, " ")),
    act: read,
    says: /more than 8388608 bytes/,
  },
  {
    what: "tags that are no JSON",
    answers: () => ({ body: Buffer.from("x") }),
    act: tags,
    says: /is not JSON/,
  },
  { what: "tags that are null", answers: () => ({ body: null }), act: tags, says: /not a list of tags/ },
  {
    what: "tags without a list",
    answers: () => ({ body: { errors: [] } }),
    act: tags,
    says: /not a list of tags/,
  },
  {
    what: "tags in an object",
    answers: () => ({ body: { tags: { a: 1 } } }),
    act: tags,
    says: /not a list of tags/,
  },
  {
    what: "a tag that is a number",
    answers: () => ({ body: { tags: ["a", 1] } }),
    act: tags,
    says: /an invalid tag/,
  },
  {
    what: "a tag that forges a line of a log",
    answers: () => ({ body: { tags: ["1.0\n::error::x"] } }),
    act: tags,
    says: /an invalid tag/,
  },
  {
    what: "pages of tags without an end",
    answers: (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      return {
        body: { tags: [`t${at}`] },
        headers: { link: `</v2/octo/app/tags/list?last=${at + 1}>; rel="next"` },
      };
    },
    act: tags,
    says: /more than \d+ pages/,
  },
  {
    what: "pages of tags that go in circles",
    answers: () => ({ body: { tags: [] }, headers: { link: '</v2/octo/app/tags/list?n=1000>; rel="next"' } }),
    act: tags,
    says: /go in circles/,
  },
  {
    what: "a next page on another host",
    answers: () => ({ body: { tags: [] }, headers: { link: '<http://169.254.169.254/latest>; rel="next"' } }),
    act: tags,
    says: /a next page on another host/,
  },
  {
    what: "more tags than any repository has",
    answers: (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      const page = Array.from({ length: 100_000 }, (_, tag) => `t${at}-${tag}`);
      return {
        body: { tags: page },
        headers: { link: `</v2/octo/app/tags/list?last=${at + 1}>; rel="next"` },
      };
    },
    act: tags,
    says: /more than 500000 tags/,
  },
  {
    what: "referrers that are no JSON",
    answers: () => ({ type: OCI_INDEX, body: Buffer.from("x") }),
    act: referrers,
    says: /is not JSON/,
  },
  {
    what: "referrers that are null",
    answers: () => ({ type: OCI_INDEX, body: null }),
    act: referrers,
    says: /not a list of referrers/,
  },
  {
    what: "referrers of another shape",
    answers: () => ({ type: OCI_INDEX, body: index([{ digest: 1 }]) }),
    act: referrers,
    says: /not a list of referrers/,
  },
  {
    what: "more referrers than are read, on one page",
    answers: () => ({ type: OCI_INDEX, body: index(many(2_001)) }),
    act: referrers,
    says: /more than 2000 referrers/,
  },
  {
    what: "more referrers than are read, page by page",
    answers: (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      const headers = { link: `</v2/octo/app/referrers/${hex("a")}?last=${at + 1}>; rel="next"` };
      return {
        type: OCI_INDEX,
        headers,
        body: index([entry("a", { digest: `sha256:${at.toString(16).padStart(64, "0")}` })]),
      };
    },
    act: referrers,
    says: /more than \d+ (?:referrers|pages)/,
  },
  {
    what: "a fallback tag with more referrers than are read",
    answers: (path) =>
      path.includes("/manifests/sha256-") ? { type: OCI_INDEX, body: index(many(2_001)) } : undefined,
    act: referrers,
    says: /an index of 2001 entries; at most 2000 are read/,
  },
  {
    what: "a fallback tag of another shape",
    answers: (path) =>
      path.includes("/manifests/sha256-") ? { type: OCI_INDEX, body: index([null]) } : undefined,
    act: (client) => ensureListed({ client, repository: REPOSITORY }, hex("a"), entry("b")),
    says: /an index that is not valid/,
  },
  {
    what: "a token that is no JSON",
    answers: (path, { headers }) =>
      path.startsWith("/token")
        ? { body: Buffer.from("no") }
        : {
            status: 401,
            headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token",service="x"` },
          },
    act: tags,
    says: /is not JSON/,
  },
  ...[null, [], {}, { token: {} }, { token: "a\nb" }, { token: "x".repeat(70_000) }].map((body) => ({
    what: `a token answer like ${JSON.stringify(body).slice(0, 40)}`,
    answers: ((path, { headers }) =>
      path.startsWith("/token")
        ? { body }
        : {
            status: 401,
            headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token",service="x"` },
          }) satisfies Handler,
    act: tags,
    says: /no usable token/,
  })),
  {
    what: "a token that lives for an object",
    answers: (path, { headers }) =>
      path.startsWith("/token")
        ? { body: { token: "abc", expires_in: { toString: 1, valueOf: 1 } } }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token"` } },
    act: tags,
    says: /answered 401/,
  },
  {
    what: "a token service that answers without an end",
    answers: (path, { headers }) =>
      path.startsWith("/token")
        ? { body: Buffer.alloc(2_000_000, " ") }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token"` } },
    act: tags,
    says: /more than 1048576 bytes/,
  },
  ...[
    "Bearer realm=",
    'Bearer realm="::"',
    'Bearer realm="ftp://x/"',
    'Bearer realm="file:///etc/passwd"',
  ].map((challenge) => ({
    what: `the challenge ${challenge}`,
    answers: () => ({ status: 401, headers: { "www-authenticate": challenge } }),
    act: tags,
    says: /answered 401|token service/,
  })),
  {
    what: "redirects without an end",
    answers: (path) => ({ status: 302, headers: { location: `${path}x` } }),
    act: read,
    says: /more than 5 redirects/,
  },
  {
    what: "indexes within indexes within …",
    answers: deep.handler,
    act: copyOf(deep.root),
    says: /deeper than 8 indexes/,
  },
  {
    what: "an index of 2,000 manifests, to copy",
    answers: wide.handler,
    act: copyOf(wide.root),
    says: /names 2000 parts; at most 1000 are copied/,
  },
  {
    what: "a manifest of 2,000 layers, to copy",
    answers: layered.handler,
    act: copyOf(layered.root),
    says: /names 2000 parts; at most 1000 are copied/,
  },
  {
    what: "an index of 2,000 manifests, to look for its parts",
    answers: wide.handler,
    act: (client) => missingParts(client, REPOSITORY, wide.root as never),
    says: /names 2000 parts; at most 1000 are copied/,
  },
  {
    what: "an image of 5,400 manifests, to copy",
    answers: huge.handler,
    act: copyOf(huge.root),
    says: /has more than 5000 manifests/,
  },
  {
    what: "1,001 bundles of one image, to copy",
    answers: crowded.handler,
    act: copyOf(crowded.root),
    says: /has more than 1000 referrers of one image, and they are not copied\n.*delete those that no release made/,
  },
  {
    what: "an attestation about something that is not in its index",
    answers: strayAttestation.handler,
    act: (client) => detachStatements(client, REPOSITORY, strayAttestation.root as never),
    says: /is about sha256:bbb/,
  },
];

describe("a hostile registry gets one clear error that names the repository", () => {
  it.each(cases)("$what", async ({ answers, act, says }) => {
    const { client, host } = await hostile(answers);
    const error: unknown = await act(client, host).then(
      (found) => new Error(`no error, but ${JSON.stringify(found)?.slice(0, 300)}`),
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(RegistryError);
    if (!(error instanceof RegistryError)) return;
    expect(error.message).toMatch(says);
    expect(error.toProblem().path).toBe(`${host}/${REPOSITORY}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(error.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(error.message).not.toMatch(/^::/m);
    expect(error.message.length).toBeLessThan(1_000);
  });

  it("and it refuses the plan", async () => {
    const { client, host } = await hostile((path) =>
      path === "/v2/"
        ? {}
        : path.includes("tags")
          ? { body: { tags: ["1.2.3"] } }
          : { type: OCI_INDEX, body: null },
    );
    const { access } = await readRegistryState(
      {
        registries: [{ host, optional: false }],
        repositories: [{ host, path: REPOSITORY, tags: ["1.2.3"], versionTags: ["1.2.3"] }],
      },
      () => ({ client, credentials: async () => undefined }),
    );
    expect(access[host]).toMatchObject({
      status: "refused",
      problem: { code: "registry-bad-answer", path: `${host}/${REPOSITORY}` },
    });
  });

  it("gets no password for another host", async () => {
    const seen: (string | undefined)[] = [];
    const other = await hostile((_, { headers }) => {
      seen.push(headers.authorization);
      return { body: { tags: [] } };
    });
    const registry = await hostile((_, { headers }) =>
      headers.authorization === undefined
        ? { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }
        : { status: 302, headers: { location: `http://${other.host}/v2/octo/app/tags/list` } },
    );
    const password = new Secret("correct horse");
    const client = clientOf(registry.host, { credentials: async () => ({ username: "me", password }) });
    await client.listTags(REPOSITORY);
    await client.close();
    expect(seen).toEqual([undefined]);
  });
});

describe("junk beside an image", () => {
  const trust = trustKey(createPublicKey(newKeyPair().publicPem));

  it("of every shape is ignored, and the rest is still read", async () => {
    const contents = store();
    const subject = contents.put(index([]), OCI_INDEX, "1.2.3");
    const empty = contents.put({}, OCI_EMPTY);
    const manifest = (layers: unknown, more: object = {}) => ({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: BUNDLE_MEDIA_TYPE,
      config: empty,
      layers,
      subject,
      ...more,
    });
    const layer = (bytes: Buffer) => contents.put(bytes, BUNDLE_MEDIA_TYPE);
    const junk = [
      contents.put(Buffer.from("no JSON"), OCI_MANIFEST),
      contents.put(null, OCI_MANIFEST),
      contents.put(manifest([]), OCI_MANIFEST),
      contents.put(manifest([layer(Buffer.from("no JSON"))]), OCI_MANIFEST),
      contents.put(manifest([layer(Buffer.from("[".repeat(100_000)))]), OCI_MANIFEST),
      contents.put(manifest([layer(json({ mediaType: BUNDLE_MEDIA_TYPE, dsseEnvelope: 1 }))]), OCI_MANIFEST),
      contents.put(manifest([{ ...layer(Buffer.from("x")), size: 2 ** 50 }]), OCI_MANIFEST),
      entry("f"),
    ];
    const { client } = await hostile((path, request) => {
      if (!path.includes("/referrers/")) return contents.handler(path, request);
      const artifactType = path.includes("artifactType=") ? STATEMENT_ARTIFACT_TYPE : BUNDLE_MEDIA_TYPE;
      return { type: OCI_INDEX, body: index(junk.map((descriptor) => ({ ...descriptor, artifactType }))) };
    });
    expect((await read(client))?.statements).toEqual([]);
    const to = { client, repository: "octo/prod" };
    const from = { client, repository: REPOSITORY };
    const copied = await copyContent({ from, to, digest: subject.digest, accept: async () => false });
    expect(copied).toMatchObject({ referrers: [], danglingReferrers: [hex("f")] });
    expect(copied.skippedReferrers).toEqual({
      "not valid for their kind": 4,
      "not accepted": 3,
    });
    const evidence = await readEvidence({ client, repository: REPOSITORY }, subject.digest, [trust]);
    expect(evidence?.accepted).toEqual([]);
    expect(evidence?.rejected).toHaveLength(junk.length);
    expect(new Set(evidence?.rejected.map(({ code }) => code))).toEqual(new Set(["verify-malformed"]));
  });
});
