import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { lstat } from "node:fs/promises";
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
const LARGEST_BYTES = 1024 * 1024;
/** The question for the secrets. Every other question names a resource or function that writes. */
const SECRETS = "?";

/** What this program declares: the provider writes nothing else. */
const permitted = new Set<string>();

/** @param what `slipway-registry:index:Tag::app-latest`, a resource's type and name, or a function's token */
export function permit(what: string): void {
  permitted.add(what);
}

/** Folders of sockets, removed when this process ends. */
const folders = new Set<string>();

/**
 * Lets processes of the same user take the secrets from this one, and ask what it declares, as long as it runs. The
 * secrets are in no file and no argument: the address is a socket in a folder that only this user may enter.
 *
 * @returns the address, which is no secret
 */
export function offer(handed: Handed): Promise<string> {
  const address = newAddress();
  const text = JSON.stringify(handed);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.setTimeout(DEADLINE_MS, () => socket.destroy());
    // Everybody may open a pipe of Windows for reading; who can write to it too is the same person.
    socket.once("data", (question) => {
      const asked = question.toString("utf8");
      socket.end(asked === SECRETS ? text : JSON.stringify(permitted.has(asked)));
    });
  });
  // It does not keep the process running.
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
  if (folders.size === 0) removeAtEnd();
  folders.add(folder);
  return path.join(folder, "s");
}

function removeAtEnd(): void {
  const remove = () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      // Other listeners decide whether the process ends.
      if (process.listenerCount(signal) > 0) return;
      remove();
      process.kill(process.pid, signal);
    });
  }
}

/**
 * What is offered at an address. Undefined if nothing is offered any more, as in a refresh or a destroy, and where
 * another process could be listening: an address that state remembers is free for anyone later.
 */
export async function take(address: string): Promise<Handed | undefined> {
  return handedSchema.safeParse(await ask(address, SECRETS)).data;
}

/** Whether the program at an address declares this. @param what as in `permit` */
export async function isPermitted(address: string | undefined, what: string): Promise<boolean> {
  return address !== undefined && (await ask(address, what)) === true;
}

/** The parsed answer; undefined where there is none, or where the socket belongs to another user. */
async function ask(address: string, question: string): Promise<unknown> {
  if (process.platform !== "win32" && !(await isOwn(path.dirname(address)))) return undefined;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect(address, () => socket.write(question));
    const deadline = setTimeout(() => socket.destroy(), DEADLINE_MS);
    socket.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_BYTES) socket.destroy();
      else chunks.push(chunk);
    });
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => {
      clearTimeout(deadline);
      resolve(size > LARGEST_BYTES ? undefined : parse(Buffer.concat(chunks).toString("utf8")));
    });
  });
}

/** Whether a folder belongs to this user, and no one else may enter it. */
async function isOwn(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (found === undefined) return false;
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
