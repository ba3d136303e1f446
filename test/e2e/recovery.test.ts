import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crane } from "../support/crane";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { upKilledAt } from "../support/killed-engine";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";
import { SETTINGS_PROGRAM } from "../support/settings-program";

const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];

let registry: TestRegistry;
let proxy: FaultProxy;
let project: Project;

beforeEach(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.host);
  project = await Project.create({
    config: {
      registries: [{ host: proxy.host, namespace: "octo" }],
      images: [
        { name: "app", context: "app", platforms: ["linux/amd64"], tags: TAGS },
        { name: "web", context: "web", platforms: ["linux/amd64"], tags: TAGS },
      ],
    },
  });
  await release("1.0.0");
});

afterEach(async () => {
  project?.remove();
  await proxy?.stop();
  await registry?.stop();
});

async function commit(version: string): Promise<void> {
  await project.commit(
    Object.fromEntries(
      ["app", "web"].flatMap((name) => [
        [`${name}/Dockerfile`, "FROM scratch\nCOPY content.txt /content.txt\n"],
        [`${name}/content.txt`, `${name} ${version}\n`],
      ]),
    ),
    `v${version}`,
  );
}

async function release(version: string): Promise<void> {
  await commit(version);
  await project.upOk();
}

function digestOf(reference: string): Promise<string> {
  return crane("digest", `${registry.host}/octo/${reference}`);
}

async function expectReleased(version: string): Promise<void> {
  for (const name of ["app", "web"]) {
    const digest = await digestOf(`${name}:${version}`);
    for (const tag of ["1", "latest"])
      expect(await digestOf(`${name}:${tag}`), `${name}:${tag}`).toBe(digest);
  }
}

/** Tags that were written, in order, and uploads that were begun. */
async function written(): Promise<{ tags: string[]; uploads: number }> {
  const writes = await registry.writes();
  return {
    tags: writes
      .filter(({ method, status }) => method === "PUT" && status < 300)
      .flatMap(
        ({ path }) => /\/v2\/octo\/(\w+)\/manifests\/([^/:]+)$/.exec(path)?.slice(1, 3).join(":") ?? [],
      )
      .filter((tag) => !/:(sha256-|candidate-|sha-)/.test(tag)),
    uploads: writes.filter(({ path, method }) => method === "PUT" && path.includes("/blobs/uploads/")).length,
  };
}

describe("a registry that fails at a tag until retries are used up", () => {
  test("leaves wider tags where they were; the same up completes the rest and does nothing twice", async () => {
    const before = await digestOf("app:latest");
    await commit("1.1.0");
    const failing = {
      method: "PUT",
      path: /\/manifests\/1\.1$/,
      fault: { kind: "answer", status: 500 },
    } as const;
    const mend = proxy.inject(failing);
    await registry.forget();
    const failed = await project.up();
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toMatch(/answered 500|500/);
    expect(await digestOf("app:1.1.0")).not.toBe(before);
    for (const name of ["app", "web"]) {
      for (const tag of ["1", "latest"]) {
        expect(await digestOf(`${name}:${tag}`)).toBe(await digestOf(`${name}:1.0.0`));
      }
    }
    mend();
    await registry.forget();
    const text = await project.upOk();
    expect(text).not.toMatch(/building with|exporting/);
    const { tags, uploads } = await written();
    expect(uploads).toBe(0);
    expect([...tags].sort()).toEqual(["app:1", "app:1.1", "app:latest", "web:1", "web:1.1", "web:latest"]);
    expect(tags.slice(-2).every((tag) => tag.endsWith(":latest"))).toBe(true);
    await expectReleased("1.1.0");
    await registry.forget();
    await project.upOk();
    expect((await registry.writes()).map(({ path }) => path)).toEqual([]);
  });

  test("tag 3 of 6: what is set stays set, and preview says what is left", async () => {
    await commit("1.1.0");
    const mend = proxy.inject({
      method: "PUT",
      path: /\/octo\/app\/manifests\/1\.1$/,
      fault: { kind: "answer", status: 503 },
    });
    expect((await project.up()).exitCode).not.toBe(0);
    const web = await digestOf("web:1.1");
    expect(web).toBe(await digestOf("web:1.1.0"));
    mend();
    const { text } = await project.preview();
    expect(text).toMatch(/no build, 1\.1\.0 is released/);
    expect(text).toMatch(/ {4} 1\.1\.0 .*unchanged/);
    expect(text).toMatch(/\+ 1\.1 +new →/);
    expect(text).toMatch(/~ latest .*\(1\.0\.0\) → sha256:\w{12} \(1\.1\.0\)/);
    await project.upOk();
    await expectReleased("1.1.0");
  });
});

describe("an engine that is killed", () => {
  test.each([
    ["the program reads", { method: "GET", path: /\/v2\// }],
    ["the provider writes", { method: "PUT", path: /\/octo\/app\/manifests\/1\.1\.0$/ }],
  ])("leaves neither program nor provider behind while %s", async (_, request) => {
    await commit("1.1.0");
    await upKilledAt(project, proxy, request);
  });

  test("ends a program that goes on to print, and waits for something else", async () => {
    // Each line that cannot be written is an uncaught error, of which the SDK tells the engine.
    const chatty = `setInterval(() => console.log("still here"), 10);\n${SETTINGS_PROGRAM}`;
    await project.commit({ "program.js": chatty });
    await commit("1.1.0");
    await upKilledAt(project, proxy, { method: "GET", path: /\/v2\// });
  });
});

describe("killed in the middle", () => {
  const moments: [string, RegExp][] = [
    ["at the first upload of a manifest", /\/manifests\/sha256:/],
    ["at a version tag", /\/octo\/app\/manifests\/1\.1\.0$/],
    ["at latest", /\/octo\/app\/manifests\/latest$/],
  ];
  /** `slipway up` lets the engine write the state of a large release once, at the end. */
  const atEnd = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };
  test.each([
    ...moments.map(([name, path]) => ({ name, path, env: {} })),
    ...moments.map(([name, path]) => ({ name: `${name}, with state written at the end`, path, env: atEnd })),
  ])("$name: pulumi cancel, then the same up converges", async ({ path, env }) => {
    await commit("1.1.0");
    await upKilledAt(project, proxy, { method: "PUT", path }, { env });
    const locked = await project.up();
    expect(locked.exitCode).not.toBe(0);
    expect(locked.text).toMatch(/pulumi cancel/);
    const cancelled = await project.pulumi("cancel", "--yes");
    expect(cancelled.exitCode, cancelled.text).toBe(0);
    await project.upOk();
    await expectReleased("1.1.0");
    await registry.forget();
    const text = await project.upOk();
    expect(text).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect((await registry.writes()).map((entry) => entry.path)).toEqual([]);
  });
});
