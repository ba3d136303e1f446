import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { type EngineResult, Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

/** The example as it is, told where to release to by the runbook's own variable. */
let registry: TestRegistry;
let aionis: Project;
let repository: string;

const MAIN = "docker:publish:ghcr";
const STANDALONE = "docker:publish:standalone:ghcr";

beforeAll(async () => {
  registry = await startRegistry();
  repository = `${registry.host}/cognary/aionis`;
  aionis = await Project.fromExample({
    example: "docker-release-runbook",
    stack: "main",
    env: { IMAGE_REPO: repository },
  });
  await aionis.commit({});
});

afterAll(async () => {
  aionis?.remove();
  await registry?.stop();
});

function npm(script: string, env: Readonly<Record<string, string>> = {}): Promise<EngineResult> {
  return aionis.run(env, "npm", "run", script);
}

async function released(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { exitCode, text } = await npm(script, env);
  expect(exitCode, text).toBe(0);
  return text;
}

async function expectNoWrites(run: () => Promise<unknown>): Promise<void> {
  await registry.forget();
  await run();
  expect((await registry.writes()).map(({ method, path: at }) => `${method} ${at}`)).toEqual([]);
}

function digest(tag: string): Promise<string> {
  return crane("digest", `${repository}:${tag}`);
}

/** Every tag that is neither a candidate nor a registry's index of referrers. */
async function tags(): Promise<string[]> {
  const all = (await crane("ls", repository)).split("\n");
  return all.filter((tag) => !/^(candidate-[0-9a-f]{16}|sha256-[0-9a-f]{64})$/.test(tag)).sort();
}

function dockerignored(name: string): string {
  return readFileSync(path.join(aionis.dir, name), "utf8");
}

describe("the main lane", () => {
  test("a dry run shows tags and checks, runs no check and writes nothing", async () => {
    await expectNoWrites(async () => {
      const text = await released(`${MAIN}:dry-run`, { TAG: "v0.2.1" });
      expect(text).toMatch(/lane main/);
      expect(text).toMatch(/\+ v0\.2\.1 +new/);
      expect(text).toMatch(/\+ latest +new/);
      expect(text).toMatch(/check build, before anything is built: npm run build/);
      expect(text).not.toMatch(/core gate passed|standalone/);
    });
  });

  test("a dry run without a version passes, and says how to name one", async () => {
    await expectNoWrites(async () => {
      const text = await released(`${MAIN}:dry-run`);
      expect(text).toMatch(/no version of the lane main.*TAG=v0\.2\.1/s);
    });
  });

  test("a release without a version is refused, and nothing is written", async () => {
    await expectNoWrites(async () => {
      const { exitCode, text } = await npm(MAIN);
      expect(exitCode).not.toBe(0);
      expect(text).toMatch(/no version of the lane main.*\[version-tag-missing\].*TAG=v0\.2\.1/s);
      const byCli = await aionis.slipway("publish", "--stack", "main");
      expect(byCli.exitCode).toBe(1);
      expect(byCli.text).toContain("[version-tag-missing]");
    });
  });

  test("TAG=v0.2.1 releases v0.2.1 and latest for both platforms", async () => {
    await released(MAIN, { TAG: "v0.2.1", PLATFORMS: "linux/amd64,linux/arm64", PUBLISH_LATEST: "true" });
    expect(await tags()).toEqual(["latest", "v0.2.1"]);
    expect(await digest("latest")).toBe(await digest("v0.2.1"));
    const index: unknown = JSON.parse(await crane("manifest", `${repository}:v0.2.1`));
    expect(index).toMatchObject({
      manifests: expect.arrayContaining([
        expect.objectContaining({ platform: { os: "linux", architecture: "amd64" } }),
        expect.objectContaining({ platform: { os: "linux", architecture: "arm64" } }),
      ]),
    });
  });

  test("again, and by the git tag at the same commit: nothing changes, nothing is written", async () => {
    await expectNoWrites(async () => {
      expect(await released(MAIN, { TAG: "v0.2.1", PUBLISH_LATEST: "true" })).toMatch(
        /^Resources: \d+ unchanged /m,
      );
      await aionis.git("tag", "docker-v0.2.1");
      expect(await released(MAIN)).toMatch(/^Resources: \d+ unchanged /m);
    });
  });
});

describe("the standalone lane in the same repository", () => {
  test("is released by its git tag, and leaves the main lane's tags alone", async () => {
    const [version, latest] = [await digest("v0.2.1"), await digest("latest")];
    await aionis.git("tag", "standalone-v0.2.1");
    await released(STANDALONE);
    expect(await tags()).toEqual(["latest", "standalone-latest", "standalone-v0.2.1", "v0.2.1"]);
    expect(await digest("standalone-latest")).toBe(await digest("standalone-v0.2.1"));
    expect(await digest("standalone-v0.2.1")).not.toBe(version);
    expect([await digest("v0.2.1"), await digest("latest")]).toEqual([version, latest]);
    const config = await crane("config", "--platform", "linux/amd64", `${repository}:standalone-latest`);
    expect(config).toContain("standalone.mjs");
    expect(dockerignored("Dockerfile.standalone")).toContain("standalone.mjs");
  });

  test("its release statement names the lane", async () => {
    const subject = await digest("standalone-v0.2.1");
    const referrers = JSON.parse(
      await crane("manifest", `${repository}:${subject.replace(":", "-")}`).catch(async () => {
        const answer = await fetch(`${registry.url}/v2/cognary/aionis/referrers/${subject}`);
        return answer.text();
      }),
    );
    const manifest = JSON.parse(await crane("manifest", `${repository}@${referrers.manifests[0].digest}`));
    const statement = JSON.parse(await crane("blob", `${repository}@${manifest.layers[0].digest}`));
    expect(statement.predicate).toMatchObject({ lane: "standalone", version: "0.2.1" });
  });

  test("a version of the main lane is refused before anything happens, and the other way round", async () => {
    await expectNoWrites(async () => {
      const wrong = await npm(STANDALONE, { TAG: "v0.2.2" });
      expect(wrong.exitCode).not.toBe(0);
      expect(wrong.text).toMatch(
        /"v0\.2\.2" is not a version of the lane standalone.*standalone-vX\.Y\.Z.*it is one of the lane main/s,
      );
      const other = await npm(`${MAIN}:dry-run`, { TAG: "standalone-v0.2.2" });
      expect(other.exitCode).not.toBe(0);
      expect(other.text).toMatch(/is not a version of the lane main.*it is one of the lane standalone/s);
    });
  });
});

describe("both lanes, released apart", () => {
  test("a newer standalone version holds the main lane back in nothing", async () => {
    await aionis.commit({ "src/server.mjs": "export function start() {}\n", "src/gate.mjs": "" });
    const before = await digest("latest");
    await released(STANDALONE, { TAG: "standalone-v9.0.0" });
    expect(await digest("latest")).toBe(before);
    await released(MAIN, { TAG: "v0.3.0" });
    expect(await digest("latest")).toBe(await digest("v0.3.0"));
    expect(await digest("standalone-latest")).toBe(await digest("standalone-v9.0.0"));
  });

  test("an older version of a lane moves its own tag only", async () => {
    await aionis.commit({});
    const [latest, standalone] = [await digest("latest"), await digest("standalone-latest")];
    const text = await released(STANDALONE, { TAG: "standalone-v8.1.0" });
    expect(text).toMatch(/9\.0\.0 exists and is newer/);
    expect([await digest("latest"), await digest("standalone-latest")]).toEqual([latest, standalone]);
    expect(await tags()).toContain("standalone-v8.1.0");
  });

  test("PUBLISH_LATEST=false moves no floating tag", async () => {
    await aionis.commit({});
    const latest = await digest("latest");
    await released(MAIN, { TAG: "v0.4.0", PUBLISH_LATEST: "false" });
    expect(await tags()).toContain("v0.4.0");
    expect(await digest("latest")).toBe(latest);
  });

  test("a failing check stops the release with its name, exit code and last lines; a preview does not run it", async () => {
    await aionis.commit({ "src/gate.mjs": "console.error('the core is not healthy'); process.exit(3);\n" });
    await expectNoWrites(async () => {
      await released(`${MAIN}:dry-run`, { TAG: "v0.5.0" });
      const { exitCode, text } = await npm(MAIN, { TAG: "v0.5.0" });
      expect(exitCode).not.toBe(0);
      expect(text).toMatch(/checks\.core gate: `npm run gate:core` ended with exit code 3/);
      expect(text).toContain("the core is not healthy");
    });
    expect(await tags()).not.toContain("v0.5.0");
  });
});
