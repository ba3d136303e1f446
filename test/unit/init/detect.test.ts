import path from "node:path";
import { describe, expect, test } from "vitest";
import { defaultAnswers, defaultDockerfiles } from "../../../src/cli/init/default-answers";
import { detectShape, dockerfileFacts, leftOut, missingArgs } from "../../../src/cli/init/detect";
import type { RepositoryFacts } from "../../../src/cli/init/facts";
import { flags, someFacts } from "./facts";

const SCRATCH = "FROM scratch\n";
const PROJECT = "plugins: { providers: [{ name: slipway-registry }] }\n";

describe("what a repository releases", () => {
  const found = (texts: Readonly<Record<string, string>>, changes: Partial<RepositoryFacts> = {}) => {
    const facts = someFacts(texts, changes);
    return detectShape(facts, defaultDockerfiles(facts), "app");
  };

  test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    ["one Dockerfile", { Dockerfile: SCRATCH }, { app: "Dockerfile" }],
    ["a Containerfile", { Containerfile: SCRATCH }, { app: "Containerfile" }],
    ["one in a folder", { "server/Dockerfile": SCRATCH }, { app: "server/Dockerfile" }],
    [
      "several folders",
      { "api/Dockerfile": SCRATCH, "Web UI/Dockerfile": SCRATCH },
      { "app-web-ui": "Web UI/Dockerfile", "app-api": "api/Dockerfile" },
    ],
    [
      "names that OCI allows, and one that it does not",
      { "my_app/Dockerfile": SCRATCH, "app.js/Dockerfile": SCRATCH, "_x.-y/Dockerfile": SCRATCH },
      {
        "app-my_app": "my_app/Dockerfile",
        "app-app.js": "app.js/Dockerfile",
        "app-x-y": "_x.-y/Dockerfile",
      },
    ],
    [
      "the root and folders",
      { Dockerfile: SCRATCH, "worker/Dockerfile": SCRATCH },
      { app: "Dockerfile", "app-worker": "worker/Dockerfile" },
    ],
    [
      "every usual name",
      {
        Dockerfile: SCRATCH,
        "proxy.Dockerfile": SCRATCH,
        "docker/Dockerfile.alpine": SCRATCH,
        "api/Containerfile": SCRATCH,
      },
      {
        app: "Dockerfile",
        "app-api": "api/Containerfile",
        "app-alpine": "docker/Dockerfile.alpine",
        "app-proxy": "proxy.Dockerfile",
      },
    ],
    [
      "the same word twice",
      { "api/Dockerfile": SCRATCH, "docker/api/Dockerfile": SCRATCH },
      { "app-api-dockerfile": "api/Dockerfile", "app-docker-api-dockerfile": "docker/api/Dockerfile" },
    ],
    [
      "Dockerfile.<name> beside others is an image",
      { Dockerfile: SCRATCH, "Dockerfile.gpu": SCRATCH, "worker/Dockerfile": SCRATCH },
      { app: "Dockerfile", "app-gpu": "Dockerfile.gpu", "app-worker": "worker/Dockerfile" },
    ],
  ])("%s", (_, texts, images) => {
    const shape = found(texts);
    const released = shape?.kind === "images" ? shape.images : [];
    expect(
      Object.fromEntries(
        released.map(({ name, context, dockerfile }) => [name, path.posix.join(context, dockerfile)]),
      ),
    ).toEqual(images);
  });

  test.each([
    ["its own folder", { "api/Dockerfile": "FROM scratch\nCOPY main.js /\n", "api/main.js": "" }, "api"],
    [
      "the root, which has what is copied",
      { "api/Dockerfile": "FROM scratch\nCOPY api/main.js /\n", "api/main.js": "" },
      ".",
    ],
    ["the root, for a folder of Dockerfiles alone", { "docker/Dockerfile": "FROM scratch\nCOPY . /\n" }, "."],
  ])("the context is %s", (_, texts, context) => {
    expect(found(texts)).toMatchObject({ images: [{ context }] });
  });

  test("what is not released is listed with its reason", () => {
    const texts = {
      Dockerfile: SCRATCH,
      Containerfile: SCRATCH,
      "Dockerfile.dev": SCRATCH,
      "Dockerfile.dockerignore": "",
      "Dockerfile.tmpl": SCRATCH,
      ".devcontainer/Dockerfile": SCRATCH,
      "vendor/x/Dockerfile": SCRATCH,
    };
    const shape = found(texts);
    expect(shape).toMatchObject({ kind: "images", images: [{ name: "app" }] });
    expect(shape && leftOut(Object.keys(texts).sort(), shape)).toEqual([
      { file: ".devcontainer/Dockerfile", reason: expect.stringContaining("development") },
      { file: "Containerfile", reason: "Dockerfile is beside it" },
      { file: "Dockerfile.dev", reason: expect.stringContaining("development") },
      { file: "Dockerfile.tmpl", reason: expect.stringContaining("template") },
      { file: "vendor/x/Dockerfile", reason: expect.stringContaining("another project") },
    ]);
  });

  test("Dockerfile.standalone is a lane", () => {
    expect(found({ Dockerfile: SCRATCH, "Dockerfile.standalone": SCRATCH })).toEqual({
      kind: "lanes",
      image: { name: "app", context: ".", dockerfile: "Dockerfile", buildArgs: {} },
      lanes: [
        { name: "main", dockerfile: "Dockerfile", format: "vX.Y.Z", floating: "latest", trigger: "v*" },
        {
          name: "standalone",
          dockerfile: "Dockerfile.standalone",
          format: "standalone-vX.Y.Z",
          floating: "standalone-latest",
          trigger: "standalone-v*",
        },
      ],
    });
  });

  test("the main lane's trigger follows the existing tags", () => {
    expect(
      found({ Dockerfile: SCRATCH, "Dockerfile.gpu": SCRATCH }, { tags: ["docker-v1.0.0"] }),
    ).toMatchObject({
      lanes: [{ trigger: "docker-v*" }, { trigger: "gpu-v*" }],
    });
  });

  test("Dockerfile.base and Dockerfile.variant are a base and its variants", () => {
    expect(
      found({
        "Dockerfile.base":
          "FROM scratch\nCOPY rootfs/ /\nCOPY ./entrypoint.sh entrypoint-user.sh /bin/\nCOPY --from=x /a /b\n",
        "Dockerfile.variant":
          "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nARG INSTALL_APP=true\nARG INSTALL_OH_MY=false\n",
        "rootfs/etc/motd": "",
        "entrypoint.sh": "",
        "entrypoint-user.sh": "",
      }),
    ).toMatchObject({
      kind: "variants",
      base: { dockerfile: "Dockerfile.base", include: ["rootfs/**", "entrypoint.sh", "entrypoint-user.sh"] },
      variants: [
        { suffix: "", buildArgs: {} },
        { suffix: "-oh-my", buildArgs: { INSTALL_OH_MY: "true" } },
      ],
    });
  });

  test.each([
    ["a stage for each", "FROM scratch AS api\nFROM scratch AS worker\n", undefined],
    ["an argument", "FROM scratch\nARG SERVICE\n", "SERVICE"],
  ])("services.list is an image for each line, built by %s", (_, dockerfile, arg) => {
    const shape = found({
      "infra/services.list": "api\nworker # slow\n",
      "infra/Dockerfile": dockerfile,
      "services/api/main.js": "",
      "services/worker/main.js": "",
    });
    expect(shape).toMatchObject({
      kind: "services",
      list: "infra/services.list",
      names: ["api", "worker"],
      dockerfile: "infra/Dockerfile",
      folder: "services/",
    });
    expect(shape?.kind === "services" ? shape.arg : "no services").toBe(arg);
  });

  test("a build argument is read from VERSIONS.env if it has the key, and reported if it has no value", () => {
    const facts = someFacts({
      Dockerfile: "FROM scratch\nARG KIT_REF\nARG OTHER\nARG TARGETARCH\nARG LEVEL=3\n",
      "VERSIONS.env": "# pins\nKIT_REF=v1\nUNUSED=2\n",
    });
    const shape = detectShape(facts, ["Dockerfile"], "app");
    expect(shape).toMatchObject({ images: [{ buildArgs: { KIT_REF: { file: "VERSIONS.env" } } }] });
    expect(shape && missingArgs(facts, shape)).toEqual([
      "OTHER has no value in Dockerfile: --build-arg OTHER=…",
    ]);
  });

  test("nothing, without a Dockerfile", () => {
    expect(found({ "README.md": "" })).toBeUndefined();
  });
});

describe("registries, workflows and folder", () => {
  const answers = (facts: Partial<RepositoryFacts>, given = flags(), texts = {}) =>
    defaultAnswers(someFacts({ Dockerfile: SCRATCH, ...texts }, facts), given, "1.2.3");

  test.each([
    ["git@github.com:Octo/App.git", [{ host: "ghcr.io", namespace: "octo", optional: false }], "Octo/App"],
    [
      "https://user:secret@github.com/Octo/App",
      [{ host: "ghcr.io", namespace: "octo", optional: false }],
      "Octo/App",
    ],
    [
      "https://git.example.org/team/App.git",
      [{ host: "docker.io", namespace: "team", optional: false }],
      undefined,
    ],
  ])("%s", (remote, registries, repository) => {
    const found = answers({ remote });
    expect(found.registries).toEqual(registries);
    expect(found.repository).toBe(repository);
    expect(found.name).toBe("app");
    expect(found.packageSpec).toBe("^1.2.3");
  });

  test("Docker Hub beside GHCR is optional", () => {
    expect(answers({}, flags({ dockerHub: "octo" })).registries).toEqual([
      { host: "ghcr.io", namespace: "octo", optional: false },
      { host: "docker.io", namespace: "octo", optional: true },
    ]);
  });

  test.each([
    ["GitHub's remote", {}, {}, ["github"]],
    [".gitea alone", {}, { ".gitea/workflows/a.yml": "" }, ["gitea"]],
    [
      "both folders",
      {},
      { ".gitea/workflows/a.yml": "", ".github/workflows/b.yml": "" },
      ["github", "gitea"],
    ],
    ["another server", { remote: "https://gitlab.com/octo/app" }, {}, []],
  ])("workflows: %s", (_, facts, texts, hosts) => {
    expect(answers(facts, flags(), texts).hosts).toEqual(hosts);
  });

  test("a workflow of the same name is kept, unless Slipway wrote it", () => {
    const texts = (text: string) => ({ ".github/workflows/release.yml": text });
    expect(answers({}, flags(), texts("on: push\n")).workflowFiles.release).toBe("slipway-release.yml");
    const made =
      "# Made by `slipway workflows` from Pulumi.stage.yaml: change the settings there and run it again.\n";
    expect(answers({}, flags(), texts(made)).workflowFiles.release).toBe("release.yml");
  });

  test.each([
    ["npm packages", { "package.json": "{}" }, {}, "release"],
    ["a project in the root", { "Pulumi.yaml": PROJECT }, {}, "."],
    ["a release folder with other files", { "release/notes.md": "" }, {}, "slipway"],
    ["a release folder of its own", { "release/Pulumi.yaml": PROJECT }, {}, "release"],
    ["a release folder that git ignores", {}, { ignoredFolders: ["release"] }, "slipway"],
  ])("the project's folder with %s", (_, texts, facts, folder) => {
    expect(answers(facts, flags(), texts).folder).toBe(folder);
  });

  test.each([
    ["no remote", { remote: undefined }, {}, "--registry"],
    ["an image without a Dockerfile", {}, { image: ["api=api"] }, "there is no Dockerfile at api"],
    ["an unknown host of workflows", {}, { workflows: ["gitlab"] }, "--workflows gitlab"],
    ["a lane without a Dockerfile", {}, { lane: ["gpu"] }, "Dockerfile.gpu"],
    ["a build argument without a value", {}, { buildArg: ["A"] }, "--build-arg A"],
  ])("refused: %s", (_, facts, given, message) => {
    const { remote: _remote, ...without } = someFacts({ Dockerfile: SCRATCH });
    const asked =
      "remote" in facts ? without : { ...without, remote: "git@github.com:octo/app.git", ...facts };
    expect(() => defaultAnswers(asked, flags(given), "1.2.3")).toThrow(message);
  });

  test("flags name images, lanes and arguments", () => {
    const several = answers(
      {},
      flags({ image: ["api=services/api", "web=web"], buildArg: ["A=1", "B=npm:left-pad"] }),
      { "services/api/Dockerfile": SCRATCH, "web/Dockerfile": SCRATCH },
    );
    expect(several.shape).toMatchObject({
      kind: "images",
      images: [
        { name: "api", context: "services/api", buildArgs: { A: "1", B: { latestOf: "npm:left-pad" } } },
        { name: "web", context: "web" },
      ],
    });
    const lanes = answers({}, flags({ lane: ["main", "gpu=docker/gpu"] }), { "docker/gpu": SCRATCH });
    expect(lanes.shape).toMatchObject({
      kind: "lanes",
      lanes: [{ name: "main" }, { dockerfile: "docker/gpu" }],
    });
    const none = answers({}, flags({ lanes: false }), { "Dockerfile.gpu": SCRATCH });
    expect(none.shape).toMatchObject({ kind: "images", images: [{ name: "app" }, { name: "app-gpu" }] });
  });
});

test("a Dockerfile's arguments, stages and sources", () => {
  const found = dockerfileFacts(
    'ARG A\nFROM scratch AS one\nARG A=1 B\nCOPY ["x y", "/z"]\nADD https://example.org/a ./b /c\nCOPY --chown=1 src/ $DIR /d\n',
  );
  expect([...found.args]).toEqual([
    ["A", "1"],
    ["B", null],
  ]);
  expect(found.stages).toEqual(["one"]);
  expect(found.sources).toEqual(["b", "src/"]);
});
