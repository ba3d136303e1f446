import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

/** The order in which they are released: a backport and a pre-release come after a newer version. */
const VERSIONS = ["1.2.3", "2.0.0", "1.9.4", "2.1.0-rc.1", "2.1.0"] as const;

let first: TestRegistry;
let second: TestRegistry;
let project: Project;
/** Version -> the digest that it was released with. */
const released = new Map<string, string>();

beforeAll(async () => {
  [first, second] = await Promise.all([startRegistry(), startRegistry()]);
  project = await Project.create({ config: config() });
});

afterAll(async () => {
  project?.remove();
  await Promise.all([first?.stop(), second?.stop()]);
});

function config() {
  return {
    registries: [first, second].map(({ host }) => ({ host, namespace: "octo" })),
    images: [
      {
        name: "app",
        context: "app",
        tags: [
          "type=semver,pattern={{version}}",
          "type=semver,pattern={{major}}.{{minor}}",
          "type=semver,pattern={{major}}",
          "type=sha",
        ],
      },
    ],
  };
}

function digestOf(tag: string, registry: TestRegistry): Promise<string> {
  return crane("digest", `${registry.host}/octo/app:${tag}`);
}

/** What both registries answer for a tag: one digest, or the test fails. */
async function digestInBoth(tag: string): Promise<string> {
  const [one, other] = await Promise.all([digestOf(tag, first), digestOf(tag, second)]);
  expect(other, `${tag} in the second registry`).toBe(one);
  return one;
}

async function writes(): Promise<readonly string[]> {
  const entries = await Promise.all([first.writes(), second.writes()]);
  return entries.flat().map(({ method, path }) => `${method} ${path}`);
}

async function expectNoWrites(run: () => Promise<unknown>): Promise<void> {
  await Promise.all([first.forget(), second.forget()]);
  await run();
  expect(await writes()).toEqual([]);
}

describe.each(VERSIONS)("releasing %s", (version) => {
  test("preview tells every tag's move and writes nothing", async () => {
    await project.commit(
      { "app/Dockerfile": "FROM scratch\nCOPY app.txt /app.txt\n", "app/app.txt": `${version}\n` },
      `v${version}`,
    );
    await expectNoWrites(async () => {
      const { exitCode, text } = await project.preview();
      expect(exitCode, text).toBe(0);
      expect(text).toMatch(new RegExp(`\\+ ${version} +new → ${version}`));
      expect(text).toMatch(EXPECTED_LATEST[version]);
    });
  });

  test("up releases it to both registries", async () => {
    await project.upOk();
    released.set(version, await digestInBoth(version));
    expect(new Set(released.values()).size).toBe(released.size);
  });

  test("latest is the newest version and no other", async () => {
    const newest = version === "1.2.3" ? "1.2.3" : version === "2.1.0" ? "2.1.0" : "2.0.0";
    expect(await digestInBoth("latest")).toBe(released.get(newest));
  });

  test("a second up changes nothing and writes nothing", async () => {
    await expectNoWrites(async () => {
      const text = await project.upOk();
      expect(text).toMatch(/Resources:\n +\d+ unchanged\n/);
    });
  });
});

const EXPECTED_LATEST: Readonly<Record<(typeof VERSIONS)[number], RegExp>> = {
  "1.2.3": /\+ latest +new → 1\.2\.3/,
  "2.0.0": /~ latest +sha256:\w{12} \(1\.2\.3\) → 2\.0\.0/,
  "1.9.4": /= latest +stays sha256:\w{12} \(2\.0\.0\): 2\.0\.0 exists and is newer than 1\.9\.4/,
  "2.1.0-rc.1": /2\.1\.0-rc\.1/,
  "2.1.0": /~ latest +sha256:\w{12} \(2\.0\.0\) → 2\.1\.0/,
};

describe("what outside tools read back", () => {
  test("floating tags", async () => {
    expect(await digestInBoth("latest")).toBe(released.get("2.1.0"));
    expect(await digestInBoth("2")).toBe(released.get("2.1.0"));
    expect(await digestInBoth("2.1")).toBe(released.get("2.1.0"));
    expect(await digestInBoth("2.0")).toBe(released.get("2.0.0"));
    expect(await digestInBoth("1")).toBe(released.get("1.9.4"));
    expect(await digestInBoth("1.9")).toBe(released.get("1.9.4"));
    expect(await digestInBoth("1.2")).toBe(released.get("1.2.3"));
  });

  test("no tag that nobody asked for", async () => {
    const tags = (await crane("ls", `${first.host}/octo/app`)).split("\n");
    const asked = /^(latest|\d+(\.\d+){0,2}(-rc\.1)?|sha-[0-9a-f]{7}|sha256-[0-9a-f]{64})$/;
    expect(tags.filter((tag) => !asked.test(tag))).toEqual([]);
  });

  test.each(VERSIONS)("%s has both platforms, its own content and its labels", async (version) => {
    for (const platform of ["linux/amd64", "linux/arm64"]) {
      const reference = `${second.host}/octo/app:${version}`;
      const config: unknown = JSON.parse(await crane("config", "--platform", platform, reference));
      expect(config).toMatchObject({
        architecture: platform.split("/")[1],
        config: { Labels: { "org.opencontainers.image.version": version } },
      });
    }
  });
});

describe("from an empty state in another folder, with the second registry emptied", () => {
  let elsewhere: Project;

  beforeAll(async () => {
    await second.stop();
    second = await startRegistry({ port: second.port });
    elsewhere = await Project.create({ config: config() }, project);
  });

  afterAll(() => elsewhere?.remove());

  test.each(VERSIONS)("%s is completed: no build, nothing new in the first", async (version) => {
    await elsewhere.git("checkout", "--quiet", `v${version}`);
    await first.forget();
    const text = await elsewhere.upOk();
    expect(text).not.toMatch(/docker-build/);
    expect((await first.writes()).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect(await digestInBoth(version)).toBe(released.get(version));
  });

  test("the second registry is whole again", async () => {
    const [one, other] = await Promise.all(
      [first, second].map(({ host }) => crane("ls", `${host}/octo/app`)),
    );
    expect(new Set(other?.split("\n"))).toEqual(new Set(one?.split("\n")));
    for (const tag of one?.split("\n") ?? []) await digestInBoth(tag);
  });
});
