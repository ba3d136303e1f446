import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { binary } from "./binaries";

export interface Olareg {
  /** `localhost:<port>`. */
  readonly host: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts olareg, a registry that has the referrers API, in memory. */
export async function startOlareg(): Promise<Olareg> {
  const port = await freePort();
  const args = [
    "serve",
    "--addr",
    "127.0.0.1",
    "--port",
    String(port),
    "--store-type",
    "mem",
    "--api-delete",
  ];
  const child = spawn(binary("olareg"), args, { stdio: "ignore", env: { PATH: process.env.PATH } });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    kill();
    await gone;
  };
  for (const end = Date.now() + 20_000; Date.now() < end; await delay(25)) {
    if (child.exitCode !== null) break;
    const ready = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => true,
      () => false,
    );
    if (ready) return { host: `localhost:${port}`, stop };
  }
  await stop();
  throw new Error("olareg did not start");
}
