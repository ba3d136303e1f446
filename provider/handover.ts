import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

/** What the provider needs and the engine must not see: with `-v=9` it prints every input of a provider. */
const handedSchema = z.object({
  /** Host -> what the stack's secret configuration has for it. */
  credentials: z.record(z.string(), z.object({ username: z.string(), password: z.string() })),
  /** The signing key, PEM. */
  key: z.string().optional(),
  /** Of that key. */
  password: z.string().optional(),
});

export type Handed = z.output<typeof handedSchema>;

/** A socket's address is a path, and systems allow about so many characters. */
const LONGEST_ADDRESS = 100;
const DEADLINE_MS = 5_000;

/**
 * Lets processes of the same person take the secrets from this one, as long as it lives. They are in no file and no
 * argument: the address is a socket in a folder that nobody else may enter.
 *
 * @returns the address, which is no secret
 */
export function offer(handed: Handed): Promise<string> {
  const address = newAddress();
  const text = JSON.stringify(handed);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(text);
  });
  // It keeps nobody from ending.
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => resolve(address));
  });
}

function newAddress(): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\slipway-${randomUUID()}`;
  const isLong = tmpdir().length + "/slipway-XXXXXX/s".length > LONGEST_ADDRESS;
  // Made for its owner alone.
  const folder = mkdtempSync(path.join(isLong ? "/tmp" : tmpdir(), "slipway-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, "s");
}

/** What is offered at an address; undefined where nobody does any more, as in a refresh or a destroy. */
export function take(address: string): Promise<Handed | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(address);
    socket.setTimeout(DEADLINE_MS, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(parse(Buffer.concat(chunks).toString("utf8"))));
  });
}

function parse(text: string): Handed | undefined {
  try {
    return handedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
