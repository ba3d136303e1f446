import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { BUNDLE_MEDIA_TYPE } from "../../src/plan/annotations";
import type { Digest } from "../../src/plan/digest";
import { Secret } from "../../src/plan/secret";
import type { ReleaseStatement } from "../../src/plan/statement";
import type { Verdict, VerifyRules } from "../../src/plan/trust";
import type { Descriptor } from "../../src/registry/manifests";
import { imageSignatureBytes, releaseStatementBytes } from "../../src/signing/in-toto";
import { type ReleaseSigner, releaseSigner } from "../../src/signing/release-signer";
import { verifyImage } from "../../src/signing/verify-image";
import { BUILT_AT, MemoryRepository } from "./memory-registry";

export const PLATFORMS = ["linux/amd64", "linux/arm64"];
export const REVISION = "0123456789abcdef0123456789abcdef01234567";
export const SOURCE = "https://github.com/octo/app";
/** A day after it was built. */
export const NOW = new Date(Date.parse(BUILT_AT) + 86_400_000);

export interface KeyPair {
  readonly privatePem: string;
  readonly publicPem: string;
}

export function newKeyPair(): KeyPair {
  return pemPair(generateKeyPairSync("ec", { namedCurve: "prime256v1" }));
}

export function pemPair(pair: { publicKey: KeyObject; privateKey: KeyObject }): KeyPair {
  return {
    privatePem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

export async function signerOf({ privatePem }: KeyPair): Promise<ReleaseSigner> {
  const signer = await releaseSigner({ mode: "key", trusted: [], key: new Secret(privatePem) }, {});
  if (signer === undefined) throw new Error("no signer");
  return signer;
}

export function statementOf(changes: Partial<ReleaseStatement> = {}): ReleaseStatement {
  return {
    schema: 1,
    image: "app",
    lane: "",
    version: "1.2.3",
    revision: REVISION,
    source: SOURCE,
    contentKey: "sha256:content",
    platforms: PLATFORMS,
    inputs: {},
    bases: {},
    repositories: ["stage.example/octo/app"],
    ...changes,
  };
}

/** A repository with a two-platform image, to be signed and tampered with. */
export class Scene {
  readonly repository = new MemoryRepository();
  image: Descriptor;

  constructor(
    readonly keys: KeyPair,
    image?: Parameters<MemoryRepository["image"]>,
  ) {
    this.image = this.repository.image(...(image ?? [PLATFORMS]));
  }

  attach(bundle: Uint8Array, subject: Descriptor = this.image): Descriptor {
    return this.repository.attach(subject, bundle, BUNDLE_MEDIA_TYPE);
  }

  /** Signs bytes and attaches the bundle. */
  async sign(payload: Buffer, keys: KeyPair = this.keys): Promise<Descriptor> {
    return this.attach(await (await signerOf(keys)).sign(payload));
  }

  /** The image signature and the release statement, as a release attaches them. */
  async release(changes: Partial<ReleaseStatement> = {}, digest: Digest = this.image.digest): Promise<void> {
    await this.sign(imageSignatureBytes(digest));
    await this.sign(releaseStatementBytes("app", digest, statementOf(changes)));
  }

  /** What all rules together ask for. */
  rules(changes: Partial<VerifyRules> = {}): VerifyRules {
    return {
      signer: { kind: "key", publicKey: this.keys.publicPem },
      predicates: ["signature", "statement"],
      platforms: PLATFORMS,
      ...changes,
    };
  }

  async verify(changes: Partial<VerifyRules> = {}, now: Date = NOW): Promise<Verdict> {
    const [verdict] = await verifyImage(
      {
        repositories: ["prod.example/octo/app"],
        digest: this.image.digest,
        rules: this.rules(changes),
      },
      () => this.repository.client,
      now,
    );
    if (verdict === undefined) throw new Error("no verdict");
    return verdict;
  }
}
