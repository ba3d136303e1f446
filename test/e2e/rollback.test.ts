import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];

let first: TestRegistry;
let second: TestRegistry;
let project: Project;
/** `app:1.2.3` -> digest. */
const released = new Map<string, string>();

beforeAll(async () => {
  [first, second] = await Promise.all([startRegistry(), startRegistry()]);
  project = await Project.create({ config: config() });
  for (const version of ["1.2.2", "1.2.3"]) await release(version);
});

afterAll(async () => {
  project?.remove();
  await Promise.all([first?.stop(), second?.stop()]);
});

function config(rollback?: object) {
  return {
    registries: [first, second].map(({ host }) => ({ host, namespace: "octo" })),
    images: ["app", "web"].map((name) => ({ name, context: name, platforms: ["linux/amd64"], tags: TAGS })),
    ...(rollback === undefined ? {} : { rollback }),
  };
}

async function release(version: string): Promise<string> {
  await project.commit(
    Object.fromEntries(
      ["app", "web"].flatMap((name) => [
        [`${name}/Dockerfile`, "FROM scratch\nCOPY content.txt /content.txt\n"],
        [`${name}/content.txt`, `${name} ${version}\n`],
      ]),
    ),
    `v${version}`,
  );
  const text = await project.upOk();
  for (const name of ["app", "web"]) released.set(`${name}:${version}`, await inBoth(`${name}:${version}`));
  return text;
}

async function inBoth(reference: string): Promise<string> {
  const [one, other] = await Promise.all(
    [first, second].map(({ host }) => crane("digest", `${host}/octo/${reference}`)),
  );
  expect(other, reference).toBe(one);
  return one ?? "";
}

async function writes(): Promise<string[]> {
  const entries = await Promise.all([first.writes(), second.writes()]);
  return entries.flat().map(({ method, path }) => `${method} ${path}`);
}

async function forget(): Promise<void> {
  await Promise.all([first.forget(), second.forget()]);
}

describe("refused", () => {
  test.each([
    [{ to: "v1.2.1" }, /v1\.2\.1 of app does not exist: no 1\.2\.1 in .*\[version-not-found\]/],
    [
      { to: "v1.2.3", bad: ["1.2.3"] },
      /rollback\.bad\[0\].*floating tags cannot go back to a bad version \[config-conflict\]/,
    ],
    [{ to: "nightly" }, /"nightly" is not a version by the tag rules of app, web \[rollback-no-version\]/],
    [{ to: "v1.2.2", images: ["api"] }, /"api" is no image; there is app, web/],
  ])("%j", async (rollback, expected) => {
    project.setConfig(config(rollback));
    await forget();
    const { exitCode, text } = await project.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(expected);
    expect(await writes()).toEqual([]);
  });
});

describe("one image goes back", () => {
  test("and no other does", async () => {
    project.setConfig(config({ to: "v1.2.2", bad: ["v1.2.3"], images: ["web"] }));
    await project.upOk();
    expect(await inBoth("web:latest")).toBe(released.get("web:1.2.2"));
    expect(await inBoth("app:latest")).toBe(released.get("app:1.2.3"));
  });
});

describe("all images go back", () => {
  test("preview shows a rollback and writes nothing", async () => {
    project.setConfig(config({ to: "v1.2.2", bad: ["v1.2.3"] }));
    await forget();
    const { exitCode, text } = await project.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(
      /~ latest +sha256:\w{12} \(1\.2\.3\) → sha256:\w{12} \(1\.2\.2\): rollback, holds until a version newer than 1\.2\.3 is released/,
    );
    expect(await writes()).toEqual([]);
  });

  test("up moves floating tags and nothing else; nothing is built or uploaded", async () => {
    await forget();
    const text = await project.upOk();
    expect(text).not.toMatch(/building with|exporting/);
    const moved = ["1", "1.2", "latest"];
    const made = (await writes()).filter((line) => !/ \/v2\/octo\/app\/blobs\/uploads\//.test(line));
    for (const line of made) expect(line).toMatch(/^PUT \/v2\/octo\/app\/manifests\/(1|1\.2|latest)$/);
    expect(made).toHaveLength(2 * moved.length);
    for (const name of ["app", "web"]) {
      for (const tag of moved) {
        expect(await inBoth(`${name}:${tag}`), `${name}:${tag}`).toBe(released.get(`${name}:1.2.2`));
      }
      expect(await inBoth(`${name}:1.2.3`)).toBe(released.get(`${name}:1.2.3`));
    }
  });

  test("a second up changes nothing and writes nothing", async () => {
    await forget();
    const text = await project.upOk();
    expect(text).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(await writes()).toEqual([]);
  });
});

describe("afterwards", () => {
  test("the bad version never counts as the newest again", async () => {
    project.setConfig(config({ bad: ["v1.2.3"] }));
    await project.upOk();
    expect(await inBoth("app:latest")).toBe(released.get("app:1.2.2"));
    await release("1.1.9");
    expect(await inBoth("app:1.1")).toBe(released.get("app:1.1.9"));
    expect(await inBoth("app:latest")).toBe(released.get("app:1.2.2"));
  });

  test("a newer good version ends the rollback, which may still stand in the configuration", async () => {
    project.setConfig(config({ to: "v1.2.2", bad: ["v1.2.3"] }));
    await release("1.2.4");
    for (const tag of ["1", "1.2", "latest"]) {
      expect(await inBoth(`app:${tag}`)).toBe(released.get("app:1.2.4"));
    }
    const { text } = await project.preview();
    expect(text).toMatch(/the rollback to v1\.2\.2 ends with 1\.2\.4/);
  });
});
