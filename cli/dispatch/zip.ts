import { crc32, inflateRawSync } from "node:zlib";

/**
 * Reads what GitHub packs artifacts into: zip files without encryption, split volumes or zip64, stored or deflated. The
 * central directory counts, since an entry that was streamed has no sizes before its bytes.
 */

export interface ZipEntry {
  readonly name: string;
  /** Unpacked. */
  readonly bytes: Buffer;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;

/**
 * The entries that a test wants, unpacked.
 *
 * @param limit bytes that an entry may have
 * @throws Error saying what is wrong with the file
 */
export function unzip(zip: Buffer, wants: (name: string) => boolean, limit: number): ZipEntry[] {
  try {
    return entriesOf(zip, wants, limit);
  } catch (error) {
    // A length or place that points outside of the file.
    if (error instanceof RangeError) throw new Error("is a damaged zip file", { cause: error });
    throw error;
  }
}

function entriesOf(zip: Buffer, wants: (name: string) => boolean, limit: number): ZipEntry[] {
  const end = endOf(zip);
  const count = zip.readUInt16LE(end + 10);
  const found: ZipEntry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error("is a damaged zip file");
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    if (wants(name)) found.push({ name, bytes: unpacked(zip, at, name, limit) });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return found;
}

function endOf(zip: Buffer): number {
  for (let at = zip.length - END_SIZE; at >= 0 && at >= zip.length - END_SIZE - LONGEST_COMMENT; at -= 1) {
    if (zip.readUInt32LE(at) === END) return at;
  }
  throw new Error("is no zip file");
}

function unpacked(zip: Buffer, entry: number, name: string, limit: number): Buffer {
  const flags = zip.readUInt16LE(entry + 8);
  const method = zip.readUInt16LE(entry + 10);
  const packedSize = zip.readUInt32LE(entry + 20);
  const size = zip.readUInt32LE(entry + 24);
  const local = zip.readUInt32LE(entry + 42);
  if ((flags & 1) !== 0) throw new Error(`has ${name} encrypted`);
  if (size > limit) throw new Error(`has ${name} of ${size} bytes, more than ${limit}`);
  if (zip.readUInt32LE(local) !== LOCAL) throw new Error("is a damaged zip file");
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(start, start + packedSize);
  const bytes = inflated(packed, method, name, limit);
  if (bytes.length !== size || crc32(bytes) !== zip.readUInt32LE(entry + 16))
    throw new Error(`has ${name} damaged`);
  return bytes;
}

function inflated(packed: Buffer, method: number, name: string, limit: number): Buffer {
  if (method === 0) return packed;
  if (method !== 8) throw new Error(`has ${name} packed by method ${method}, which is not known`);
  try {
    return inflateRawSync(packed, { maxOutputLength: limit });
  } catch (error) {
    throw new Error(`has ${name} damaged`, { cause: error });
  }
}
