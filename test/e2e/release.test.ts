import { afterAll, beforeAll, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const RULES = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];

let first: TestRegistry;
let second: TestRegistry;
let project: Project;

beforeAll(async () => {
  [first, second] = await Promise.all([startRegistry(), startRegistry()]);
  project = await Project.create({ config: configFor(first, second) });
});

afterAll(async () => {
  project?.remove();
  await Promise.all([first?.stop(), second?.stop()]);
});

function configFor(...registries: TestRegistry[]) {
  return {
    registries: registries.map(({ host }) => ({ host, namespace: "octo" })),
    images: [{ name: "app", context: "app", tags: RULES }],
  };
}

test("1.2.3", async () => {
  await project.commit(
    { "app/Dockerfile": "FROM scratch\nCOPY app.txt /app.txt\n", "app/app.txt": "1.2.3\n" },
    "v1.2.3",
  );
  const preview = await project.preview();
  console.log(preview.text);
  expect(preview.exitCode).toBe(0);
  console.log(await project.upOk());
  console.log(await crane("digest", "--insecure", `${first.host}/octo/app:latest`));
  console.log(await project.upOk());
  console.log((await project.slipway("report")).text);
  console.log((await project.slipway("plan")).text);
});
