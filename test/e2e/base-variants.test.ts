import { rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry";
import { Project } from "../support/project";
import { recipeHash } from "../support/recipe-hash";
import { startRegistry, type TestRegistry } from "../support/registry";

const IMAGE = "opencode-devbox";

let registry: TestRegistry;
let npm: NpmRegistry;
let project: Project;
let hash: string;

beforeAll(async () => {
  const versions = { "oh-my-opencode-slim": "1.4.2", "@mariozechner/pi-coding-agent": "0.10.2" };
  [registry, npm] = await Promise.all([startRegistry(), startNpmRegistry(versions)]);
  project = await released("manual-host-publish", "v1.15.12");
  hash = await recipeHash(project.dir);
});

afterAll(async () => {
  project?.remove();
  await Promise.all([registry?.stop(), npm?.stop()]);
});

/** The example's own stack, with a registry of ours. */
async function released(example: string, tag: string): Promise<Project> {
  const registries = [{ host: registry.host, namespace: "joakimp" }];
  const made = await Project.fromExample({ example, stack: "prod", registries });
  expect((await made.pulumi("stack", "init")).exitCode).toBe(0);
  await made.commit({ ".npmrc": npm.npmrc }, tag);
  return made;
}

const digest = (tag: string) => crane("digest", `${registry.host}/joakimp/${IMAGE}:${tag}`);
const tags = async () => (await crane("ls", `${registry.host}/joakimp/${IMAGE}`)).split("\n");

/** Labels and environment of one platform's image. */
async function imageConfig(tag: string): Promise<{ Env: string[]; Labels: Record<string, string> }> {
  const reference = `${registry.host}/joakimp/${IMAGE}:${tag}`;
  const read: { config: { Env: string[]; Labels: Record<string, string> } } = JSON.parse(
    await crane("config", "--platform", "linux/arm64", reference),
  );
  return read.config;
}

/** What the engine created: a base that leaves the state is kept in the registry. */
const builds = (text: string) =>
  new Set(text.match(/(?<=\+ +docker-build:index:Image )[a-z-]+-build-[0-9a-f]{12}/g) ?? []);

describe("the first release", () => {
  test("preview tells base, variants and tags, and writes nothing", async () => {
    await registry.forget();
    const { exitCode, text } = await project.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(new RegExp(`\\+ base-${hash} +new`));
    expect(text).toMatch(/\+ base-latest +new/);
    for (const name of ["v1.15.12", "v1.15.12-omos", "latest", "latest-omos"]) {
      expect(text).toMatch(new RegExp(`\\+ ${name} +new → 1\\.15\\.12`));
    }
    expect(text).toMatch(/OMOS_VERSION is 1\.4\.2 \(the newest version of oh-my-opencode-slim/);
    expect(await registry.writes()).toEqual([]);
  });

  test("up builds the base once, each variant from its digest, and sets the tags", async () => {
    const text = await project.upOk();
    expect(builds(text).size).toBe(3);
    expect((await tags()).filter((tag) => !/^(candidate-|sha256-)/.test(tag)).sort()).toEqual(
      [`base-${hash}`, "base-latest", "latest", "latest-omos", "v1.15.12", "v1.15.12-omos"].sort(),
    );
    expect(await digest("base-latest")).toBe(await digest(`base-${hash}`));
    expect(await digest("latest")).toBe(await digest("v1.15.12"));
    expect(await digest("latest-omos")).toBe(await digest("v1.15.12-omos"));
    expect(await digest("latest-omos")).not.toBe(await digest("latest"));
  });

  test("a variant has its base's layers and its own arguments", async () => {
    const layers = async (tag: string) => {
      const manifest: { layers: { digest: string }[] } = JSON.parse(
        await crane("manifest", "--platform", "linux/amd64", `${registry.host}/joakimp/${IMAGE}:${tag}`),
      );
      return manifest.layers.map((layer) => layer.digest);
    };
    const base = await layers(`base-${hash}`);
    for (const tag of ["v1.15.12", "v1.15.12-omos"])
      expect((await layers(tag)).slice(0, base.length)).toEqual(base);
    expect((await imageConfig("v1.15.12-omos")).Env).toContain("OMOS_VERSION=1.4.2");
    expect((await imageConfig("v1.15.12")).Env.join()).not.toContain("1.4.2");
    const baseLabels = Object.keys((await imageConfig(`base-${hash}`)).Labels ?? {});
    expect(baseLabels.filter((label) => /revision|created|version/.test(label))).toEqual([]);
  });

  test("a second up changes and writes nothing", async () => {
    await registry.forget();
    expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(await registry.writes()).toEqual([]);
  });
});

describe("a letter-suffix rebuild", () => {
  test("builds the variants alone, from the same base", async () => {
    await project.commit({ "variants/README": "another build\n" }, "v1.15.12b");
    expect(await recipeHash(project.dir)).toBe(hash);
    const base = await digest(`base-${hash}`);
    const text = await project.upOk();
    expect([...builds(text)].filter((name) => name.startsWith(`release-${IMAGE}-base-build`))).toEqual([]);
    expect(await digest(`base-${hash}`)).toBe(base);
    expect(await digest("latest")).toBe(await digest("v1.15.12b"));
    expect(await digest("latest-omos")).toBe(await digest("v1.15.12b-omos"));
    expect(await digest("v1.15.12b")).not.toBe(await digest("v1.15.12"));
    expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
  });
});

describe("recovery of a single variant, from an empty state", () => {
  test("builds only the missing one", async () => {
    const kept = await digest("v1.15.12b");
    for (const tag of await tags()) {
      const gone = tag.endsWith("-omos") && tag.includes("1.15.12b");
      const lost = tag.startsWith("candidate-") && (await digest(tag)) === (await digest("latest-omos"));
      if (gone || lost)
        await crane("delete", `${registry.host}/joakimp/${IMAGE}:${tag}`).catch(() => undefined);
    }
    await crane("tag", `${registry.host}/joakimp/${IMAGE}:v1.15.12-omos`, "latest-omos");
    const elsewhere = await Project.fromExample({ example: "manual-host-publish", stack: "prod" }, project);
    try {
      await elsewhere.git("checkout", "--quiet", "v1.15.12b");
      expect((await elsewhere.pulumi("stack", "init")).exitCode).toBe(0);
      const text = await elsewhere.upOk();
      expect([...builds(text)].map((name) => name.replace(/-build-.*/, ""))).toEqual([
        `release-${IMAGE}-omos`,
      ]);
      expect(await digest("v1.15.12b")).toBe(kept);
      expect(await digest("latest-omos")).toBe(await digest("v1.15.12b-omos"));
    } finally {
      elsewhere.remove();
    }
  });
});

describe("the base", () => {
  test("of other content with the same short hash is refused, and nothing is written", async () => {
    await project.git("checkout", "--quiet", "-b", "renamed");
    await project.git("mv", "rootfs/etc/motd", "rootfs/etc/motd.txt");
    await project.commit({}, "v1.16.0");
    expect(await recipeHash(project.dir)).toBe(hash);
    await registry.forget();
    const { exitCode, text } = await project.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(
      new RegExp(`base-${hash} has the same short hash and other content: [0-9a-f]{12}, not `),
    );
    expect(await registry.writes()).toEqual([]);
    await project.git("tag", "--delete", "v1.16.0");
    await project.git("checkout", "--quiet", "main");
  });

  test("of an older release does not take base-latest back", async () => {
    await project.commit({ "rootfs/etc/motd": "two\n" }, "v2.0.0");
    await project.upOk();
    const newer = await recipeHash(project.dir);
    expect(newer).not.toBe(hash);
    expect(await digest("base-latest")).toBe(await digest(`base-${newer}`));
    await project.git("checkout", "--quiet", "-b", "backport", "v1.15.12b");
    await project.commit({ "rootfs/etc/motd": "backport\n" }, "v1.15.13");
    const { text } = await project.preview();
    expect(text).toMatch(/= base-latest +stays .*2\.0\.0 exists and is newer than 1\.15\.13/);
    await project.upOk();
    expect(await digest("base-latest")).toBe(await digest(`base-${newer}`));
    expect(await digest("latest")).toBe(await digest("v2.0.0"));
    await project.git("checkout", "--quiet", "main");
  });

  test("that another tool pushed is taken by its name", async () => {
    await project.commit({ "rootfs/etc/motd": "three\n" }, "v2.1.0");
    const name = `base-${await recipeHash(project.dir)}`;
    const repository = `${registry.host}/joakimp/${IMAGE}`;
    const index: { annotations?: object } = JSON.parse(await crane("manifest", `${repository}:base-latest`));
    delete index.annotations;
    const put = await fetch(`${registry.url}/v2/joakimp/${IMAGE}/manifests/${name}`, {
      method: "PUT",
      headers: { "content-type": "application/vnd.oci.image.index.v1+json" },
      body: JSON.stringify(index),
    });
    expect(put.status).toBe(201);
    const foreign = await digest(name);
    const { text } = await project.preview();
    expect(text).toMatch(/was pushed by another tool; it is taken for the base/);
    const done = await project.upOk();
    expect([...builds(done)].some((build) => build.includes("-base-build"))).toBe(false);
    expect(await digest(name)).toBe(foreign);
    expect(await digest("base-latest")).toBe(foreign);
    expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
  });

  test("can be pinned, and the difference is shown", async () => {
    await project.commit({ "rootfs/etc/motd": "four\n" }, "v2.2.0");
    const computed = await recipeHash(project.dir);
    const env = { BASE_HASH: hash, OMOS_VERSION: "1.3.0" };
    const preview = await project.pulumiWith(env, "preview", "--non-interactive");
    expect(preview.exitCode, preview.text).toBe(0);
    expect(preview.text).toContain(
      `the pinned base-${hash} is used; this working tree's own is base-${computed}`,
    );
    expect(preview.text).toMatch(/OMOS_VERSION is 1\.3\.0 \(pinned; 1\.4\.2 is the newest version/);
    const up = await project.pulumiWith(env, "up", "--yes", "--non-interactive", "--skip-preview");
    expect(up.exitCode, up.text).toBe(0);
    expect(await tags()).not.toContain(`base-${computed}`);
    expect(await digest("base-latest")).toBe(await digest(`base-${hash}`));
    expect((await imageConfig("v2.2.0-omos")).Env).toContain("OMOS_VERSION=1.3.0");
  });
});

describe("what is refused, in the preview", () => {
  const refused = async (changes: Readonly<Record<string, unknown>>): Promise<string> => {
    project.set(changes);
    const { exitCode, text } = await project.preview();
    expect(exitCode).not.toBe(0);
    return text;
  };

  test("a glob that matches nothing, a Dockerfile without BASE_IMAGE, an unresolvable version", async () => {
    const text = await refused({
      base: { include: ["rootfz/**"] },
      images: [{ name: IMAGE, dockerfile: "Dockerfile.base" }],
      variants: [{ suffix: "" }, { suffix: "-x", buildArgs: { X: { latestOf: "npm:no-such-package" } } }],
    });
    expect(text).toMatch(/slipway:base\.include\[0\]: "rootfz\/\*\*" matches no file/);
    expect(text).toMatch(/is not built from opencode-devbox-base: nothing in it takes \$\{BASE_IMAGE\}/);
    expect(text).toMatch(/image opencode-devbox-x\.buildArgs\.X: npm view no-such-package@latest/);
  });

  test("a dirty tree, and a base of the release's own repository", async () => {
    rmSync(path.join(project.dir, "Dockerfile.base"));
    await project.commit(
      { "Dockerfile.base": `FROM ${registry.host}/joakimp/${IMAGE}:base-latest\n` },
      "v3.0.0",
    );
    await project.git("rm", "--quiet", "--cached", "DOCKER_HUB.md");
    const text = await refused({});
    expect(text).toMatch(/is a cycle: opencode-devbox-base is built from .*:base-latest/);
    expect(text).toMatch(/the working tree differs from its commit: "DOCKER_HUB\.md"/);
  });
});

test("pi-devbox: one image, one tag pair", async () => {
  const pi = await released("pi-devbox", "v0.3.0");
  try {
    await pi.upOk();
    const repository = `${registry.host}/joakimp/pi-devbox`;
    const released = (await crane("ls", repository)).split("\n");
    expect(released.filter((tag) => !/^(candidate-|sha256-)/.test(tag)).sort()).toEqual(["latest", "v0.3.0"]);
    expect(await crane("digest", `${repository}:latest`)).toBe(await crane("digest", `${repository}:v0.3.0`));
    expect(await crane("config", "--platform", "linux/amd64", `${repository}:latest`)).toContain(
      "PI_VERSION=0.10.2",
    );
    expect(await pi.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
  } finally {
    pi.remove();
  }
});
