import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { crane } from "../support/crane";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

/** Nothing that could build: no builder known to buildx, no Docker, no address of BuildKit. */
const NO_BUILDER = {
  BUILDX_CONFIG: "/nonexistent/buildx",
  DOCKER_HOST: "tcp://127.0.0.1:1",
  BUILDKIT_HOST: "",
};

interface Example {
  /** Folder below examples/. */
  readonly example: string;
  readonly stack: string;
  readonly namespace: string;
  /** Two git tags, the older first, and what a rollback calls the older one and the newer one. */
  readonly gitTags: readonly [string, string];
  readonly versions: readonly [string, string];
  /** A file whose change changes the content. */
  readonly file: string;
  /** `repository:tag`s that move with the release, and the version tags that they follow, older and newer. */
  readonly floating: Readonly<Record<string, readonly [string, string]>>;
  /** `repository:tag`s that move with the release and follow no version tag. */
  readonly along?: readonly string[];
  /** Settings beside the example's own, by their keys below `config`. */
  readonly more?: readonly (readonly [key: readonly string[], value: unknown])[];
}

const EXAMPLES: readonly Example[] = [
  {
    example: "docker-release-runbook",
    stack: "main",
    namespace: "cognary",
    gitTags: ["docker-v0.2.1", "docker-v0.2.2"],
    versions: ["v0.2.1", "v0.2.2"],
    file: "src/server.mjs",
    floating: { "aionis:latest": ["v0.2.1", "v0.2.2"] },
  },
  {
    example: "docker-release-runbook",
    stack: "standalone",
    namespace: "cognary",
    gitTags: ["standalone-v0.2.1", "standalone-v0.2.2"],
    versions: ["standalone-v0.2.1", "standalone-v0.2.2"],
    file: "src/standalone.mjs",
    floating: { "aionis:standalone-latest": ["standalone-v0.2.1", "standalone-v0.2.2"] },
  },
  {
    example: "manual-host-publish",
    stack: "prod",
    namespace: "joakimp",
    gitTags: ["v1.15.12", "v1.15.12b"],
    versions: ["v1.15.12", "v1.15.12b"],
    file: "rootfs/etc/motd",
    floating: {
      "opencode-devbox:latest": ["v1.15.12", "v1.15.12b"],
      "opencode-devbox:latest-omos": ["v1.15.12-omos", "v1.15.12b-omos"],
    },
    along: ["opencode-devbox:base-latest"],
  },
  {
    example: "pi-devbox",
    stack: "prod",
    namespace: "joakimp",
    gitTags: ["v0.3.0", "v0.3.1"],
    versions: ["v0.3.0", "v0.3.1"],
    file: "pi.txt",
    floating: { "pi-devbox:latest": ["v0.3.0", "v0.3.1"] },
  },
  {
    example: "publish-services",
    stack: "stage",
    namespace: "",
    gitTags: ["2025.11.0", "2025.11.1"],
    versions: ["2025.11.0", "2025.11.1"],
    file: "services/langgraph/main.js",
    floating: {
      "langgraph:latest": ["2025.11.0", "2025.11.1"],
      "temporal-worker:latest": ["2025.11.0", "2025.11.1"],
    },
    // A fleet is deployed by its tag; with a floating one beside it there is something to roll back.
    more: [
      [["slipway:images", "langgraph"], { flavor: ["latest=true"] }],
      [["slipway:images", "temporal-worker"], { flavor: ["latest=true"] }],
    ],
  },
  {
    example: "publish-container",
    stack: "release",
    namespace: "octo",
    gitTags: ["v1.2.3", "v1.2.4"],
    versions: ["v1.2.3", "v1.2.4"],
    file: "src/main",
    floating: {
      "container:latest": ["1.2.3", "1.2.4"],
      "container:1": ["1.2.3", "1.2.4"],
      "container:1.2": ["1.2.3", "1.2.4"],
    },
  },
  {
    example: "release-docker-image",
    stack: "release",
    namespace: "graysurf",
    gitTags: ["v1.2.3", "v1.2.4"],
    versions: ["v1.2.3", "v1.2.4"],
    file: "bin/agent-workspace-launcher",
    floating: { "agent-workspace-launcher:latest": ["v1.2.3", "v1.2.4"] },
  },
];

let npm: NpmRegistry;

beforeAll(async () => {
  npm = await startNpmRegistry({ "oh-my-opencode-slim": "1.4.2", "@mariozechner/pi-coding-agent": "0.10.2" });
});

afterAll(() => npm?.stop());

describe.each(EXAMPLES)("$example, stack $stack", (row) => {
  const [older, newer] = row.gitTags;
  let home: TestRegistry;
  let away: TestRegistry;
  let project: Project;
  let promoted: Project;
  const first = new Map<string, string>();

  beforeAll(async () => {
    [home, away] = await Promise.all([startRegistry(), startRegistry()]);
    const registries = [{ host: home.host, ...(row.namespace === "" ? {} : { namespace: row.namespace }) }];
    project = await Project.fromExample({ example: row.example, stack: row.stack, registries });
    for (const [key, value] of row.more ?? []) set(key, value);
    await project.commit({ ".npmrc": npm.npmrc }, older);
    expect((await project.pulumi("stack", "init")).exitCode).toBe(0);
  });

  afterAll(async () => {
    project?.remove();
    await Promise.all([home?.stop(), away?.stop()]);
  });

  function set(key: readonly string[], value: unknown, stack = row.stack): void {
    const from = path.join(project.dir, `Pulumi.${row.stack}.yaml`);
    const document = parseDocument(readFileSync(from, "utf8"));
    document.setIn(["config", ...key], value);
    writeFileSync(path.join(project.dir, `Pulumi.${stack}.yaml`), document.toString());
  }

  const at = (registry: TestRegistry, name: string) =>
    crane("digest", [registry.host, row.namespace, name].filter((part) => part !== "").join("/"));

  /** Every floating tag shares its digest with the version tag that it should follow. */
  async function expectFollowed(registry: TestRegistry, which: 0 | 1): Promise<void> {
    for (const [name, versions] of Object.entries(row.floating)) {
      const repository = name.slice(0, name.indexOf(":"));
      const followed = await at(registry, `${repository}:${versions[which]}`);
      expect(await at(registry, name), name).toBe(followed);
    }
  }

  async function expectNothing(registry: TestRegistry, run: () => Promise<string>): Promise<void> {
    await registry.forget();
    expect(await run()).toMatch(/Resources:\n +\d+ unchanged\n/);
    expect((await registry.writes()).map(({ method, path: to }) => `${method} ${to}`)).toEqual([]);
  }

  test("releases, and a second up changes and writes nothing", async () => {
    await project.upOk();
    await expectFollowed(home, 0);
    for (const name of row.along ?? []) first.set(name, await at(home, name));
    await expectNothing(home, () => project.upOk());
  });

  test("releases again, with other content", async () => {
    const changed = path.join(project.dir, row.file);
    await project.commit({ [row.file]: `${readFileSync(changed, "utf8")}\n// changed\n` }, newer);
    await project.upOk();
    await expectFollowed(home, 1);
    for (const [name, before] of first) expect(await at(home, name), name).not.toBe(before);
  });

  test("is promoted by digest to another registry, with no builder", async () => {
    set(["slipway:promote"], { from: row.stack }, "promoted");
    const file = path.join(project.dir, "Pulumi.promoted.yaml");
    const document = parseDocument(readFileSync(file, "utf8"));
    const registries = [{ host: away.host, ...(row.namespace === "" ? {} : { namespace: row.namespace }) }];
    document.setIn(["config", "slipway:registries"], registries);
    writeFileSync(file, document.toString());
    promoted = await project.stackBeside({ stack: "promoted", env: NO_BUILDER });
    await promoted.upOk();
    await expectFollowed(away, 1);
    for (const name of Object.keys(row.floating)) expect(await at(away, name)).toBe(await at(home, name));
    await expectNothing(away, () => promoted.upOk());
  });

  test("rolls back by digest, building nothing and rewriting no version", async () => {
    const [to, bad] = row.versions;
    set(["slipway:rollback"], { to, bad: [bad] });
    await home.forget();
    const { exitCode, text } = await project.preview();
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/rollback, holds until a version newer than/);
    expect(await home.writes()).toEqual([]);
    const up = await project.upOk();
    expect(up).not.toMatch(/\+ +docker-build:index:Image/);
    await expectFollowed(home, 0);
    for (const [name, before] of first) expect(await at(home, name), name).toBe(before);
    for (const [name, versions] of Object.entries(row.floating)) {
      const repository = name.slice(0, name.indexOf(":"));
      expect(await at(home, `${repository}:${versions[1]}`)).toBe(
        await at(away, `${repository}:${versions[1]}`),
      );
    }
    await expectNothing(home, () => project.upOk());
  });
});
