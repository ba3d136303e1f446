import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { startFaultProxy } from "../support/fault-proxy";
import { startRegistry } from "../support/registry";
import { kept, type Made } from "./cases";
import { Fleet } from "./fleet";
import { median, seconds } from "./measure";

const run = promisify(execFile);

/** A figure that has no peer. */
export interface Figure {
  /** @example "growth, 200 images: nothing changed, a service" */
  readonly name: string;
  readonly value: number;
  /** @example "s", "MB", "requests" */
  readonly unit: string;
  /** At most this much is wanted. Absent for a figure that explains others. */
  readonly wanted?: number;
}

/** Makes figures. @param made gets what has to be removed at the end */
export type MakeFigures = (made: Made[]) => Promise<Figure[]>;

export const figures: Readonly<Record<string, MakeFigures>> = {
  "requests a tag": requestsPerTag,
  "growth, 10 images": (made) => growth(10, made),
  "growth, 50 images": (made) => growth(50, made),
  "growth, 200 images": (made) => growth(200, made),
  "growth, 500 images": (made) => growth(500, made),
  "a copy of 2 GB": copyOf2GB,
  "before an up does anything": beforeAnUp,
  "npm start": npmStart,
};

/** Images with four tags in two registries. */
async function requestsPerTag(made: Made[]): Promise<Figure[]> {
  const registries = await Promise.all([kept(made, startRegistry()), kept(made, startRegistry())]);
  const proxies = await Promise.all(registries.map(({ host }) => kept(made, startFaultProxy(host))));
  const hosts = proxies.map(({ host }) => host);
  const size = 10;
  const fleet = await kept(made, Fleet.create(size, hosts, { labels: "none" }));
  const count = async (work: () => Promise<void>) => {
    for (const proxy of proxies) proxy.reset();
    await work();
    return proxies.reduce((sum, { requests }) => sum + requests.length, 0) / (size * 4 * hosts.length);
  };
  await fleet.change("1.0.0");
  await fleet.up();
  await fleet.tag("1.0.1");
  return [
    {
      name: "requests a tag, a new version",
      value: await count(() => fleet.up()),
      unit: "requests",
      wanted: 3,
    },
    {
      name: "requests a tag, nothing changed",
      value: await count(() => fleet.up()),
      unit: "requests",
      wanted: 1,
    },
  ];
}

/** What a service costs, and how much memory the program and the provider take at most. */
async function growth(size: number, made: Made[]): Promise<Figure[]> {
  const registry = await kept(made, startRegistry());
  const fleet = await kept(made, Fleet.create(size, [registry.host]));
  await fleet.change("1.0.0");
  const first = await watched(() => fleet.up());
  const again = await watched(() => fleet.up());
  const name = `growth, ${size} images`;
  return [
    { name: `${name}: first release, a service`, value: first.seconds / size, unit: "s" },
    { name: `${name}: nothing changed, a service`, value: again.seconds / size, unit: "s" },
    { name: `${name}: memory of the program`, value: first.program, unit: "MB", wanted: 400 },
    { name: `${name}: memory of the provider`, value: first.provider, unit: "MB", wanted: 400 },
  ];
}

/** One image of 2 GB, promoted to another registry. */
async function copyOf2GB(made: Made[]): Promise<Figure[]> {
  const [from, to] = await Promise.all([kept(made, startRegistry()), kept(made, startRegistry())]);
  const fleet = await kept(made, Fleet.create(1, [from.host], { megabytes: 2000 }));
  await fleet.change("1.0.0");
  await fleet.up();
  const prod = await fleet.promotion("prod", to.host);
  const copied = await watched(async () => {
    await prod.upOk();
  });
  return [
    { name: "a copy of 2 GB", value: copied.seconds, unit: "s" },
    { name: "a copy of 2 GB: memory of the provider", value: copied.provider, unit: "MB", wanted: 400 },
  ];
}

/** The parts of an `up` of one image that come before anything is read or written. */
async function beforeAnUp(): Promise<Figure[]> {
  const load = async (script: string) => seconds(() => run(process.execPath, ["-e", script]));
  const [node, sdk, library] = [
    await load("0"),
    await load('require("@pulumi/pulumi")'),
    await load('require("./toolchain/library.cjs")'),
  ];
  return [
    { name: "before an up: Node", value: node, unit: "s" },
    { name: "before an up: Pulumi's SDK", value: sdk - node, unit: "s" },
    { name: "before an up: Slipway", value: library - sdk, unit: "s" },
    {
      name: "before an up: the engine's list of stacks",
      value: await seconds(() => run("pulumi", ["stack", "ls"])),
      unit: "s",
    },
  ];
}

/** The second and later `npm start` of a clone: one image, nothing changed. */
async function npmStart(): Promise<Figure[]> {
  const start = () => run("npm", ["start", "--silent"], { env: { ...process.env, CI: "true" } });
  await start();
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) times.push(await seconds(start));
  const value = median(times.sort((a, b) => a - b));
  return [{ name: "npm start, nothing changed (median of 5)", value, unit: "s", wanted: 4 }];
}

interface Watched {
  readonly seconds: number;
  /** Most resident memory, MB. */
  readonly program: number;
  readonly provider: number;
}

/** Runs something, and looks ten times a second at the memory of the processes that the engine starts. */
async function watched(work: () => Promise<void>): Promise<Watched> {
  const most = { program: 0, provider: 0 };
  const timer = setInterval(() => {
    most.program = Math.max(most.program, memoryOf("@pulumi/pulumi/cmd/run"));
    most.provider = Math.max(most.provider, memoryOf("pulumi-resource-slipway-registry"));
  }, 100);
  try {
    return { seconds: await seconds(work), ...most };
  } finally {
    clearInterval(timer);
  }
}

/** Resident memory of the largest process with such a command line, MB; 0 where there is no /proc. */
function memoryOf(command: string): number {
  try {
    const sizes = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((id) => {
        if (!read(`/proc/${id}/cmdline`).includes(command)) return 0;
        return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${id}/status`))?.[1] ?? 0) / 1000;
      });
    return Math.max(0, ...sizes);
  } catch {
    return 0;
  }
}

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
