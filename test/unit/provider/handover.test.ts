import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSync } from "esbuild";
import { afterEach, expect, test } from "vitest";
import { isPermitted, offer, permit, take } from "../../../src/provider/handover";

const HANDED = {
  credentials: { "ghcr.io": { username: "octo", password: "hush" } },
  key: "pem",
  password: "quiet",
};

const folders: string[] = [];
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function offered(): Promise<string> {
  const address = await offer(HANDED);
  folders.push(path.dirname(address));
  return address;
}

/** Somebody else at an address, who says what they like. */
function listening(say: (socket: Socket) => void): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-"));
  folders.push(folder);
  const address = path.join(folder, "s");
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    say(socket);
  });
  servers.push(server);
  return new Promise((resolve) => server.listen(address, () => resolve(address)));
}

test("what one process offers, another takes, as often as it wants", async () => {
  const address = await offered();
  expect(await take(address)).toEqual(HANDED);
  expect(await Promise.all([take(address), take(address)])).toEqual([HANDED, HANDED]);
  expect(address).not.toMatch(/hush|quiet/);
});

test("the program says what it declares, and another address does not count", async () => {
  const address = await offered();
  permit("slipway-registry:index:Tags::app-latest");
  expect(await isPermitted(address, "slipway-registry:index:Tags::app-latest")).toBe(true);
  expect(await isPermitted(address, "slipway-registry:index:Tags::app")).toBe(false);
  expect(await isPermitted(undefined, "slipway-registry:index:Tags::app-latest")).toBe(false);
  expect(await isPermitted("/nonexistent/slipway/s", "slipway-registry:index:Tags::app-latest")).toBe(false);
  chmodSync(path.dirname(address), 0o711);
  expect(await isPermitted(address, "slipway-registry:index:Tags::app-latest")).toBe(
    process.platform === "win32",
  );
});

test.skipIf(process.platform === "win32")("nobody else may enter its folder", async () => {
  const address = await offered();
  expect(statSync(path.dirname(address)).mode & 0o777).toBe(0o700);
});

test("nothing is taken where nobody offers any more", async () => {
  expect(await take("/nonexistent/slipway/s")).toBeUndefined();
});

test.skipIf(process.platform === "win32")(
  "nothing is taken from a folder that others may enter",
  async () => {
    const address = await offered();
    chmodSync(path.dirname(address), 0o711);
    expect(await take(address)).toBeUndefined();
    chmodSync(path.dirname(address), 0o700);
    const link = `${path.dirname(address)}-link`;
    folders.push(link);
    symlinkSync(path.dirname(address), link);
    expect(await take(path.join(link, "s"))).toBeUndefined();
    expect(await take(address)).toEqual(HANDED);
  },
);

test("nothing is told to who cannot ask", async () => {
  const socket = connect(await offered());
  let told = "";
  socket.on("data", (chunk) => {
    told += chunk;
  });
  await sleep(200);
  expect(told).toBe("");
  socket.destroy();
});

test("who keeps talking is not listened to for ever, nor who says too much", async () => {
  const slow = await listening((socket) => {
    const timer = setInterval(() => socket.write(" "), 100);
    socket.on("close", () => clearInterval(timer));
  });
  const started = Date.now();
  expect(await take(slow)).toBeUndefined();
  expect(Date.now() - started).toBeLessThan(8_000);
  const large = await listening((socket) => {
    socket.end(JSON.stringify(HANDED) + " ".repeat(2 * 1024 * 1024));
  });
  expect(await take(large)).toBeUndefined();
}, 15_000);

/** The module and what follows, for a process of its own. */
function script(text: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(__dirname, "../../../src/provider/handover.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
  });
  return `${outputFiles[0]?.text}\n${text}`;
}

test("an offer keeps no process from ending, and leaves nothing behind", () => {
  const { status, stdout } = spawnSync(process.execPath, ["-"], {
    input: script("module.exports.offer({ credentials: {} }).then(console.log);"),
    timeout: 20_000,
    encoding: "utf8",
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/slipway/);
  expect(existsSync(path.dirname(stdout.trim()))).toBe(false);
});

test.skipIf(process.platform === "win32").each(["SIGINT", "SIGTERM"] as const)(
  "nor does one that %s ends, and it dies of that",
  async (signal) => {
    const running = spawn(process.execPath, ["-"], { stdio: ["pipe", "pipe", "inherit"] });
    running.stdin.end(
      script("module.exports.offer({ credentials: {} }).then(console.log); setTimeout(() => {}, 20_000);"),
    );
    const ended = new Promise((resolve) => running.once("close", (code, by) => resolve(code ?? by)));
    const address = await new Promise((resolve) => running.stdout.once("data", resolve)).then(String);
    expect(existsSync(path.dirname(address.trim()))).toBe(true);
    running.kill(signal);
    expect(await ended).toBe(signal);
    expect(existsSync(path.dirname(address.trim()))).toBe(false);
  },
);
