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

/** A build of the same content, pushed by digest as BuildKit does. @returns the digest that it is claimed as */
async function built(
  annotations: Readonly<Record<string, string>>,
): Promise<[digest: string, claimed: unknown]> {
  const { client, path } = context.registries.at(repository);
  const { digest } = await pushIndex(client, path, {
    annotations: { [CONTENT_KEY_ANNOTATION]: KEY, [REVISION_ANNOTATION]: REVISION, ...annotations },
  });
  const inputs = {
    image: "app",
    repositories: [repository],
    tag: "sha-1111111",
    contentKey: KEY,
    revision: REVISION,
    platforms: ["linux/amd64", "linux/arm64"],
    digest,
    source: "build",
  };
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
