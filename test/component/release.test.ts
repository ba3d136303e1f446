import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { ghcr, Release, type ReleaseArgs } from "../../components";
import { resolveArgs } from "../../components/settings";
import { RegistryProvider } from "../../src/provider/sdk";
import { runProgram } from "../../src/testing";
import { DIGEST } from "../support/planned";

const WORLD = { files: { "api/Dockerfile": "FROM scratch\n" }, git: { tag: "v1.2.3" } };
const ARGS = { registries: [ghcr("octo")], images: { api: { context: "api", sbom: false } } } as const;

/** Resources of a program, in the order of their registration. */
async function resourcesOf(program: () => Promise<unknown>, preview = false) {
  const { resources } = await runProgram(program, { ...WORLD, preview });
  return resources;
}

describe("a release among other resources", () => {
  class Platform extends pulumi.ComponentResource {
    constructor(name: string) {
      super("shop:index:Platform", name);
    }
  }

  class Cluster extends pulumi.CustomResource {
    constructor(name: string) {
      super("shop:index:Cluster", name, {});
    }
  }

  test("is a child of its parent, and has all its resources below itself, with its name as a prefix", async () => {
    const resources = await resourcesOf(
      async () => new Release("shop", await Release.plan(ARGS), { parent: new Platform("platform") }),
    );
    expect(resources.filter(({ parent }) => parent === "").map(({ name }) => name)).toEqual(["platform"]);
    expect(resources.find(({ name }) => name === "shop")?.parent).toBe("platform");
    expect(resources.slice(1).filter(({ name }) => !name.startsWith("shop"))).toEqual([]);
  });

  test("shares no resource's name with another release of the program", async () => {
    const web = { ...ARGS, images: { web: ARGS.images.api }, artifacts: "web" };
    const resources = await resourcesOf(async () => {
      new Release("shop", await Release.plan(ARGS));
      new Release("site", await Release.plan(web));
    });
    const names = resources.map(({ type, name }) => `${type} ${name}`);
    expect(names.filter((name) => name.startsWith("slipway:index:Release"))).toHaveLength(2);
    expect(new Set(names).size).toBe(names.length);
  });

  test("waits for the resources that it depends on", async () => {
    const resources = await resourcesOf(
      async () => new Release("shop", await Release.plan(ARGS), { dependsOn: [new Cluster("first")] }),
    );
    const build = resources.find(({ type }) => type === "docker-build:index:Image");
    const provider = resources.find(({ name }) => name === "shop-registry");
    expect([build?.dependencies, provider?.dependencies]).toEqual([["first"], ["first"]]);
  });

  test("uses the provider in its options", async () => {
    const resources = await resourcesOf(async () => {
      const provider = new RegistryProvider("mine", { registries: [], credentials: {}, environment: {} });
      new Release("shop", await Release.plan(ARGS), { providers: [provider] });
    });
    const providers = resources.filter(({ type }) => type === "pulumi:providers:slipway-registry");
    expect(providers.map(({ name }) => name)).toEqual(["mine"]);
  });

  test("has outputs of each image for other resources", async () => {
    let reference: pulumi.Output<string> | undefined;
    await resourcesOf(async () => {
      ({ reference } = new Release("shop", await Release.plan(ARGS)).images.api);
    });
    const known = await new Promise((resolve) => reference?.apply(resolve));
    expect(known).toBe(`ghcr.io/octo/api@${DIGEST}`);
  });
});

describe("builder.concurrency limits the builds that can run at once", () => {
  const NAMES = ["a", "b", "c", "d", "e"];

  /** Each build -> the builds that it waits for. */
  async function waits(concurrency?: number): Promise<Record<string, readonly string[]>> {
    const args: ReleaseArgs = {
      ...ARGS,
      images: Object.fromEntries(NAMES.map((name) => [name, ARGS.images.api])),
      builder: { concurrency },
    };
    const resources = await resourcesOf(async () => new Release("r", await Release.plan(args)), true);
    const short = (name: string) => name.replace(/^r-/, "").replace(/-build-.*/, "");
    const builds = resources.filter(({ type }) => type === "docker-build:index:Image");
    expect(builds).toHaveLength(NAMES.length);
    return Object.fromEntries(
      builds.map(({ name, dependencies }) => [
        short(name),
        dependencies.filter((other) => other.includes("-build-")).map(short),
      ]),
    );
  }

  /** The most builds that can run at once: the largest set in which none waits for another. */
  function width(graph: Readonly<Record<string, readonly string[]>>): number {
    const above = (name: string): Set<string> =>
      new Set((graph[name] ?? []).flatMap((other) => [other, ...above(other)]));
    const apart = (one: string, other: string) => !above(one).has(other) && !above(other).has(one);
    const sets: string[][] = [[]];
    for (const name of Object.keys(graph)) {
      const larger = sets.filter((set) => set.every((other) => apart(name, other)));
      sets.push(...larger.map((set) => [...set, name]));
    }
    return Math.max(...sets.map((set) => set.length));
  }

  test.each([2, 3, 9, undefined])("%s", async (concurrency) => {
    expect(width(await waits(concurrency))).toBe(Math.min(concurrency ?? NAMES.length, NAMES.length));
  });

  test("one at a time is one after the other", async () => {
    expect(await waits(1)).toEqual({ a: [], b: ["a"], c: ["b"], d: ["c"], e: ["d"] });
  });
});

describe("arguments of a plan", () => {
  test("can be outputs if they are secrets, which become plain values", async () => {
    const args = { registries: [{ host: "ghcr.io", password: pulumi.secret("token") }], images: { app: {} } };
    expect(await resolveArgs("Release.plan", args)).toEqual({
      registries: [{ host: "ghcr.io", password: "token" }],
      images: { app: {} },
    });
  });

  test("cannot be outputs otherwise", async () => {
    const args = { images: { app: { context: pulumi.output("app") } } };
    await expect(resolveArgs("Release.plan", args)).rejects.toThrow(/images\.app\.context is an output/);
  });
});
