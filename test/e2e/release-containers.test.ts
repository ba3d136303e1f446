import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { type EngineResult, Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

/** Two registries, in place of GHCR and Docker Hub. */
let registries: TestRegistry[];

beforeAll(async () => {
  registries = await Promise.all([startRegistry(), startRegistry()]);
});

afterAll(async () => {
  await Promise.all(registries.map((registry) => registry.stop()));
});

function standIns(namespace: string): object[] {
  return registries.map(({ host }) => ({ host, namespace }));
}

/** Tag -> digest, the same in both registries, without candidates and referrers. */
async function published(image: string): Promise<Record<string, string>> {
  const [one, other] = await Promise.all(
    registries.map(async ({ host }) => {
      const names = (await crane("ls", `${host}/${image}`)).split("\n").sort();
      const tags = names.filter((tag) => !/^(candidate-|sha256-)/.test(tag));
      const digests = await Promise.all(
        tags.map(async (tag) => [tag, await crane("digest", `${host}/${image}:${tag}`)] as const),
      );
      return Object.fromEntries(digests);
    }),
  );
  expect(other).toEqual(one);
  return one ?? {};
}

async function expectNoWrites<T>(run: () => Promise<T>): Promise<T> {
  await Promise.all(registries.map((registry) => registry.forget()));
  const result = await run();
  const writes = await Promise.all(registries.map((registry) => registry.writes()));
  expect(writes.flat().map(({ method, path: at }) => `${method} ${at}`)).toEqual([]);
  return result;
}

function ok({ exitCode, text }: EngineResult): string {
  expect(exitCode, text).toBe(0);
  return text;
}

describe("publish-container", () => {
  const IMAGE = "octo/container";
  let container: Project;

  beforeAll(async () => {
    container = await Project.fromExample({
      example: "publish-container",
      stack: "release",
      registries: standIns("octo"),
    });
    await container.commit({});
  });

  afterAll(() => container?.remove());

  /** What GitHub tells a job: the event's name, its reference and its payload. */
  async function onGitHub(event: string, ref: string, payload: object = {}): Promise<Record<string, string>> {
    const file = path.join(container.dir, ".git", "event.json");
    writeFileSync(file, JSON.stringify(payload));
    const sha = (await container.git("rev-parse", "HEAD")).trim();
    return {
      GITHUB_EVENT_NAME: event,
      GITHUB_REF: ref,
      GITHUB_SHA: sha,
      GITHUB_EVENT_PATH: file,
      GITHUB_REPOSITORY: "octo/container",
    };
  }

  async function release(env: Record<string, string>): Promise<EngineResult> {
    return container.run(env, "npm", "run", "release", "--", "--skip-preview");
  }

  test("release v1.2.3 gives 1.2.3, 1.2, 1, latest and the commit, in both registries", async () => {
    const env = await onGitHub("release", "refs/tags/v1.2.3");
    const preview = await expectNoWrites(() => container.run(env, "npm", "run", "preview"));
    expect(ok(preview)).toMatch(/\+ 1\.2\.3 +new/);
    ok(await release(env));
    const tags = await published(IMAGE);
    expect(Object.keys(tags)).toEqual(["1", "1.2", "1.2.3", "latest", expect.stringMatching(/^sha-/)]);
    expect(new Set(Object.values(tags)).size).toBe(1);
  });

  test("again: nothing changes", async () => {
    const env = await onGitHub("release", "refs/tags/v1.2.3");
    expect(ok(await expectNoWrites(() => release(env)))).toMatch(/^Resources: \d+ unchanged /m);
  });

  test("release v2.0.0 gives 2.0.0, 2.0, 2 and moves latest", async () => {
    const before = await published(IMAGE);
    await container.commit({ "src/main": "two\n" });
    ok(await release(await onGitHub("release", "refs/tags/v2.0.0")));
    const tags = await published(IMAGE);
    for (const tag of ["2", "2.0", "latest"]) expect(tags[tag]).toBe(tags["2.0.0"]);
    for (const tag of ["1", "1.2", "1.2.3"]) expect(tags[tag]).toBe(before[tag]);
  });

  test("a manual dispatch gives the tag that was typed in, and moves nothing else", async () => {
    const before = await published(IMAGE);
    await container.commit({ "src/main": "three\n" });
    const typed = { inputs: { tag: "hotfix-7" } };
    ok(await release(await onGitHub("workflow_dispatch", "refs/heads/main", typed)));
    const { "hotfix-7": custom, ...tags } = await published(IMAGE);
    expect(tags).toMatchObject(before);
    expect(new Set(Object.values(before))).not.toContain(custom);
  });

  test("the same custom tag for another commit is refused in the preview: it is written once", async () => {
    await container.commit({ "src/main": "four\n" });
    const typed = { inputs: { tag: "hotfix-7" } };
    const env = await onGitHub("workflow_dispatch", "refs/heads/main", typed);
    const { exitCode, text } = await expectNoWrites(() => container.run(env, "npm", "run", "preview"));
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/container:hotfix-7.*was released from commit/s);
  });
});

describe("release-docker-image", () => {
  const IMAGE = "graysurf/agent-workspace-launcher";
  const SCRIPT = ".agents/skills/release-docker-image/scripts/release-docker-image.sh";
  let launcher: Project;

  beforeAll(async () => {
    launcher = await Project.fromExample({
      example: "release-docker-image",
      stack: "release",
      registries: standIns("graysurf"),
    });
    await launcher.commit({});
  });

  afterAll(() => launcher?.remove());

  function script(...flags: string[]): Promise<EngineResult> {
    return launcher.run({}, SCRIPT, ...flags);
  }

  test("used wrongly it answers 2", async () => {
    expect((await script("--version", "latest")).exitCode).toBe(2);
    expect((await script("--fast")).exitCode).toBe(2);
  });

  test("--publish-version-tag without a version is refused", async () => {
    const plan = await expectNoWrites(() =>
      launcher.slipway("plan", "--stack", "release", "--publish-version-tag"),
    );
    expect(plan.exitCode).toBe(1);
    expect(plan.text).toMatch(/this release of agent-workspace-launcher has no version/);
    const run = await expectNoWrites(() => script("--dry-run", "--publish-version-tag"));
    expect(run.exitCode).toBe(1);
  });

  test("--version v1.2.3 gives v1.2.3, latest and the commit", async () => {
    const plan = await launcher.slipway("plan", "--stack", "release", "--version", "v1.2.3");
    expect(ok(plan)).toMatch(/version comes from the flag --version/);
    ok(await script("--version", "v1.2.3", "--publish-version-tag"));
    const tags = await published(IMAGE);
    expect(Object.keys(tags)).toEqual(["latest", expect.stringMatching(/^sha-[0-9a-f]{7}$/), "v1.2.3"]);
    expect(new Set(Object.values(tags)).size).toBe(1);
    const config = await crane(
      "config",
      "--platform",
      "linux/arm64",
      `${registries[0]?.host}/${IMAGE}:v1.2.3`,
    );
    expect(config).toContain("AGENT_KIT_REF=v0.9.2");
  });

  test("with --no-publish-version-tag v1.3.0 is latest and a commit, and nothing older takes latest", async () => {
    await launcher.commit({ "VERSIONS.env": "AGENT_KIT_REF=v1.0.0\n" });
    ok(await script("--version", "v1.3.0", "--no-publish-version-tag"));
    const tags = await published(IMAGE);
    expect(Object.keys(tags).filter((tag) => tag.startsWith("v"))).toEqual(["v1.2.3"]);
    expect(tags.latest).not.toBe(tags["v1.2.3"]);

    await launcher.commit({ "VERSIONS.env": "AGENT_KIT_REF=v1.0.1\n" });
    ok(await script("--version", "v1.2.9", "--no-publish-version-tag"));
    expect((await published(IMAGE)).latest).toBe(tags.latest);
  });

  test("without AGENT_KIT_REF in VERSIONS.env, or without the file, the plan is refused", async () => {
    await launcher.commit({ "VERSIONS.env": "OTHER=1\n" });
    const key = await expectNoWrites(() => script("--dry-run", "--version", "v1.4.0"));
    expect(key.exitCode).toBe(1);
    expect(key.text).toMatch(/"VERSIONS\.env" has no key AGENT_KIT_REF/);
    rmSync(path.join(launcher.dir, "VERSIONS.env"));
    const file = await launcher.slipway("plan", "--stack", "release", "--version", "v1.4.0");
    expect(file.exitCode).toBe(1);
    expect(file.text).toMatch(/"VERSIONS\.env" does not exist/);
  });
});
