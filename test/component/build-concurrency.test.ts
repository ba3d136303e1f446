import { describe, expect, test } from "vitest";
import { Release } from "../../components";
import { record } from "../../src/testing/record";
import { aConfig, intent, planOf, registryState } from "../support/plan-state";
import { anImage } from "../support/planned";

const NAMES = ["a", "b", "c", "d", "e"];
const BUILD = "docker-build:index:Image";

/** Five images to build, as the whole program declares them; nothing is written in a preview. */
async function waits(concurrency?: number): Promise<Record<string, readonly string[]>> {
  const images = NAMES.map((name) => anImage({ name, repository: name }));
  const config = aConfig({ images, builder: concurrency === undefined ? {} : { concurrency } });
  const intents = images.map((image) =>
    intent({
      name: image.name,
      image,
      repositories: [{ host: "localhost:5000", path: `octo/${image.name}` }],
    }),
  );
  const state = registryState({
    access: registryState().access,
    repositories: Object.fromEntries(
      NAMES.map((name) => [`localhost:5000/octo/${name}`, { tags: [], found: {} }]),
    ),
  });
  const plan = planOf(state, { config, intents });
  const { resources } = await record(
    () => {
      new Release("release", { plan, config, projectDir: "/nonexistent" });
    },
    { preview: true },
  );
  const short = (name: string) => name.replace(/^release-/, "").replace(/-build-.*/, "");
  const builds = resources.filter(({ type }) => type === BUILD);
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
  const names = Object.keys(graph);
  const above = (name: string): Set<string> =>
    new Set((graph[name] ?? []).flatMap((other) => [other, ...above(other)]));
  const apart = (one: string, other: string) => !above(one).has(other) && !above(other).has(one);
  const sets: string[][] = [[]];
  for (const name of names) {
    const larger = sets.filter((set) => set.every((other) => apart(name, other)));
    sets.push(...larger.map((set) => [...set, name]));
  }
  return Math.max(...sets.map((set) => set.length));
}

describe("builder.concurrency bounds the builds that can run at once", () => {
  test.each([1, 2, 3, 5, 9])("%i", async (concurrency) => {
    expect(width(await waits(concurrency))).toBe(Math.min(concurrency, NAMES.length));
  });

  test("one at a time is one after the other", async () => {
    expect(await waits(1)).toEqual({ a: [], b: ["a"], c: ["b"], d: ["c"], e: ["d"] });
  });

  test("without it none waits for another", async () => {
    expect(width(await waits())).toBe(NAMES.length);
  });
});
