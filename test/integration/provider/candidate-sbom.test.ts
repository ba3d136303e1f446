import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTENT_KEY_ANNOTATION, REVISION_ANNOTATION, SBOM_ANNOTATION } from "../../../plan/annotations";
import { Registries } from "../../../provider/registries";
import type { Context } from "../../../provider/resource";
import { candidate } from "../../../provider/resources/candidate";
import { Signing } from "../../../provider/signing";
import { crane } from "../../support/crane";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { pushIndex } from "../registry/content";

const KEY = "c".repeat(64);
const REVISION = "1".repeat(40);

let registry: TestRegistry;
let context: Context;
let repository: string;

beforeAll(async () => {
  registry = await startRegistry();
  repository = `${registry.host}/octo/app`;
  const registries = [{ host: registry.host, plainHttp: true }];
  context = {
    registries: new Registries({ registries, credentials: {}, environment: {} }, {}),
    signing: new Signing({ mode: "none" }, {}, undefined),
    log: { info: async () => {}, warn: async () => {} },
  };
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

function inputsOf(digest: string, tag: string, source: "build" | "found") {
  return {
    image: "app",
    repositories: [repository],
    tag,
    contentKey: KEY,
    revision: REVISION,
    platforms: ["linux/amd64", "linux/arm64"],
    digest,
    source,
  };
}

/** A build of the same content. @returns the digest that it is claimed as */
async function built(
  annotations: Readonly<Record<string, string>>,
): Promise<[digest: string, claimed: unknown]> {
  const digest = await pushed(annotations);
  const inputs = inputsOf(digest, "sha-1111111", "build");
  const { outputs } = await candidate.create(context, inputs, { urn: "urn", preview: false });
  return [digest, Reflect.get(outputs, "digest")];
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
  const at = { urn: "urn", preview: false };
  const [released, whole] = [await pushed({ [SBOM_ANNOTATION]: "unavailable" }), await pushed({})];
  const inputs = inputsOf(released, tag, "found");
  await candidate.create(context, inputs, at);
  expect(await crane("digest", `${repository}:${tag}`)).toBe(released);

  await candidate.create(context, inputsOf(whole, tag, "build"), at);
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);

  const { id, outputs } = await candidate.create(context, inputs, at);
  expect(outputs).toMatchObject({ digest: released });
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);
  const current = { urn: "urn", id, inputs, outputs: inputs };
  expect(await candidate.diff(context, { ...current, olds: current, news: inputs })).toEqual({ changed: [] });
  expect(await candidate.read(context, current)).toMatchObject({ outputs: { digest: released } });

  // What has its SBOM takes the tag from what has none.
  await crane("tag", `${repository}@${released}`, tag);
  await candidate.create(context, inputsOf(whole, tag, "found"), at);
  expect(await crane("digest", `${repository}:${tag}`)).toBe(whole);
});

test("a refresh takes no digest from the registry: what depends on it would be tagged and signed", async () => {
  const [recorded, other] = [await pushed({}), await pushed({ other: "true" })];
  const inputs = inputsOf(recorded, "sha-2222222", "found");
  await crane("tag", `${repository}@${other}`, inputs.tag);
  const current = { urn: "urn", id: `app:${inputs.tag}`, inputs, outputs: inputs };
  expect(await candidate.read(context, current)).toMatchObject({ outputs: { digest: recorded } });
});
