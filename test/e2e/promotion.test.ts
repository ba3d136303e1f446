import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const STAGE_TAGS = ["type=semver,pattern={{version}}", "type=ref,event=branch", "type=sha"];
const PROD_TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];
const PLATFORMS = ["linux/amd64", "linux/arm64"];
/** Nothing that could build: no builder known to buildx, no Docker, no address of BuildKit. */
const NO_BUILDER = {
  BUILDX_CONFIG: "/nonexistent/buildx",
  DOCKER_HOST: "tcp://127.0.0.1:1",
  BUILDKIT_HOST: "",
};

let stageRegistry: TestRegistry;
let first: TestRegistry;
let second: TestRegistry;
let stage: Project;
let prod: Project;
let revision: string;

beforeAll(async () => {
  [stageRegistry, first, second] = await Promise.all([startRegistry(), startRegistry(), startRegistry()]);
  stage = await Project.create({
    config: {
      registries: [{ host: stageRegistry.host, namespace: "staging" }],
      images: images(STAGE_TAGS),
    },
  });
  prod = await stage.stackBeside({ stack: "prod", env: NO_BUILDER, config: prodConfig({ from: "stage" }) });
});

afterAll(async () => {
  stage?.remove();
  await Promise.all([stageRegistry?.stop(), first?.stop(), second?.stop()]);
});

function images(tags: readonly string[]) {
  return ["app", "web"].map((name) => ({ name, context: name, platforms: PLATFORMS, tags }));
}

function prodConfig(promote: object, more: object = {}) {
  return {
    registries: [first, second].map(({ host }) => ({ host, namespace: "octo" })),
    requireTag: true,
    images: images(PROD_TAGS),
    promote,
    ...more,
  };
}

function files(content: string) {
  return Object.fromEntries(
    ["app", "web"].flatMap((name) => [
      [`${name}/Dockerfile`, "FROM scratch\nCOPY content.txt /content.txt\n"],
      [`${name}/content.txt`, `${name} ${content}\n`],
    ]),
  );
}

function digestOf(registry: TestRegistry, reference: string): Promise<string> {
  return crane("digest", `${registry.host}/${reference}`);
}

async function prodWrites(): Promise<string[]> {
  const entries = await Promise.all([first.writes(), second.writes(), stageRegistry.writes()]);
  return entries.flat().map(({ method, path }) => `${method} ${path}`);
}

async function forget(): Promise<void> {
  await Promise.all([first.forget(), second.forget(), stageRegistry.forget()]);
}

/** Every layer is there and is what it says. Attestations are no images, which crane cannot validate. */
async function validate(reference: string): Promise<void> {
  for (const platform of PLATFORMS) await crane("validate", "--remote", reference, "--platform", platform);
}

async function referrersOf(registry: TestRegistry, name: string, digest: string): Promise<string[]> {
  const answer = await fetch(`${registry.url}/v2/${name}/referrers/${digest}`);
  if (answer.ok) {
    const index: { manifests: { digest: string }[] } = JSON.parse(await answer.text());
    return index.manifests.map((entry) => entry.digest).sort();
  }
  const fallback = `${registry.host}/${name}:${digest.replace(":", "-")}`;
  const index: { manifests: { digest: string }[] } = JSON.parse(await crane("manifest", fallback));
  return index.manifests.map((entry) => entry.digest).sort();
}

test("before stage was ever released there is one error: what is wrong and what to run", async () => {
  await stage.commit(files("one"), "v1.2.3");
  revision = (await stage.git("rev-parse", "HEAD")).trim();
  const { exitCode, text } = await prod.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/the stack stage was never released \[promotion-never-released\]/);
  expect(text).toContain("pulumi up --stack stage");
  prod.setConfig(prodConfig({ from: "staging" }));
  const unknown = await prod.preview();
  expect(unknown.exitCode).not.toBe(0);
  expect(unknown.text).toMatch(/the stack staging was never released \[promotion-never-released\]/);
  expect(unknown.text).not.toMatch(/unknown stack|stack reference/i);
  prod.setConfig(prodConfig({ from: "stage" }));
});

describe("after stage released v1.2.3", () => {
  beforeAll(async () => {
    await stage.upOk();
    // Prod is promoted from a later commit than the one that was proved, with a dirty tree.
    await stage.commit({ "later.txt": "later" });
  });

  test("preview says what is promoted and writes nothing", async () => {
    await forget();
    const { exitCode, text } = await prod.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/app 1\.2\.3: no build, promoted from stage \(sha256:\w{12}\)/);
    expect(text).toContain(`commit ${revision.slice(0, 12)}`);
    expect(text).toMatch(/\+ latest +new → sha256:\w{12} \(1\.2\.3\)/);
    expect(text).not.toMatch(/docker-build/);
    expect(await prodWrites()).toEqual([]);
  });

  test("another version than stage has is refused", async () => {
    const { exitCode, text } = await prod.pulumiWith(
      { RELEASE_TAG: "v1.2.4" },
      "preview",
      "--non-interactive",
    );
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/v1\.2\.4 is asked for, but stage has app 1\.2\.3.*\[promotion-other-version\]/);
    const asserted = await prod.pulumiWith({ RELEASE_TAG: "v1.2.3" }, "preview", "--non-interactive");
    expect(asserted.exitCode, asserted.text).toBe(0);
  });

  test("a platform that stage did not build is refused", async () => {
    const wanted = images(PROD_TAGS).map((image) => ({ ...image, platforms: [...PLATFORMS, "linux/s390x"] }));
    prod.setConfig(prodConfig({ from: "stage" }, { images: wanted }));
    const { exitCode, text } = await prod.preview();
    prod.setConfig(prodConfig({ from: "stage" }));
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(
      /lacks linux\/s390x \(it has linux\/amd64, linux\/arm64\) \[promotion-platform-missing\]/,
    );
  });

  test("one image of two is promoted alone", async () => {
    prod.setConfig(prodConfig({ from: "stage", images: ["app"] }));
    await prod.upOk();
    expect(await digestOf(first, "octo/app:1.2.3")).toBe(await digestOf(stageRegistry, "staging/app:1.2.3"));
    expect((await fetch(`${first.url}/v2/octo/web/tags/list`)).status).toBe(404);
    prod.setConfig(prodConfig({ from: "stage" }));
  });

  test("up promotes without a builder: the same digest in every registry and under every tag", async () => {
    const text = await prod.upOk();
    expect(text).not.toMatch(/docker-build/);
    for (const name of ["app", "web"]) {
      const digest = await digestOf(stageRegistry, `staging/${name}:1.2.3`);
      for (const registry of [first, second]) {
        for (const tag of ["1.2.3", "1.2", "1", "latest", `sha-${revision.slice(0, 7)}`]) {
          expect(await digestOf(registry, `octo/${name}:${tag}`), `${name}:${tag}`).toBe(digest);
        }
        await validate(`${registry.host}/octo/${name}:latest`);
      }
    }
  });

  test("statements and attestations came along", async () => {
    const digest = await digestOf(stageRegistry, "staging/app:1.2.3");
    const proved = await referrersOf(stageRegistry, "staging/app", digest);
    expect(proved.length).toBeGreaterThan(0);
    for (const registry of [first, second]) {
      expect(await referrersOf(registry, "octo/app", digest)).toEqual(proved);
    }
  });

  test("a second up changes nothing and writes nothing", async () => {
    await forget();
    const text = await prod.upOk();
    expect(text).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect(await prodWrites()).toEqual([]);
  });

  test("the manifest tells stage's commit and where the content was proved", async () => {
    expect(await prod.manifest()).toMatchObject({
      stack: "prod",
      revision,
      images: [
        {
          name: "app",
          version: "1.2.3",
          ref: "refs/tags/v1.2.3",
          promotedFrom: `${stageRegistry.host}/staging/app`,
        },
        { name: "web" },
      ],
    });
  });

  test("parts that a registry lost are a diff, and come back", async () => {
    const { port } = second;
    await second.stop();
    second = await startRegistry({ port });
    const preview = await prod.preview();
    expect(preview.exitCode, preview.text).toBe(0);
    expect(preview.text).toMatch(/lost parts of it; will be completed/);
    await prod.upOk();
    expect(await digestOf(second, "octo/web:latest")).toBe(await digestOf(first, "octo/web:latest"));
    await validate(`${second.host}/octo/web:latest`);
  });
});

describe("a later version on stage", () => {
  beforeAll(async () => {
    await stage.commit(files("two"), "v1.3.0");
    await stage.upOk();
  });

  test("one image goes ahead; the other stays as it was promoted, without a change", async () => {
    prod.setConfig(prodConfig({ from: "stage", images: ["web"] }));
    const before = await digestOf(first, "octo/app:latest");
    const { text } = await prod.preview("--diff");
    expect(text).not.toMatch(/delete/);
    const up = await prod.upOk();
    expect(up).not.toMatch(/deleted/);
    expect(await digestOf(first, "octo/app:latest")).toBe(before);
    expect(await digestOf(first, "octo/web:latest")).toBe(await digestOf(stageRegistry, "staging/web:1.3.0"));
  });

  test("by statement: the older version is promoted anew without stage's state", async () => {
    const registry = { host: stageRegistry.host, namespace: "staging" };
    // Nothing is signed here, so the registry is trusted.
    const policy = { unverifiedContent: "warn" };
    const elsewhere = await stage.stackBeside({
      stack: "mirror",
      env: NO_BUILDER,
      config: {
        ...prodConfig({ statement: "v1.2.3", registry }, { policy }),
        registries: [{ host: first.host, namespace: "mirror" }],
      },
    });
    await elsewhere.upOk();
    expect(await digestOf(first, "mirror/app:latest")).toBe(
      await digestOf(stageRegistry, "staging/app:1.2.3"),
    );
    elsewhere.setConfig({
      ...prodConfig({ statement: "v9.9.9", registry }, { policy }),
      registries: [{ host: first.host, namespace: "mirror" }],
    });
    const { exitCode, text } = await elsewhere.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/v9\.9\.9 of app does not exist.*\[version-not-found\]/);
  });

  test("a digest that stage's registry lost is refused, and says what to do", async () => {
    await crane(
      "delete",
      `${stageRegistry.host}/staging/app@${await digestOf(stageRegistry, "staging/app:1.3.0")}`,
    );
    prod.setConfig(prodConfig({ from: "stage" }));
    const { exitCode, text } = await prod.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/is in none of .*staging\/app any more \[promotion-digest-gone\]/);
    expect(text).toContain("pulumi up --stack stage");
  });
});
