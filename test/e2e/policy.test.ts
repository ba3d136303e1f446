import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { crane } from "../support/crane";
import { Project } from "../support/project";
import { startRegistry, type TestRegistry } from "../support/registry";

const PACK = path.resolve(__dirname, "../../examples/policy-pack/run");

let registry: TestRegistry;
let project: Project;

beforeAll(async () => {
  registry = await startRegistry();
  project = await Project.create({ config: config({}) });
  await project.commit(
    {
      "app/Dockerfile": "FROM scratch\nCOPY content.txt /content.txt\n",
      "app/content.txt": "content\n",
      ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v6\n",
    },
    "v1.2.3",
  );
});

beforeEach(() => registry.forget());

afterAll(async () => {
  project?.remove();
  await registry?.stop();
});

function config(policy: object) {
  return {
    registries: [{ host: registry.host, namespace: "octo" }],
    images: [{ name: "app", context: "app", tags: ["type=semver,pattern={{version}}"] }],
    policy,
  };
}

function tags(): Promise<string> {
  return crane("ls", `${registry.host}/octo/app`).catch(() => "");
}

test("what the team's rules refuse is refused before anything is written, with the rule's setting", async () => {
  project.setConfig(
    config({ unpinnedAction: "refuse", requiredPlatforms: { platforms: ["linux/riscv64"] } }),
  );
  const { exitCode, text } = await project.up();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/The release is refused \(2 reasons\); nothing was written/);
  expect(text).toMatch(
    /ci\.yml: runs actions\/checkout@v6 \(line 5\), whose tag or branch can move \[policy-unpinned-action\]/,
  );
  expect(text).toMatch(/lacks linux\/riscv64 .+ \[policy-required-platforms\]/);
  expect(text).toMatch(/The rule is slipway:policy\.requiredPlatforms \(off, warn, refuse\)/);
  expect(await registry.writes()).toEqual([]);
});

test("the plan's JSON tells them by rule and level", async () => {
  project.setConfig(config({ prereleaseOnFloatingTag: "refuse" }));
  const { exitCode, text } = await project.slipway("plan", "--json");
  expect(exitCode, text).toBe(0);
  expect(JSON.parse(text)).toMatchObject({
    policy: [
      {
        rule: "unpinnedAction",
        level: "warn",
        code: "policy-unpinned-action",
        path: ".github/workflows/ci.yml",
      },
    ],
  });
});

test("a mandatory rule of the team's own pack stops up before a build or a tag, without a preview too", async () => {
  const { exitCode, text } = await project.up("--policy-pack", PACK);
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/\[mandatory\] +approved-registries +\(slipway:index:ImageRelease: release-app\)/);
  expect(text).toMatch(new RegExp(`app would go to ${registry.host}/octo/app; agreed are ghcr\\.io`));
  expect(text).not.toMatch(/docker-build:index:Image/);
  expect(await tags()).toBe("");
});

test("what its mandatory rules allow is released, and its advisory ones are shown", async () => {
  await project.commit({
    "pack.json": JSON.stringify({ "approved-registries": { hosts: [registry.host] } }),
  });
  await project.git("tag", "--force", "v1.2.3");
  const text = await project.upOk("--policy-pack", PACK, "--policy-pack-config", "pack.json");
  expect(text).toMatch(/\[advisory\] +versions-are-signed/);
  expect(text).toMatch(/app 1\.2\.3 would not be signed/);
  expect((await tags()).split("\n")).toContain("1.2.3");
  expect(await project.upOk()).toMatch(/Resources:\n +\d+ unchanged\n/);
});
