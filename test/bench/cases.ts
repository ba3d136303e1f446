import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startFaultProxy } from "../support/fault-proxy";
import { Project } from "../support/project";
import { startRegistry } from "../support/registry";
import { Fleet } from "./fleet";
import { type Case, inTurn } from "./measure";

const run = promisify(execFile);
const BAKE = "docker buildx bake --push";

/** What a case made, removed when all are measured. */
export type Made = { remove(): void } | { stop(): Promise<void> };

/** Ratios to the peer. */
interface Wanted {
  readonly first: number;
  readonly changed: number;
  readonly unchanged: number;
  /** 4.75 is three seconds more than an empty program's 0.8. */
  readonly preview: number;
  /** 6 is one second more than the help's 0.2. */
  readonly plan: number;
}

/** @param made gets what the cases make */
export function allCases(made: Made[]): Case[] {
  return [
    ...fleetCases(50, made, { first: 1.3, changed: 1.3, unchanged: 0.4, preview: 4.75, plan: 6 }),
    ...fleetCases(10, made, { first: 1.5, changed: 1.5, unchanged: 1.2, preview: 4.75, plan: 6 }),
    ...fleetCases(1, made, { first: 4, changed: 4, unchanged: 4, preview: 4.75, plan: 6 }),
    ...partialCases(50, made),
    ...retagCases(20, made),
    ...promotionCases(20, made),
  ];
}

/** Cases of one size, in the order of a project's life. */
function fleetCases(size: number, made: Made[], wanted: Wanted): Case[] {
  const registry = once(() => kept(made, startRegistry()));
  const empty = once(() => emptyProgram(made));
  let fleets = 0;
  let version = 0;
  const newFleet = async () =>
    kept(made, Fleet.create(size, [(await registry()).host], { namespace: `octo${fleets++}` }));
  const fleet = once(async () => {
    const one = await newFleet();
    await one.change(`1.0.${version}`);
    await one.up();
    await one.bake(`1.0.${version}`);
    return one;
  });
  const name = `${size} image${size === 1 ? "" : "s"}`;
  return [
    {
      name: `${name}, first release`,
      peer: BAKE,
      wanted: wanted.first,
      round: async (at) => {
        const fresh = await newFleet();
        await fresh.change("1.0.0");
        return inTurn(
          at,
          () => fresh.up(),
          () => fresh.bake("1.0.0"),
        );
      },
    },
    {
      name: `${name}, next release, all changed`,
      peer: BAKE,
      wanted: wanted.changed,
      round: async (at) => {
        const known = await fleet();
        const next = `1.0.${++version}`;
        await known.change(next);
        return inTurn(
          at,
          () => known.up(),
          () => known.bake(next),
        );
      },
    },
    {
      name: `${name}, nothing changed`,
      peer: BAKE,
      wanted: wanted.unchanged,
      round: async (at) => {
        const known = await fleet();
        return inTurn(
          at,
          () => known.up(),
          () => known.bake(`1.0.${version}`),
        );
      },
    },
    {
      name: `${name}, pulumi preview`,
      peer: "preview of an empty program",
      wanted: wanted.preview,
      round: async (at) => {
        const [known, none] = [await fleet(), await empty()];
        return inTurn(
          at,
          () => known.preview(),
          () => none.preview(),
        );
      },
    },
    {
      name: `${name}, slipway plan`,
      peer: "slipway --help",
      wanted: wanted.plan,
      round: async (at) => {
        const known = await fleet();
        return inTurn(
          at,
          () => known.plan(),
          () => known.project.slipway("--help"),
        );
      },
    },
  ];
}

/** One image of many has new content, and the others carry theirs over to the new version. */
function partialCases(size: number, made: Made[]): Case[] {
  let version = 0;
  const world = once(async () => {
    const registry = await kept(made, startRegistry());
    const fleet = await kept(made, Fleet.create(size, [registry.host], { labels: "none" }));
    await fleet.change("1.0.0");
    await fleet.up();
    await fleet.bake("1.0.0");
    return fleet;
  });
  return [
    {
      name: `one of ${size} images changed`,
      peer: BAKE,
      wanted: 0.5,
      round: async (at) => {
        const fleet = await world();
        const next = `1.0.${++version}`;
        await fleet.change(next, ["app0"]);
        return inTurn(
          at,
          () => fleet.up(),
          () => fleet.bake(next),
        );
      },
    },
  ];
}

/** A new version of content that two registries have, with 50 ms before every request. */
function retagCases(size: number, made: Made[]): Case[] {
  let version = 0;
  const world = once(async () => {
    const registries = await Promise.all([kept(made, startRegistry()), kept(made, startRegistry())]);
    const proxies = await Promise.all(registries.map(({ host }) => kept(made, startFaultProxy(host))));
    const hosts = proxies.map(({ host }) => host);
    const fleet = await kept(made, Fleet.create(size, hosts, { labels: "none" }));
    await fleet.change("1.0.0");
    await fleet.up();
    for (const proxy of proxies) proxy.inject({ fault: { kind: "delay", ms: 50 } });
    return { fleet, hosts };
  });
  type World = Awaited<ReturnType<typeof world>>;
  const byCrane = ({ fleet, hosts }: World) =>
    fleet.eachTag(hosts, (reference, tag) => run("crane", ["tag", "--insecure", reference, tag]));
  const byRegctl = ({ fleet, hosts }: World) =>
    fleet.eachTag(hosts, (reference, tag) =>
      run("regctl", [
        "image",
        "copy",
        ...plainHttp(hosts),
        reference,
        reference.replace(/:[^:/]*$/, `:${tag}`),
      ]),
    );
  const releases = (theirs: (world: World) => Promise<unknown>) => async (at: number) => {
    const known = await world();
    await known.fleet.tag(`1.0.${++version}`);
    return inTurn(
      at,
      () => known.fleet.up(),
      () => theirs(known),
    );
  };
  const name = `${size} images, 4 tags, 2 registries, 50 ms a request`;
  return [
    { name: `${name}: a new version`, peer: "crane tag", wanted: 0.2, round: releases(byCrane) },
    {
      name: `${name}: a new version, regctl`,
      peer: "regctl image copy",
      wanted: 0.2,
      round: releases(byRegctl),
    },
    {
      name: `${name}: nothing changed`,
      peer: "crane tag",
      wanted: 0.2,
      round: async (at) => {
        const known = await world();
        return inTurn(
          at,
          () => known.fleet.up(),
          () => byCrane(known),
        );
      },
    },
  ];
}

/** Content of 20 MB an image that stage has, to a registry that has nothing. */
function promotionCases(size: number, made: Made[]): Case[] {
  let stacks = 0;
  const world = once(async () => {
    const registry = await kept(made, startRegistry());
    const fleet = await kept(made, Fleet.create(size, [registry.host], { megabytes: 20 }));
    await fleet.change("1.0.0");
    await fleet.up();
    return { fleet, host: registry.host };
  });
  type Promote = (image: string, from: string, host: string) => Promise<unknown>;
  const promotes = (theirs: Promote) => async (at: number) => {
    const { fleet, host } = await world();
    const [ours, peers] = await Promise.all([kept(made, startRegistry()), kept(made, startRegistry())]);
    const prod = await fleet.promotion(`prod${stacks++}`, ours.host);
    return inTurn(
      at,
      () => prod.upOk(),
      () => fleet.eachImage((image) => theirs(image, host, peers.host)),
    );
  };
  const byCrane: Promote = async (image, from, host) => {
    const target = `${host}/octo/${image}:1.0.0`;
    await run("crane", ["copy", "--insecure", `${from}/octo/${image}:1.0.0`, target]);
    for (const tag of ["1.0", "1", "latest"]) await run("crane", ["tag", "--insecure", target, tag]);
  };
  const byRegctl: Promote = async (image, from, host) => {
    const [source, target] = [`${from}/octo/${image}:1.0.0`, `${host}/octo/${image}`];
    for (const tag of ["1.0.0", "1.0", "1", "latest"])
      await run("regctl", ["image", "copy", ...plainHttp([from, host]), source, `${target}:${tag}`]);
  };
  const name = `promote ${size} images of 20 MB`;
  return [
    { name, peer: "crane copy and tag", wanted: 2, round: promotes(byCrane) },
    { name: `${name}, regctl`, peer: "regctl image copy", wanted: 0.7, round: promotes(byRegctl) },
  ];
}

/** A Pulumi program that declares nothing: what an engine costs. */
async function emptyProgram(made: Made[]) {
  const project = await kept(made, Project.create({ config: {} }));
  await project.run({}, "sh", "-c", 'echo "module.exports = async () => ({});" > program.js');
  return {
    preview: async () => {
      const { exitCode, text } = await project.preview();
      if (exitCode !== 0) throw new Error(text);
    },
  };
}

const plainHttp = (hosts: readonly string[]) => hosts.map((host) => `--host=reg=${host},tls=disabled`);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Notes that something has to be removed at the end. */
export async function kept<T extends Made>(made: Made[], making: Promise<T>): Promise<T> {
  const one = await making;
  made.push(one);
  return one;
}
