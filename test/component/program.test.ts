import { expect, test } from "vitest";
import { ghcr, Promotion, Release, type ReleaseArgs, RepositorySetup, stackSettings } from "../../components";
import { runProgram } from "../../src/testing";
import { STATEMENT_DIGEST } from "../../src/testing/record";

const ARGS: ReleaseArgs = {
  registries: [ghcr("octo")],
  images: {
    api: {
      context: "api",
      tags: ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}"],
      sbom: false,
    },
  },
};
const FILES = { "api/Dockerfile": "FROM scratch\nCOPY api.txt /\n", "api/api.txt": "1" };
const API = "ghcr.io/octo/api";

const program = async () => new Release("release", await Release.plan(ARGS)).outputs;

test("a version creates its tag, and moves the floating ones of its line", async () => {
  const { tags, text, resources } = await runProgram(program, {
    files: FILES,
    git: { tag: "v1.2.3" },
    registries: {
      [API]: { "1.2.2": { version: "1.2.2" }, "1": { version: "1.2.2" }, latest: { version: "1.2.2" } },
    },
  });
  expect(tags).toMatchObject({ [`${API}:1.2.3`]: "create", [`${API}:1`]: "move", [`${API}:latest`]: "move" });
  expect(text).toContain("1.2.2");
  expect(resources.some(({ type }) => type === "docker-build:index:Image")).toBe(true);
});

test("a backport leaves latest where it is", async () => {
  const { tags } = await runProgram(program, {
    files: FILES,
    git: { tag: "v1.9.4" },
    registries: { [API]: { "2.0.0": { version: "2.0.0" }, latest: { version: "2.0.0" } } },
  });
  expect(tags).toMatchObject({
    [`${API}:1.9.4`]: "create",
    [`${API}:1`]: "create",
    [`${API}:latest`]: "keep",
  });
});

test("every refusal and every mistake is one error, and nothing is registered", async () => {
  const taken = { [API]: { "1.2.3": { version: "1.2.3", revision: "b".repeat(40) } } };
  await expect(
    runProgram(program, { files: FILES, git: { tag: "v1.2.3" }, registries: taken }),
  ).rejects.toThrow(/1\.2\.3/);
  const mistaken = async () =>
    new Release("release", await Release.plan({ ...ARGS, images: { api: { tags: ["type=nonsense"] } } }));
  await expect(runProgram(mistaken, { files: FILES })).rejects.toThrow(/tags\[0\]/);
});

test("settings of the stack win over code, and a program can read them", async () => {
  const { tags, outputs } = await runProgram(
    async () => {
      new Release("release", await Release.plan(ARGS));
      return stackSettings().registries;
    },
    {
      files: FILES,
      git: { tag: "v1.2.3" },
      settings: { registries: [{ host: "localhost:5000", namespace: "shop" }] },
    },
  );
  expect(Object.keys(tags)).toContain("localhost:5000/shop/api:1.2.3");
  expect(outputs).toEqual([{ host: "localhost:5000", namespace: "shop" }]);
});

test("a preview writes no file, and a statement is known after an up", async () => {
  const { outputs } = await runProgram(
    async () => new Release("release", await Release.plan({ ...ARGS, artifacts: "out" })).manifest,
    { files: FILES, git: { tag: "v1.2.3" } },
  );
  expect(JSON.stringify(await new Promise((resolve) => Object(outputs).apply(resolve)))).toContain(
    STATEMENT_DIGEST,
  );
});

test("two releases in one program have a plan each", async () => {
  const { plans } = await runProgram(
    async () => {
      new Release("shop", await Release.plan(ARGS));
      new Release(
        "tools",
        await Release.plan({
          ...ARGS,
          images: { tool: { context: "api", sbom: false } },
          artifacts: "tools",
        }),
      );
    },
    { files: FILES, git: { tag: "v1.2.3" } },
  );
  expect(plans.map(({ images }) => images.map(({ name }) => name))).toEqual([["api"], ["tool"]]);
});

test("a promotion of a stack without a release is refused", async () => {
  const never = runProgram(
    async () => new Promotion("release", await Promotion.plan({ ...ARGS, promote: { from: "stage" } })),
    { files: FILES, stack: "prod", settings: { policy: { unverifiedContent: "warn" } } },
  );
  await expect(never).rejects.toThrow(/promotion-never-released/);
});

test("a setup has the environments, secrets and files that the program gives as values", async () => {
  const { setups, resources } = await runProgram(
    async () => {
      const plan = await RepositorySetup.plan({
        repository: "octo/app",
        token: "token",
        environments: { prod: { secrets: { TOKEN: "hush" } } },
        tagRules: true,
        files: [{ path: "NOTES.md", content: "hello\n" }],
      });
      new RepositorySetup("repository", plan, {}, async ({ name }) => ({ keyId: "1", box: name }));
    },
    { files: {}, settings: { github: { setup: true } } },
  );
  expect(Object.keys(setups[0]?.items ?? {})).toContain("environment prod/secret TOKEN");
  expect(resources.map(({ name }) => name)).toContain("repository-files-NOTES.md");
  expect(JSON.stringify(resources)).not.toContain("hush");
});
