import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

/** Versions up to 0.1.0 declared everything at the root of the stack, without a `Release` around it. */
let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  project = await Project.create({
    config: {
      registries: [{ host: registry.host, namespace: "octo" }],
      images: [{ name: "app", context: "app" }],
      sign: { mode: "none" },
    },
  });
  await project.commit({ "app/Dockerfile": "FROM scratch\nCOPY a.txt /\n", "app/a.txt": "a\n" }, "v1.2.3");
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

/** A state with the names and parents of the older version. */
function asBefore(state: string): string {
  const exported: { deployment: { resources: { urn: string; type: string }[] } } = JSON.parse(state);
  const { resources } = exported.deployment;
  const release = resources.find(({ type }) => type === "slipway:index:Release")?.urn ?? "";
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.urn ?? "";
  exported.deployment.resources = resources.filter(({ urn }) => urn !== release);
  return JSON.stringify(exported)
    .replaceAll(`"${release}"`, `"${stack}"`)
    .replaceAll("slipway:index:Release$", "")
    .replaceAll("::release-registry", "::slipway-registry")
    .replaceAll("::release-", "::");
}

test("a stack that an older version released is adopted: no build, no tag write, no change", async () => {
  await project.upOk();
  const { text } = await project.pulumi("stack", "export");
  const file = path.join(project.dir, "artifacts", "state.json");
  writeFileSync(file, asBefore(text));
  await project.pulumi("stack", "import", "--file", file);
  await registry.forget();
  const up = await project.upOk();
  expect(up).toMatch(/\+ 1 created/);
  expect(up).not.toMatch(/\d+ (?:updated|deleted|replaced)/);
  expect(await registry.writes()).toEqual([]);
  const again = await project.upOk();
  expect(again).not.toMatch(/\d+ (?:created|updated|deleted|replaced)/);
});
