import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION, SBOM_ANNOTATION } from "../../../src/plan/annotations";
import { content } from "../../../src/provider/resources/content";
import { type Context, NO_LOG } from "../../../src/release/operation";
import { Registries } from "../../../src/release/registries";
import { Signing } from "../../../src/release/signing";
import { crane } from "../../support/crane";
import { desiredContent, EngineCalls } from "../../support/engine-calls";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { pushIndex } from "../registry/content";

const KEY = "c".repeat(64);
const REVISION = "1".repeat(40);

let registry: TestRegistry;
let context: Context;
let repository: string;
let calls: EngineCalls;

beforeAll(async () => {
  registry = await startRegistry();
  repository = `${registry.host}/octo/app`;
  const registries = [{ host: registry.host, plainHttp: true }];
  context = {
    registries: new Registries({ registries, credentials: {}, environment: {} }, {}),
    signing: new Signing({ mode: "none" }, {}, undefined),
    log: NO_LOG,
  };
  calls = new EngineCalls(content, context);
});

afterAll(() => registry.stop());

/** An index of the same content, pushed by digest as BuildKit does. */
async function pushed(annotations: Readonly<Record<string, string>>): Promise<string> {
  const { client, path } = context.registries.at(repository);
  const { digest } = await pushIndex(client, path, {
    annotations: { [CONTENT_KEY_ANNOTATION]: KEY, [REVISION_ANNOTATION]: REVISION, ...annotations },
  });
  return digest;
}

function planOf(tag: string, source: "build" | "found") {
  return desiredContent({ repositories: [repository], tag, contentKey: KEY, revision: REVISION, source });
}

/** A build of the same content. @returns the digest that it is claimed as */
async function built(
  annotations: Readonly<Record<string, string>>,
): Promise<[digest: string, claimed: unknown]> {
  const digest = await pushed(annotations);
  const { outputs } = await calls.create({ digest }, planOf("sha-1111111", "build"));
  return [digest, outputs.digest];
}

test("a build without its SBOM gives way to one that has it, and to none the other way round", async () => {
  const [without, first] = await built({ [SBOM_ANNOTATION]: "unavailable" });
  expect(first).toBe(without);
  const [, again] = await built({ [SBOM_ANNOTATION]: "unavailable" });
  expect(again).toBe(without);

  const [whole, second] = await built({});
  expect(second).toBe(whole);
  expect(await crane("digest", `${repository}:sha-1111111`)).toBe(whole);

  const [, third] = await built({ [SBOM_ANNOTATION]: "unavailable" });
  expect(third).toBe(whole);
  expect(await crane("digest", `${repository}:sha-1111111`)).toBe(whole);
});

test("a release without its SBOM leaves the tag with equal content that has it, and counts as claimed", async () => {
  const tag = "candidate-cccccccccccccccc";
  const [released, whole] = [await pushed({ [SBOM_ANNOTATION]: "unavailable" }), await pushed({})];
  await calls.create({ digest: released }, planOf(tag, "found"));
  expect(await crane("digest", `${repository}:${tag}`)).toBe(released);

  await calls.create({ digest: whole }, planOf(tag, "build"));
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);

  const state = await calls.create({ digest: released }, planOf(tag, "found"));
  expect(state.outputs).toMatchObject({ digest: released });
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);
  expect(await calls.diff(state, { digest: released }, planOf(tag, "found"))).toEqual({ changed: [] });
  expect(await calls.read(state)).toMatchObject({ outputs: { digest: released } });

  // What has its SBOM takes the tag from what has none.
  await crane("tag", `${repository}@${released}`, tag);
  await calls.create({ digest: whole }, planOf(tag, "found"));
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);
});

test("a refresh takes no digest from the registry: what depends on it would be tagged and signed", async () => {
  const [recorded, other] = [await pushed({}), await pushed({ other: "true" })];
  const state = await calls.create({ digest: recorded }, planOf("sha-2222222", "found"));
  await crane("tag", `${repository}@${other}`, "sha-2222222");
  expect(await calls.read(state)).toMatchObject({ outputs: { digest: recorded } });
});
