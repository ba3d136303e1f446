import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { type StandInHub, startHub } from "../support/hub";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const TOKEN = "dckr_pat_planted-token";
const SHORT = "A development container with opencode, for amd64 and arm64";

let registry: TestRegistry;
let npm: NpmRegistry;
let hub: StandInHub;
let project: Project;

beforeAll(async () => {
  [registry, npm, hub] = await Promise.all([
    startRegistry(),
    startNpmRegistry({ "oh-my-opencode-slim": "1.4.2" }),
    startHub(),
  ]);
  hub.accounts.push({ username: "joakimp", token: TOKEN, scope: "Read, Write, Delete" });
  hub.repositories.set("joakimp/opencode-devbox", { description: null, full_description: "by hand\n" });
  // The example's own stack; its registry is one of ours, and so is where descriptions go.
  project = await Project.fromExample({
    example: "manual-host-publish",
    stack: "prod",
    registries: [{ host: registry.host, namespace: "joakimp", hub: hub.url }],
    env: { HUB_PAT: TOKEN },
  });
  expect((await project.pulumi("stack", "init")).exitCode).toBe(0);
  await project.commit({ ".npmrc": npm.npmrc }, "v1.15.12");
});

afterAll(async () => {
  project?.remove();
  await Promise.all([registry?.stop(), npm?.stop(), hub?.stop()]);
});

const markdown = () => readFileSync(path.join(project.dir, "DOCKER_HUB.md"), "utf8");
const live = () => hub.repositories.get("joakimp/opencode-devbox");
const writes = () => hub.requests.filter(({ method }) => method === "PATCH");
const digest = (tag: string) => crane("digest", `${registry.host}/joakimp/opencode-devbox:${tag}`);

describe("Docker Hub's description", () => {
  test("preview tells what changes, once for both variants, and writes nothing", async () => {
    const { exitCode, text } = await project.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/\+ +slipway-registry:index:HubDescription release-opencode-devbox-description-/);
    expect(text).toMatch(
      new RegExp(
        `description of ${registry.host}/joakimp/opencode-devbox: short: "" => "${SHORT}"; full: 8 =>`,
      ),
    );
    expect(text).toMatch(/descriptions, after every tag:\n.*opencode-devbox\n.*DOCKER_HUB\.md, \d+ bytes/);
    expect(hub.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("a failure comes after every tag and says what to do; the next up completes", async () => {
    hub.accounts.splice(0, 1, { username: "joakimp", token: TOKEN, scope: "Read & Write" });
    const failed = await project.up();
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toMatch(/needs the scope Read, Write, Delete/);
    expect(failed.text).not.toContain(TOKEN);
    expect(await digest("latest")).toBe(await digest("v1.15.12"));
    expect(await digest("latest-omos")).toBe(await digest("v1.15.12-omos"));
    const manifest: { images: { name: string }[] } = JSON.parse(
      readFileSync(path.join(project.dir, "artifacts/release-manifest.json"), "utf8"),
    );
    expect(manifest.images.map(({ name }) => name)).toContain("opencode-devbox");
    expect(live()?.full_description).toBe("by hand\n");

    hub.accounts.splice(0, 1, { username: "joakimp", token: TOKEN, scope: "Read, Write, Delete" });
    await registry.forget();
    await project.upOk();
    expect(live()).toEqual({ description: SHORT, full_description: markdown() });
    expect(await registry.writes()).toEqual([]);
  });

  test("a second up writes nothing; what somebody wrote by hand is seen and put right", async () => {
    hub.requests.length = 0;
    expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(writes()).toEqual([]);
    hub.repositories.set("joakimp/opencode-devbox", {
      description: SHORT,
      full_description: "by hand again",
    });
    const { text } = await project.preview();
    expect(text).toMatch(/HubDescription .*update.*full/);
    expect(writes()).toEqual([]);
    await project.upOk();
    expect(live()?.full_description).toBe(markdown());
  });

  test("an older release describes nothing", async () => {
    await project.commit({ "DOCKER_HUB.md": "# two\n" }, "v2.0.0");
    await project.upOk();
    expect(live()?.full_description).toBe("# two\n");
    await project.git("checkout", "--quiet", "-b", "backport", "v1.15.12");
    await project.commit({ "DOCKER_HUB.md": "# backport\n" }, "v1.15.13");
    expect((await project.preview()).text).toMatch(/stays as it is: latest stays where it is/);
    await project.upOk();
    expect(live()?.full_description).toBe("# two\n");
    await project.git("checkout", "--quiet", "main");
  });

  test("too long or missing is refused in the preview, before anything is asked", async () => {
    await project.commit({ "DOCKER_HUB.md": "ü".repeat(13_000) }, "v2.1.0");
    const long = await project.preview();
    expect(long.exitCode).not.toBe(0);
    expect(long.text).toMatch(/DOCKER_HUB\.md has 26000 bytes, and Docker Hub takes 25000 at most/);
    project.set({ images: { "opencode-devbox": { description: { file: "NONE.md" } } } });
    const missing = await project.preview();
    expect(missing.exitCode).not.toBe(0);
    expect(missing.text).toMatch(
      /slipway:images\.opencode-devbox\.description\.file: NONE\.md does not exist/,
    );
  });

  test("destroying the stack keeps it", async () => {
    hub.requests.length = 0;
    project.set({ images: undefined });
    const { exitCode, text } = await project.pulumi(
      "destroy",
      "--yes",
      "--non-interactive",
      "--skip-preview",
    );
    expect(exitCode, text).toBe(0);
    expect(hub.requests).toEqual([]);
    expect(live()?.full_description).toBe("# two\n");
  });
});
