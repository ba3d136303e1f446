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

interface StateResource {
  readonly urn: string;
  readonly type: string;
  outputs?: Record<string, unknown>;
}

/** A state with the types, names, parents and outputs of the older version. */
function asBefore(state: string): string {
  const exported: { deployment: { resources: StateResource[] } } = JSON.parse(state);
  const { resources } = exported.deployment;
  const release = resources.find(({ type }) => type === "slipway:index:Release");
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (release === undefined || stack === undefined) throw new Error("the stack has a release");
  stack.outputs = { ...stack.outputs, ...release.outputs };
  exported.deployment.resources = resources.filter((resource) => resource !== release);
  return JSON.stringify(exported)
    .replaceAll(`"${release.urn}"`, `"${stack.urn}"`)
    .replaceAll("slipway:index:Release$", "")
    .replaceAll("slipway-registry:index:Content", "slipway-registry:index:Candidate")
    .replaceAll("slipway-registry:index:Tags", "slipway:index:TagSet$slipway-registry:index:Tag")
    .replaceAll('"type":"slipway:index:TagSet$', '"type":"')
    .replaceAll("::release-tags", "::app-latest-localhost")
    .replaceAll("::release-registry", "::slipway-registry")
    .replaceAll("-content", "-candidate")
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
  // The release, its content and its tags; what they took the place of is forgotten.
  expect(up).toMatch(/\+ 3 created/);
  expect(up).toMatch(/- 2 deleted/);
  expect(up).not.toMatch(/\d+ (?:updated|replaced)|docker-build/);
  expect(await registry.writes()).toEqual([]);
  const again = await project.upOk();
  expect(again).not.toMatch(/\d+ (?:created|updated|deleted|replaced)/);
});
