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

/** Another process's server at an address, which answers by `answer`. */
function listening(answer: (socket: Socket) => void): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-"));
  folders.push(folder);
  const address = path.join(folder, "s");
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    answer(socket);
  });
  servers.push(server);
  return new Promise((resolve) => server.listen(address, () => resolve(address)));
}

test("offered secrets can be taken any number of times", async () => {
  const address = await offered();
  expect(await take(address)).toEqual(HANDED);
  expect(await Promise.all([take(address), take(address)])).toEqual([HANDED, HANDED]);
  expect(address).not.toMatch(/hush|quiet/);
});

test("only what the program at the address declares is permitted", async () => {
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

test.skipIf(process.platform === "win32")("other users may not enter the folder of the socket", async () => {
  const address = await offered();
  expect(statSync(path.dirname(address)).mode & 0o777).toBe(0o700);
});

test("nothing is taken from a missing address", async () => {
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

test("nothing is sent before a question", async () => {
  const socket = connect(await offered());
  let told = "";
  socket.on("data", (chunk) => {
    told += chunk;
  });
  await sleep(200);
  expect(told).toBe("");
  socket.destroy();
});

test("an answer that is endless or too large is dropped", async () => {
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

test("an offer does not keep its process alive, and leaves nothing behind", () => {
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
  "an offer leaves nothing behind when %s ends its process, which dies of that signal",
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
