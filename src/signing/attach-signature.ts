import { setTimeout as delay } from "node:timers/promises";
import { BUNDLE_MEDIA_TYPE, SIGNATURE_PREDICATE_TYPE } from "../plan/annotations";
import type { Digest } from "../plan/digest";
import type { RegistryClient } from "../registry/client";
import { attachReferrer } from "../registry/referrers";
import { bundleBytes, isBundleReferrer } from "./evidence";
import { parseInToto } from "./in-toto";
import type { Trust } from "./keys";
import { type ReleaseSigner, SigningError } from "./release-signer";
import { verifyBundle } from "./verify-bundle";

interface SigningPlace {
  /** `host/path`. */
  readonly repository: string;
  readonly client: RegistryClient;
  readonly path: string;
}

export interface Signature {
  readonly repository: string;
  readonly referrer: Digest;
  /** A valid one existed, and nothing was written. */
  readonly existed: boolean;
}

/** Attempts to read a new bundle back: the listings of some registries lag behind. */
const READS = 5;

/**
 * Signs a statement about a digest once, attaches the bundle in every place and reads it back. Reuses a valid signature
 * of the same statement from any of the places, so that a repetition writes nothing.
 *
 * @throws SigningError, RegistryError
 */
export async function attachSignature(
  places: readonly SigningPlace[],
  digest: Digest,
  statement: Buffer,
  signer: ReleaseSigner,
): Promise<Signature[]> {
  const trust = await signer.trust();
  const found = await Promise.all(places.map((place) => findSignature(place, digest, statement, trust)));
  const known = found.find((signature) => signature !== undefined);
  const needed = found.some((signature) => signature === undefined);
  const bundle = known?.bundle ?? (needed ? await signChecked(digest, statement, signer, trust) : undefined);
  return Promise.all(
    places.map(async (place, index) => {
      const own = found[index];
      if (own !== undefined) return { repository: place.repository, referrer: own.referrer, existed: true };
      if (bundle === undefined) throw new Error("there is no bundle to attach");
      const referrer = await attach(place, digest, statement, bundle);
      await readBack(place, digest, referrer, statement, trust);
      return { repository: place.repository, referrer, existed: false };
    }),
  );
}

/** A valid signature of the statement. For an image signature only the subject counts, so its bytes may differ. */
async function findSignature(
  { client, path }: SigningPlace,
  digest: Digest,
  statement: Buffer,
  trust: Trust,
): Promise<{ readonly referrer: Digest; readonly bundle: Uint8Array } | undefined> {
  const type = parseInToto(statement)?.predicateType;
  for (const referrer of (await client.referrers(path, digest)).filter(isBundleReferrer)) {
    const bundle = await bundleBytes({ client, repository: path }, referrer.digest);
    const reading = bundle === undefined ? undefined : verifyBundle(bundle, digest, trust);
    if (bundle === undefined || reading === undefined || !("accepted" in reading)) continue;
    const { payload, statement: signed } = reading.accepted;
    const isSame =
      statement.equals(payload) ||
      (type === SIGNATURE_PREDICATE_TYPE && signed.predicateType === SIGNATURE_PREDICATE_TYPE);
    if (isSame) return { referrer: referrer.digest, bundle };
  }
  return undefined;
}

/** @throws SigningError if the new signature does not verify, so that it is never attached */
async function signChecked(
  digest: Digest,
  statement: Buffer,
  signer: ReleaseSigner,
  trust: Trust,
): Promise<Uint8Array> {
  const bundle = await signer.sign(statement);
  const reading = verifyBundle(bundle, digest, trust);
  if ("accepted" in reading) return bundle;
  throw new SigningError(`The new signature does not verify: it ${reading.rejected.message}`);
}

async function attach(
  { client, path, repository }: SigningPlace,
  digest: Digest,
  statement: Buffer,
  bundle: Uint8Array,
): Promise<Digest> {
  const subject = await client.headManifest(path, digest);
  if (subject === undefined) throw new SigningError(`${repository} does not have ${digest}`);
  const { descriptor } = await attachReferrer({
    client,
    repository: path,
    subject,
    artifactType: BUNDLE_MEDIA_TYPE,
    layers: [{ bytes: bundle, mediaType: BUNDLE_MEDIA_TYPE }],
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": parseInToto(statement)?.predicateType ?? "",
    },
  });
  return descriptor.digest;
}

/** Reads a signature as a verifier does, from the listing to the bundle, and verifies it again. */
async function readBack(
  { client, path, repository }: SigningPlace,
  digest: Digest,
  referrer: Digest,
  statement: Buffer,
  trust: Trust,
): Promise<void> {
  for (let attempt = 1; attempt <= READS; attempt++) {
    if (attempt > 1) await delay(100 * 2 ** attempt);
    const listed = await client.referrers(path, digest);
    if (!listed.some((entry) => entry.digest === referrer)) continue;
    const bytes = await bundleBytes({ client, repository: path }, referrer);
    const reading = bytes === undefined ? undefined : verifyBundle(bytes, digest, trust);
    if (reading !== undefined && "accepted" in reading && statement.equals(reading.accepted.payload)) return;
  }
  throw new SigningError(`${repository} does not return the signature ${referrer} that was just written`);
}
