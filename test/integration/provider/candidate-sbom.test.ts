import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION, SBOM_ANNOTATION } from "../../../src/plan/annotations";
import { content } from "../../../src/provider/resources/content";
import { type Context, NO_LOG } from "../../../src/release/operation";
import { NO_CONFIG } from "../../../src/release/provider-config";
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
  context = { registries: new Registries(NO_CONFIG, {}), signing: new Signing(undefined, {}), log: NO_LOG };
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

/** Builds the same content. @returns the built digest, and the one that is reserved */
async function built(
  annotations: Readonly<Record<string, string>>,
): Promise<[digest: string, reserved: unknown]> {
  const digest = await pushed(annotations);
  const { outputs } = await calls.create({ digest }, planOf("sha-1111111", "build"));
  return [digest, outputs.digest];
}

test("a build without its SBOM gives way to one that has it, and never the other way round", async () => {
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

test("a release without its SBOM leaves the tag to equal content that has it", async () => {
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

  // Content with its SBOM takes the tag from content without.
  await crane("tag", `${repository}@${released}`, tag);
  await calls.create({ digest: whole }, planOf(tag, "found"));
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);
});

test("a refresh takes no digest from the registry, since that digest would be tagged and signed", async () => {
  const [recorded, other] = [await pushed({}), await pushed({ other: "true" })];
  const state = await calls.create({ digest: recorded }, planOf("sha-2222222", "found"));
  await crane("tag", `${repository}@${other}`, "sha-2222222");
  expect(await calls.read(state)).toMatchObject({ outputs: { digest: recorded } });
});
