import { describe, expect, test } from "vitest";
import { defaultAnswers } from "../../../cli/init/default-answers";
import { detectShape } from "../../../cli/init/detect-shape";
import { dockerfileFacts } from "../../../cli/init/dockerfile-facts";
import type { RepositoryFacts } from "../../../cli/init/facts";
import { flags, someFacts } from "./facts";

const SCRATCH = "FROM scratch\n";

describe("what a repository releases", () => {
  test.each([
    ["one Dockerfile", { Dockerfile: SCRATCH }, [{ name: "app", context: "." }]],
    ["one in a folder", { "server/Dockerfile": SCRATCH }, [{ name: "app", context: "server" }]],
    [
      "several in folders",
      { "api/Dockerfile": SCRATCH, "Web UI/Dockerfile": SCRATCH },
      [
        { name: "app-web-ui", context: "Web UI" },
        { name: "app-api", context: "api" },
      ],
    ],
    [
      "the root before folders",
      { Dockerfile: SCRATCH, "api/Dockerfile": SCRATCH },
      [{ name: "app", context: "." }],
    ],
    [
      "no development container",
      { ".devcontainer/Dockerfile": SCRATCH, "api/Dockerfile": SCRATCH },
      [{ name: "app", context: "api" }],
    ],
    [
      "no Dockerfile for tests",
      { Dockerfile: SCRATCH, "Dockerfile.test": SCRATCH, "Dockerfile.dev": SCRATCH },
      [{ name: "app", context: "." }],
    ],
  ])("%s", (_, texts, images) => {
    expect(detectShape(someFacts(texts), "app")?.shape).toMatchObject({ kind: "images", images });
  });

  test("Dockerfile.standalone is a lane", () => {
    const facts = someFacts({ Dockerfile: SCRATCH, "Dockerfile.standalone": SCRATCH });
    expect(detectShape(facts, "app")?.shape).toEqual({
      kind: "lanes",
      image: { name: "app", context: ".", buildArgs: {} },
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

  test("the main lane is released by the tags that there are", () => {
    const facts = someFacts({ Dockerfile: SCRATCH, "Dockerfile.gpu": SCRATCH }, { tags: ["docker-v1.0.0"] });
    expect(detectShape(facts, "app")?.shape).toMatchObject({
      lanes: [{ trigger: "docker-v*" }, { trigger: "gpu-v*" }],
    });
  });

  test("Dockerfile.base and Dockerfile.variant are a base and its variants", () => {
    const facts = someFacts({
      "Dockerfile.base":
        "FROM scratch\nCOPY rootfs/ /\nCOPY ./entrypoint.sh entrypoint-user.sh /bin/\nCOPY --from=x /a /b\n",
      "Dockerfile.variant":
        "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nARG INSTALL_APP=true\nARG INSTALL_OH_MY=false\n",
      "rootfs/etc/motd": "",
      "entrypoint.sh": "",
      "entrypoint-user.sh": "",
    });
    expect(detectShape(facts, "app")?.shape).toMatchObject({
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
  ])("services.list is a fleet, built by %s", (_, dockerfile, arg) => {
    const facts = someFacts({
      "infra/services.list": "api\nworker # slow\n",
      "infra/Dockerfile": dockerfile,
      "services/api/main.js": "",
      "services/worker/main.js": "",
    });
    const shape = detectShape(facts, "app")?.shape;
    expect(shape).toMatchObject({
      kind: "fleet",
      list: "infra/services.list",
      dockerfile: "infra/Dockerfile",
      context: "services/{{name}}",
    });
    expect(shape?.kind === "fleet" ? shape.arg : "no fleet").toBe(arg);
  });

  test("a build argument with a key in VERSIONS.env is read from there, one without a value is told", () => {
    const facts = someFacts({
      Dockerfile: "FROM scratch\nARG KIT_REF\nARG OTHER\nARG TARGETARCH\nARG LEVEL=3\n",
      "VERSIONS.env": "# pins\nKIT_REF=v1\nUNUSED=2\n",
    });
    const found = detectShape(facts, "app");
    expect(found?.shape).toMatchObject({ images: [{ buildArgs: { KIT_REF: { file: "VERSIONS.env" } } }] });
    expect(found?.notes.filter((note) => note.includes("has no value"))).toEqual([
      "OTHER has no value in Dockerfile: --build-arg OTHER=…",
    ]);
  });

  test("nothing to build is nothing", () => {
    expect(detectShape(someFacts({ "README.md": "" }), "app")).toBeUndefined();
  });
});

describe("where images go and who runs the workflows", () => {
  const answers = (facts: Partial<RepositoryFacts>, given = flags(), texts = {}) =>
    defaultAnswers(someFacts({ Dockerfile: SCRATCH, ...texts }, facts), given, "1.2.3").answers;

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

  test("a workflow of the same name stays; one that Slipway made is its own", () => {
    const texts = (text: string) => ({ ".github/workflows/release-docker.yml": text });
    expect(answers({}, flags(), texts("on: push\n")).workflowFiles.release).toBe(
      "slipway-release-docker.yml",
    );
    const made =
      "# Made by `slipway workflows` from Pulumi.release.yaml: change the settings there and run it again.\n";
    expect(answers({}, flags(), texts(made)).workflowFiles.release).toBe("release-docker.yml");
  });

  test.each([
    ["npm packages", { "package.json": "{}" }, {}, "."],
    ["no package.json", {}, {}, "release"],
    ["pnpm's packages", { "package.json": "{}", "pnpm-lock.yaml": "" }, {}, "release"],
    ["ES modules", { "package.json": '{"type": "module"}' }, {}, "release"],
    ["a release folder of somebody else", { "release/notes.md": "" }, {}, "slipway"],
    ["a release folder of its own", { "release/Pulumi.yaml": "" }, {}, "release"],
    ["a release folder that git ignores", {}, { ignoredFolders: ["release"] }, "slipway"],
  ])("the project's folder, with %s", (_, texts, facts, folder) => {
    expect(answers(facts, flags(), texts).folder).toBe(folder);
  });

  test.each([
    ["no remote", { remote: undefined }, {}, "--registry"],
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
    expect(none.shape.kind).toBe("images");
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
