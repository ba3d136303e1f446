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

type Case = readonly [
  what: string,
  answers: Handler,
  act: (client: RegistryClient, host: string) => Promise<unknown>,
  says: RegExp,
];

/** A registry that challenges, with a token service that answers `body`. */
const withToken =
  (body: unknown): Handler =>
  (path, { headers }) =>
    path.startsWith("/token")
      ? { body }
      : {
          status: 401,
          headers: { "www-authenticate": `Bearer realm="http://${headers.host}/token",service="x"` },
        };

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
  ["a manifest that is not JSON", manifestIs(Buffer.from("<html>")), read, /is not JSON/],
  ["a manifest that is null", manifestIs(null), read, /an index that is not valid/],
  ["a manifest that is a list", manifestIs([]), read, /an index that is not valid/],
  ["an index without a list", manifestIs(index({})), read, /an index that is not valid/],
  ["an index of nulls", manifestIs(index([null])), read, /an index that is not valid/],
  [
    "a platform that is null",
    manifestIs(index([entry("a", { platform: null })])),
    read,
    /an index that is not valid/,
  ],
  [
    "a platform whose system is an object",
    manifestIs(index([entry("a", { platform: { os: {}, architecture: "amd64" } })])),
    read,
    /an index that is not valid/,
  ],
  [
    "a platform that forges a line of a log",
    manifestIs(index([entry("a", { platform: { os: "linux\n::error::", architecture: "amd64" } })])),
    read,
    /an index that is not valid/,
  ],
  [
    "annotations that are numbers",
    manifestIs(index([], { annotations: { "dev.slipway.attestations": 1 } })),
    read,
    /an index that is not valid/,
  ],
  [
    "annotations that are a list",
    manifestIs(index([], { annotations: ["x"] })),
    read,
    /an index that is not valid/,
  ],
  [
    "an index that is a manifest too",
    manifestIs(index([], { config: entry(), layers: [] })),
    read,
    /an index that is not valid/,
  ],
  [
    "an index that is sent as a manifest",
    manifestIs({ schemaVersion: 2, manifests: [] }, OCI_MANIFEST),
    read,
    /a manifest that is not valid/,
  ],
  [
    "a manifest without a configuration",
    manifestIs({ schemaVersion: 2, layers: [] }, OCI_MANIFEST),
    read,
    /a manifest that is not valid/,
  ],
  ["a manifest above 4 MiB", manifestIs(Buffer.alloc(5_000_000, " ")), read, /more than 4194304/],
  ["an index of 100,000 entries", manifestIs(index(many(100_000))), read, /with more than 4194304 bytes/],
  [
    "an index of 20,000 entries",
    manifestIs(index(many(20_000))),
    read,
    /an index of 20000 entries; at most 2000 are read/,
  ],
  [
    "a configuration that is not JSON",
    configured(Buffer.from("no JSON")),
    read,
    /configuration .* is not JSON/,
  ],
  [
    "a configuration that is null",
    configured(Buffer.from("null")),
    read,
    /configuration .* is not a JSON object/,
  ],
  [
    "a configuration whose system is a number",
    configured(json({ os: 1, architecture: "amd64" })),
    read,
    /configuration .* names no platform/,
  ],
  [
    "a configuration of 9 MiB",
    configured(Buffer.alloc(9 * 1024 * 1024, " ")),
    read,
    /more than 8388608 bytes/,
  ],
  ["tags that are not JSON", () => ({ body: Buffer.from("x") }), tags, /is not JSON/],
  ["tags that are null", () => ({ body: null }), tags, /not a list of tags/],
  ["tags without a list", () => ({ body: { errors: [] } }), tags, /not a list of tags/],
  ["tags in an object", () => ({ body: { tags: { a: 1 } } }), tags, /not a list of tags/],
  ["a tag that is a number", () => ({ body: { tags: ["a", 1] } }), tags, /an invalid tag/],
  [
    "a tag that forges a line of a log",
    () => ({ body: { tags: ["1.0\n::error::x"] } }),
    tags,
    /an invalid tag/,
  ],
  [
    "pages of tags without an end",
    (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      return {
        body: { tags: [`t${at}`] },
        headers: { link: `</v2/octo/app/tags/list?last=${at + 1}>; rel="next"` },
      };
    },
    tags,
    /more than \d+ pages/,
  ],
  [
    "pages of tags that go in circles",
    () => ({ body: { tags: [] }, headers: { link: '</v2/octo/app/tags/list?n=1000>; rel="next"' } }),
    tags,
    /go in circles/,
  ],
  [
    "a next page on another host",
    () => ({ body: { tags: [] }, headers: { link: '<http://169.254.169.254/latest>; rel="next"' } }),
    tags,
    /a next page on another host/,
  ],
  [
    "more tags than any repository has",
    (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      const page = Array.from({ length: 100_000 }, (_, tag) => `t${at}-${tag}`);
      return {
        body: { tags: page },
        headers: { link: `</v2/octo/app/tags/list?last=${at + 1}>; rel="next"` },
      };
    },
    tags,
    /more than 500000 tags/,
  ],
  [
    "referrers that are not JSON",
    () => ({ type: OCI_INDEX, body: Buffer.from("x") }),
    referrers,
    /is not JSON/,
  ],
  ["referrers that are null", () => ({ type: OCI_INDEX, body: null }), referrers, /not a list of referrers/],
  [
    "referrers that are not valid",
    () => ({ type: OCI_INDEX, body: index([{ digest: 1 }]) }),
    referrers,
    /not a list of referrers/,
  ],
  [
    "more referrers than are read, on one page",
    () => ({ type: OCI_INDEX, body: index(many(2_001)) }),
    referrers,
    /more than 2000 referrers/,
  ],
  [
    "more referrers than are read, page by page",
    (path) => {
      const at = Number(new URL(path, "http://x").searchParams.get("last") ?? 0);
      const headers = { link: `</v2/octo/app/referrers/${hex("a")}?last=${at + 1}>; rel="next"` };
      return {
        type: OCI_INDEX,
        headers,
        body: index([entry("a", { digest: `sha256:${at.toString(16).padStart(64, "0")}` })]),
      };
    },
    referrers,
    /more than \d+ (?:referrers|pages)/,
  ],
  [
    "a fallback tag with more referrers than are read",
    (path) =>
      path.includes("/manifests/sha256-") ? { type: OCI_INDEX, body: index(many(2_001)) } : undefined,
    referrers,
    /an index of 2001 entries; at most 2000 are read/,
  ],
  [
    "a fallback tag that is not valid",
    (path) => (path.includes("/manifests/sha256-") ? { type: OCI_INDEX, body: index([null]) } : undefined),
    (client) => ensureListed({ client, repository: REPOSITORY }, hex("a"), entry("b")),
    /an index that is not valid/,
  ],
  ["a token that is not JSON", withToken(Buffer.from("no")), tags, /is not JSON/],
  ...[null, [], {}, { token: {} }, { token: "a\nb" }, { token: "x".repeat(70_000) }].map(
    (body): Case => [
      `a token answer like ${JSON.stringify(body).slice(0, 40)}`,
      withToken(body),
      tags,
      /no usable token/,
    ],
  ),
  [
    "a token that lives for an object",
    withToken({ token: "abc", expires_in: { toString: 1, valueOf: 1 } }),
    tags,
    /answered 401/,
  ],
  [
    "a token service that answers without an end",
    withToken(Buffer.alloc(2_000_000, " ")),
    tags,
    /more than 1048576 bytes/,
  ],
  ...[
    "Bearer realm=",
    'Bearer realm="::"',
    'Bearer realm="ftp://x/"',
    'Bearer realm="file:///etc/passwd"',
  ].map(
    (challenge): Case => [
      `the challenge ${challenge}`,
      () => ({ status: 401, headers: { "www-authenticate": challenge } }),
      tags,
      /answered 401|token service/,
    ],
  ),
  [
    "redirects without an end",
    (path) => ({ status: 302, headers: { location: `${path}x` } }),
    read,
    /more than 5 redirects/,
  ],
  ["indexes within indexes within …", deep.handler, copyOf(deep.root), /deeper than 8 indexes/],
  [
    "an index of 2,000 manifests, to copy",
    wide.handler,
    copyOf(wide.root),
    /names 2000 parts; at most 1000 are copied/,
  ],
  [
    "a manifest of 2,000 layers, to copy",
    layered.handler,
    copyOf(layered.root),
    /names 2000 parts; at most 1000 are copied/,
  ],
  [
    "an index of 2,000 manifests, to look for its parts",
    wide.handler,
    (client) => missingParts(client, REPOSITORY, wide.root as never),
    /names 2000 parts; at most 1000 are copied/,
  ],
  ["an image of 5,400 manifests, to copy", huge.handler, copyOf(huge.root), /has more than 5000 manifests/],
  [
    "1,001 bundles of one image, to copy",
    crowded.handler,
    copyOf(crowded.root),
    /has more than 1000 referrers of one image, and they are not copied\n.*delete those that no release made/,
  ],
  [
    "an attestation about something that is not in its index",
    strayAttestation.handler,
    (client) => detachStatements(client, REPOSITORY, strayAttestation.root as never),
    /is about sha256:bbb/,
  ],
];

describe("a hostile registry gets one clear error that names the repository", () => {
  it.each(cases)("%s", async (_what, answers, act, says) => {
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
