import { afterAll, beforeAll, expect, it } from "vitest";
import { OCI_INDEX } from "../../../src/registry/manifests";
import { readImage } from "../../../src/registry/read-image";
import { type Connection, readRegistryState } from "../../../src/registry/read-state";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushImage } from "./content";

let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());

it("lets no annotation forge a line of a log", async () => {
  const client = clientOf(registry.host);
  const image = await pushImage(client, "octo/app", "amd64");
  const annotations = { "org.opencontainers.image.version": "1.2.3\n::error::\u001b[31mforged\u2028" };
  const index = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [image], annotations });
  await client.putManifest("octo/app", "1.2.3", index, OCI_INDEX);
  const found = await readImage(client, "octo/app", "1.2.3", { statements: false });
  expect(found?.annotations).toEqual({ "org.opencontainers.image.version": "1.2.3::error::[31mforged" });
});

it("a host that one namespace requires is required, whatever another one says", async () => {
  const connection: Connection = {
    client: clientOf("localhost:1", { deadlineMs: 200 }),
    credentials: () => Promise.resolve(undefined),
  };
  const state = (optional: readonly boolean[]) =>
    readRegistryState(
      { registries: optional.map((one) => ({ host: "localhost:1", optional: one })), repositories: [] },
      () => connection,
    ).then(({ access }) => access["localhost:1"]?.status);
  expect(await state([true, true])).toBe("skipped");
  expect(await state([false, true])).toBe("refused");
});
