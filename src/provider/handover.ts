import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

/** Secrets for the provider. They cannot be its inputs, which the engine prints with `-v=9`. */
const handedSchema = z.object({
  /** Host -> its credentials in the stack's secret configuration. */
  credentials: z.record(z.string(), z.object({ username: z.string(), password: z.string() })),
  /** The signing key, PEM. */
  key: z.string().optional(),
  /** The key's password. */
  password: z.string().optional(),
});

export type Handed = z.output<typeof handedSchema>;

/** Unix socket paths are limited to about 104 bytes. */
const LONGEST_ADDRESS = 100;
const DEADLINE_MS = 5_000;
const LARGEST_BYTES = 1024 * 1024;
/** Asks for the secrets. Every other question is a resource's type and name, as in `permit`. */
const SECRETS = "?";

/** The resources that this program declares: the provider writes nothing else. */
const permitted = new Set<string>();

/** @param what a resource's type and name, such as `slipway-registry:index:Tags::release-tags` */
export function permit(what: string): void {
  permitted.add(what);
}

/** Folders of sockets, removed when this process ends. */
const folders = new Set<string>();

/**
 * Lets processes of the same user take the secrets and ask what this program declares, while it runs. The secrets are in
 * no file and no argument, only behind a socket in a folder that only this user may enter.
 *
 * @returns the socket's address, which is not secret
 */
export function offer(handed: Handed): Promise<string> {
  const address = newAddress();
  const text = JSON.stringify(handed);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.setTimeout(DEADLINE_MS, () => socket.destroy());
    // On Windows every user may open the pipe for reading, but only the same user may also write to it.
    socket.once("data", (question) => {
      const asked = question.toString("utf8");
      socket.end(asked === SECRETS ? text : JSON.stringify(permitted.has(asked)));
    });
  });
  // Do not keep the process alive.
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => resolve(address));
  });
}

function newAddress(): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\slipway-${randomUUID()}`;
  const isLong = tmpdir().length + "/slipway-XXXXXX/s".length > LONGEST_ADDRESS;
  // mkdtemp creates it with mode 0700.
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
      // Another handler is installed; let it decide whether to exit.
      if (process.listenerCount(signal) > 0) return;
      remove();
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Takes the secrets that are offered at an address. Undefined if the program has ended, as in a refresh or a destroy, or
 * if another user may own the socket: an address from state can be taken by any process later.
 */
export async function take(address: string): Promise<Handed | undefined> {
  return handedSchema.safeParse(await ask(address, SECRETS)).data;
}

/** Whether the program at an address declares a resource. @param what as in `permit` */
export async function isPermitted(address: string | undefined, what: string): Promise<boolean> {
  return address !== undefined && (await ask(address, what)) === true;
}

/** The parsed answer; undefined if there is none, or if the socket is not in a private folder of this user. */
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

/** Whether a folder belongs to this user and other users may not enter it. */
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
