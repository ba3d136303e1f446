import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const NAMES = Array.from({ length: 30 }, (_, index) => `service-${String(index + 1).padStart(2, "0")}`);
const CHANGED = ["service-03", "service-14", "service-30"];
const ENGINE = ["--", "--yes", "--non-interactive", "--skip-preview", "--suppress-outputs"];

let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  const registries = [{ host: registry.host }];
  project = await Project.fromExample({ example: "publish-services", stack: "stage", registries });
  await project.commit({
    "infra/docker/services.list": `# the fleet\n\n${NAMES.join("\n")}\n`,
    "infra/docker/Dockerfile": NAMES.map((name) => `FROM scratch AS ${name}\nCOPY . /app/\n`).join("\n"),
    ...Object.fromEntries(NAMES.map((name) => [`services/${name}/app.txt`, `${name}\n`])),
  });
  expect((await project.pulumi("stack", "init")).exitCode).toBe(0);
});

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

function digest(name: string, tag: string): Promise<string> {
  return crane("digest", `${registry.host}/${name}:${tag}`);
}

async function release(env: Readonly<Record<string, string>>): Promise<string> {
  const { exitCode, text } = await project.pulumiWith(
    env,
    "up",
    "--yes",
    "--non-interactive",
    "--skip-preview",
  );
  expect(exitCode, text).toBe(0);
  return text;
}

/** How many resources of a type the engine's output says this of; it may say it twice. */
function rows(text: string, type: string, what: RegExp): number {
  const lines = text.split("\n").filter((line) => line.includes(type) && what.test(line));
  return new Set(lines.map((line) => line.split(type)[1]?.trim().split(/\s/)[0])).size;
}

const CREATED = /^ *\+ .* created /;

function serviceManifest(): unknown {
  return JSON.parse(
    readFileSync(path.join(project.dir, "artifacts/docker/service-image-manifest.json"), "utf8"),
  );
}

function images(tagOf: (name: string) => string) {
  return NAMES.map((name) => ({ name, image: `${registry.host}/${name}:${tagOf(name)}` }));
}

async function writes(): Promise<string[]> {
  return (await registry.writes()).map(({ method, path: at }) => `${method} ${at}`);
}

describe("a fleet of 30", () => {
  test("the first service alone is a rehearsal", async () => {
    const { exitCode, text } = await project.slipwayWith(
      { CI_IMAGE_TAG: "rehearsal" },
      "up",
      "--services",
      "service-01",
      ...ENGINE,
    );
    expect(exitCode, text).toBe(0);
    expect(await digest("service-01", "rehearsal")).toMatch(/^sha256:/);
    expect(serviceManifest()).toEqual({
      registry: registry.host,
      tag: "rehearsal",
      push: true,
      images: [{ name: "service-01", image: `${registry.host}/service-01:rehearsal` }],
    });
  });

  test("all of them get the tag of the release", async () => {
    const text = await release({ CI_IMAGE_TAG: "2025.11.0" });
    expect(rows(text, "docker-build:index:Image", CREATED)).toBe(29);
    expect(serviceManifest()).toEqual({
      registry: registry.host,
      tag: "2025.11.0",
      push: true,
      images: images(() => "2025.11.0"),
    });
  });

  test("a second up changes nothing and writes nothing", async () => {
    await registry.forget();
    const text = await release({ CI_IMAGE_TAG: "2025.11.0" });
    expect(text).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(await writes()).toEqual([]);
  });

  test("3 changed services: 3 builds and 30 tags", async () => {
    const before = new Map(
      await Promise.all(NAMES.map(async (name) => [name, await digest(name, "2025.11.0")] as const)),
    );
    await project.commit(
      Object.fromEntries(CHANGED.map((name) => [`services/${name}/app.txt`, `${name} changed\n`])),
    );
    await registry.forget();
    const text = await release({ CI_IMAGE_TAG: "2025.11.1" });
    expect(rows(text, "docker-build:index:Image", CREATED), text).toBe(3);
    const tagged = (await writes()).filter((line) => /^PUT .*\/manifests\/2025\.11\.1$/.test(line));
    expect(tagged).toHaveLength(30);
    for (const name of NAMES) {
      const now = await digest(name, "2025.11.1");
      if (CHANGED.includes(name)) expect(now).not.toBe(before.get(name));
      else expect(now).toBe(before.get(name));
      expect(await digest(name, "2025.11.0")).toBe(before.get(name));
    }
  });
});

describe("a subset", () => {
  test("is refused by a bare pulumi up, with the command to use", async () => {
    await registry.forget();
    const { exitCode, text } = await project.pulumiWith(
      { CI_IMAGE_TAG: "147", CI_SERVICES: "service-02" },
      "up",
      "--yes",
      "--non-interactive",
      "--skip-preview",
    );
    expect(exitCode).not.toBe(0);
    expect(text).toContain("slipway up --services service-02");
    expect(await writes()).toEqual([]);
  });

  test("preview shows no other service, and writes nothing", async () => {
    const before = serviceManifest();
    const { exitCode, text } = await project.slipwayWith(
      { CI_IMAGE_TAG: "147" },
      "preview",
      "--services",
      "service-02,service-03",
      "--",
      "--non-interactive",
    );
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/service-02/);
    expect(text).not.toMatch(/delete/);
    expect(text.match(/service-(?!02|03)\d\d/g)).toBeNull();
    expect(serviceManifest()).toEqual(before);
  });

  test("leaves all others alone, and the manifest keeps their entries", async () => {
    await registry.forget();
    const { exitCode, text } = await project.slipwayWith(
      { CI_IMAGE_TAG: "147", SERVICES: "service-09", CI_SERVICES: "service-02\nservice-03" },
      "up",
      ...ENGINE,
    );
    expect(exitCode, text).toBe(0);
    expect(text.match(/service-(?!02|03)\d\d/g)).toBeNull();
    expect((await writes()).every((line) => /\/service-0[23]\//.test(line))).toBe(true);
    expect(await digest("service-02", "147")).toBe(await digest("service-02", "2025.11.1"));
    const subset = ["service-02", "service-03"];
    expect(serviceManifest()).toEqual({
      registry: registry.host,
      tag: "147",
      push: true,
      images: images((name) => (subset.includes(name) ? "147" : "2025.11.1")),
    });
  });

  test("the same subset again changes nothing; the whole fleet after it misses nothing", async () => {
    await registry.forget();
    const again = await project.slipwayWith(
      { CI_IMAGE_TAG: "147" },
      "up",
      "--services",
      "service-03,service-02",
      ...ENGINE,
    );
    expect(again.text).toMatch(/^Resources: \d+ unchanged /m);
    expect(await writes()).toEqual([]);
    const text = await release({ CI_IMAGE_TAG: "147" });
    expect(rows(text, "docker-build:index:Image", CREATED)).toBe(0);
    expect((await writes()).filter((line) => /\/manifests\/147$/.test(line))).toHaveLength(28);
    expect(serviceManifest()).toMatchObject({ tag: "147", images: images(() => "147") });
  });

  test("unknown services are refused before anything else", async () => {
    await registry.forget();
    const { exitCode, text } = await project.slipwayWith(
      { CI_IMAGE_TAG: "148", CI_SERVICES: "service-02,web" },
      "up",
      ...ENGINE,
    );
    expect(exitCode).toBe(1);
    expect(text).toMatch(/^error: Unknown service\(s\) requested: web\n/);
    expect(await registry.log()).toEqual([]);
  });
});

test("a release without a name is refused: the services would have no tag", async () => {
  const { exitCode, text } = await project.up();
  expect(exitCode).not.toBe(0);
  expect(text).toContain("[version-tag-missing]");
  expect(text).toContain("service-01 and 29 more");
});

test("CI_PUSH=false plans and writes the manifest without registry or builder", async () => {
  await registry.forget();
  const { exitCode, text } = await project.slipwayWith(
    { CI_IMAGE_TAG: "149", CI_PUSH: "false", BUILDX_CONFIG: "/nowhere", CI_REGISTRY: "registry.stage" },
    "up",
  );
  expect(exitCode, text).toBe(0);
  expect(await registry.log()).toEqual([]);
  expect(serviceManifest()).toEqual({
    registry: "registry.stage",
    tag: "149",
    push: false,
    images: NAMES.map((name) => ({ name, image: `registry.stage/${name}:149` })),
  });
});
