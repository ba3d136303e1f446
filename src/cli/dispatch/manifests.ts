import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { fromBufferPromise } from "yauzl";
import { reasonOf } from "../../plan/problem";
import { MANIFEST_FILE, type ManifestFile, parseManifestFile } from "../../report/manifest-file";
import type { Session } from "./github";

const ARTIFACT = /^release-manifest(?:-.+)?$/;
const LIMIT = 20 * 1024 * 1024;

export async function readManifests(
  { octokit, repository }: Session,
  run_id: number,
): Promise<ManifestFile[]> {
  const artifacts = await octokit.paginate(octokit.rest.actions.listWorkflowRunArtifacts, {
    ...repository,
    run_id,
    per_page: 100,
  });
  const kept = artifacts
    .filter(({ name, expired }) => ARTIFACT.test(name) && !expired)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const manifests: ManifestFile[] = [];
  for (const { id, name, size_in_bytes } of kept) {
    if (size_in_bytes > LIMIT) throw new Error(`the artifact ${name} has ${size_in_bytes} bytes`);
    const { data } = await octokit.rest.actions.downloadArtifact({
      ...repository,
      artifact_id: id,
      archive_format: "zip",
    });
    if (!(data instanceof ArrayBuffer)) throw new Error(`the artifact ${name} is no zip file`);
    manifests.push(...(await manifestsIn(Buffer.from(data), name)));
  }
  return manifests;
}

async function manifestsIn(zip: Buffer, artifact: string): Promise<ManifestFile[]> {
  const isManifest = (name: string) => name === MANIFEST_FILE || name.endsWith(`/${MANIFEST_FILE}`);
  try {
    return (await unzip(zip, isManifest, LIMIT)).map(({ name, bytes }) =>
      parseManifestFile(bytes.toString("utf8"), `${artifact}: ${name}`),
    );
  } catch (error) {
    const reason = reasonOf(error);
    throw new Error(`the artifact ${artifact}: ${reason}`, { cause: error });
  }
}

/** The entries that a test wants, unpacked; an entry that has more bytes than it says is damaged. */
export async function unzip(
  zip: Buffer,
  wants: (name: string) => boolean,
  limit: number,
): Promise<{ readonly name: string; readonly bytes: Buffer }[]> {
  const found: { readonly name: string; readonly bytes: Buffer }[] = [];
  const file = await fromBufferPromise(zip);
  for await (const entry of file.eachEntry()) {
    const { fileName: name, uncompressedSize: size } = entry;
    if (!wants(name)) continue;
    if (size > limit) throw new Error(`${name} has ${size} bytes, more than ${limit}`);
    const bytes = await buffer(await file.openReadStreamPromise(entry));
    if (crc32(bytes) !== entry.crc32) throw new Error(`${name} is damaged`);
    found.push({ name, bytes });
  }
  return found;
}
