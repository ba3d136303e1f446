import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import { bundleToJSON } from "@sigstore/bundle";
import { fulcioHandler, type HandlerFn, initializeCA, initializeCTLog, initializeTLog } from "@sigstore/mock";
import { DSSEBundleBuilder, FulcioSigner, RekorWitness } from "@sigstore/sign";

export interface Authorities {
  readonly fulcio: string;
  readonly rekor: string;
  /** JSON, as `trusted_root.json` has it. */
  readonly trustedRoot: string;
  stop(): Promise<void>;
}

export interface AuthoritiesOptions {
  /** The clock of certificates. @default now */
  readonly certified?: Date;
  /** The clock of the transparency log. @default now */
  readonly logged?: Date;
}

function keyPair(curve: string): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: curve });
}

/** A certificate authority, its certificate log and a transparency log: stand-ins with keys of their own, over HTTP. */
export async function startAuthorities(options: AuthoritiesOptions = {}): Promise<Authorities> {
  const { certified, logged } = options;
  const ctlog = await initializeCTLog(keyPair("prime256v1"), certified);
  const ca = await initializeCA(keyPair("secp384r1"), ctlog, certified);
  const handlers = new Map<string, HandlerFn>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", async () => {
      const handle = handlers.get(request.url ?? "");
      if (handle === undefined) return response.writeHead(404).end();
      const answer = await handle(Buffer.concat(parts).toString("utf8"));
      response.writeHead(answer.statusCode, { "content-type": answer.contentType ?? "text/plain" });
      return response.end(answer.response);
    });
  });
  const url = await listen(server);
  const tlog = await initializeTLog(url, keyPair("prime256v1"), logged);
  const { path, fn } = fulcioHandler(ca);
  handlers.set(path, fn);
  handlers.set("/api/v1/log/entries", async (body) => ({
    statusCode: 201,
    contentType: "application/json",
    response: JSON.stringify(await tlog.log(canonicalEntry(JSON.parse(body)))),
  }));
  const start = new Date(
    Math.min(...[certified, logged, new Date()].map((time) => Number(time ?? new Date()))),
  );
  return {
    fulcio: url,
    rekor: url,
    trustedRoot: trustedRoot({
      certificate: bytesOf(ca.rootCertificate),
      ctlog: ctlog.publicKey,
      tlog: tlog.publicKey,
      url,
      start: new Date(start.getTime() - 3_600_000).toISOString(),
    }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      return resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

/** A real Rekor keeps a DSSE envelope's hashes, not the envelope that was proposed. */
function canonicalEntry(proposed: {
  spec: { proposedContent: { envelope: string; verifiers: string[] } };
}): object {
  const { envelope, verifiers } = proposed.spec.proposedContent;
  const { payload, signatures }: { payload: string; signatures: { sig: string }[] } = JSON.parse(envelope);
  const hash = (bytes: Buffer | string) => ({
    algorithm: "sha256",
    value: createHash("sha256").update(bytes).digest("hex"),
  });
  return {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(Buffer.from(payload, "base64")),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  };
}

function trustedRoot(parts: {
  readonly certificate: Buffer;
  readonly ctlog: Buffer;
  readonly tlog: Buffer;
  readonly url: string;
  readonly start: string;
}): string {
  const { certificate, ctlog, tlog, url, start } = parts;
  const log = (key: Buffer) => ({
    baseUrl: url,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: key.toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: { start },
    },
    logId: { keyId: createHash("sha256").update(key).digest("base64") },
  });
  return JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log(tlog)],
    certificateAuthorities: [
      {
        subject: { organization: "sigstore.mock", commonName: "sigstore" },
        uri: url,
        certChain: { certificates: [{ rawBytes: certificate.toString("base64") }] },
        validFor: { start },
      },
    ],
    ctlogs: [log(ctlog)],
    timestampAuthorities: [],
  });
}

/** A token as a CI's OIDC server would give it. Nobody here checks its signature, which is left out. */
export function token(claims: Readonly<Record<string, string>>): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ aud: "sigstore", ...claims })}.none`;
}

/** Signs any bytes as any payload type by the authorities, for the identity of the claims. */
export async function signKeyless(
  { fulcio, rekor }: Authorities,
  claims: Readonly<Record<string, string>>,
  payload: Uint8Array,
): Promise<Buffer> {
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: fulcio,
      identityProvider: { getToken: async () => token(claims) },
    }),
    witnesses: [new RekorWitness({ rekorBaseURL: rekor })],
  });
  const bundle = await builder.create({ data: Buffer.from(payload), type: "application/vnd.in-toto+json" });
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)));
}
