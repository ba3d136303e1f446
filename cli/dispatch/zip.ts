import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { fromBufferPromise } from "yauzl";

/** A file in what GitHub packs artifacts into. */
export interface ZipEntry {
  readonly name: string;
  /** Unpacked. */
  readonly bytes: Buffer;
}

/**
 * The entries that a test wants, unpacked; an entry that has more bytes than it says is damaged.
 *
 * @param limit bytes that an entry may have
 * @throws Error saying what is wrong with the file
 */
export async function unzip(
  zip: Buffer,
  wants: (name: string) => boolean,
  limit: number,
): Promise<ZipEntry[]> {
  const found: ZipEntry[] = [];
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
