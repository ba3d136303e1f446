import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { endianness } from "node:os";
import { promisify } from "node:util";

/**
 * Whether the other end of a loopback connection belongs to the engine: to this process's parent or one of its
 * ancestors. Every process of the machine can connect to the port, even a build's RUN step in the host's network, and
 * the engine sends no credentials, so the operating system is asked which process holds the connection.
 *
 * Windows is not checked: every connection counts as the engine's.
 */
export async function isOfEngine(socket: Socket, system = process.platform): Promise<boolean> {
  // Undefined if the socket is already closed. A peer can connect from 127.0.0.2 to a port on 127.0.0.1.
  if (socket.remoteAddress !== "127.0.0.1" || socket.remotePort === undefined) return false;
  const ends = { ours: socket.localPort ?? 0, theirs: socket.remotePort };
  if (system === "win32") return true;
  try {
    return await (system === "linux" ? isHeldByProc(ends) : isHeldByLsof(ends));
  } catch {
    return false;
  }
}

interface Ends {
  readonly ours: number;
  readonly theirs: number;
}

/** The connection's row for the other end has the socket's inode, which is an open file of the owning process. */
async function isHeldByProc({ ours, theirs }: Ends): Promise<boolean> {
  const rows = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((row) => row.trim().split(/\s+/));
  const row = rows.find(([, local, remote]) => local === procAddress(theirs) && remote === procAddress(ours));
  const inode = row?.[9];
  // 0 if the process has closed the socket.
  if (inode === undefined || inode === "0") return false;
  for (let pid = process.ppid; pid > 0; pid = await parentInProc(pid)) {
    // The files of other users' processes cannot be listed.
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => "")));
    if (links.includes(`socket:[${inode}]`)) return true;
  }
  return false;
}

/** `0100007F:1F90`: the address in the machine's byte order. */
function procAddress(port: number): string {
  const address = endianness() === "LE" ? "0100007F" : "7F000001";
  return `${address}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The fourth field of `stat`. The second is a name in brackets, which can contain spaces and brackets. */
async function parentInProc(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** For macOS and the BSDs, whose `lsof` lists at least the user's own processes. */
async function isHeldByLsof({ ours, theirs }: Ends): Promise<boolean> {
  const run = promisify(execFile);
  const { stdout } = await run("ps", ["-axo", "pid=,ppid="]);
  const parents = new Map(
    stdout.split("\n").map((line) => {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      return [pid, parent];
    }),
  );
  const pids: number[] = [];
  for (let pid: number | undefined = process.ppid; pid; pid = parents.get(pid)) pids.push(pid);
  const found = await run("lsof", ["-nP", "-a", "-p", pids.join(","), "-iTCP", "-Fn"]);
  return found.stdout.split("\n").includes(`n127.0.0.1:${theirs}->127.0.0.1:${ours}`);
}

/**
 * Ends this process when its engine ends, even if it was killed: an idle connection to the engine closes with it.
 * Without this a program never ends, since the SDK's report of an uncaught error to the closed pipe is itself an
 * uncaught error.
 *
 * @param engine the address that the engine gave this process
 */
export function endWithEngine(engine: string): void {
  const end = () => process.exit(1);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", end);
  const connection = connect(`http://${engine}`);
  connection.unref();
  // The close event follows.
  connection.on("error", () => {});
  connection.on("close", end);
}
