import { randomBytes } from "node:crypto";
import { digestOf } from "../plan/digest";
import { EMPTY_CONFIG } from "../plan/image-index";
import type { RepositoryAt } from "./client";
import { RegistryError } from "./errors";
import { OCI_EMPTY, OCI_MANIFEST } from "./manifest";

/**
 * What deleting a tag does in a registry.
 *
 * - `tag`: the tag alone goes.
 * - `manifest`: what it points to goes too, with all its other tags.
 * - `nothing`: it is refused.
 */
export type TagDeletion = "tag" | "manifest" | "nothing";

/** Whether a registry deletes at all, asked about a digest that cannot exist. @throws RegistryError where it does not */
export async function checkDeletion({ client, repository }: RepositoryAt): Promise<void> {
  await client.deleteManifest(repository, digestOf(randomBytes(32)));
}

/** Finds out by a manifest of its own with two tags, which is deleted again: no release is at risk. */
export async function tryTagDeletion({ client, repository }: RepositoryAt): Promise<TagDeletion> {
  const id = randomBytes(8).toString("hex");
  const config = { mediaType: OCI_EMPTY, ...(await client.putBlob(repository, EMPTY_CONFIG)) };
  const empty = { mediaType: config.mediaType, digest: config.digest, size: config.size };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: empty,
      layers: [empty],
      annotations: { "dev.slipway.prune": id },
    }),
  );
  const [first, second] = [`slipway-prune-${id}-1`, `slipway-prune-${id}-2`];
  try {
    for (const tag of [first, second]) await client.putManifest(repository, tag, bytes, OCI_MANIFEST);
    const deleted = await client.deleteTag(repository, first).catch(asUnsupported);
    if (!deleted || (await client.headManifest(repository, first)) !== undefined) return "nothing";
    return (await client.headManifest(repository, second)) === undefined ? "manifest" : "tag";
  } finally {
    await client.deleteManifest(repository, digestOf(bytes));
  }
}

function asUnsupported(error: unknown): false {
  if (error instanceof RegistryError && error.code === "registry-unsupported") return false;
  throw error;
}
