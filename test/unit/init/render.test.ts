import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { additions } from "../../../cli/init/additions";
import { defaultAnswers } from "../../../cli/init/default-answers";
import { renderProject } from "../../../cli/init/render-project";
import { projectSettings } from "../../../cli/init/settings";
import type { Answers } from "../../../cli/init/shape";
import { writeAllOrNone } from "../../../cli/init/write-files";
import { readConfig } from "../../../config/read";
import { matches } from "../../../plan/pattern";
import { flags, someFacts } from "./facts";

const SCRATCH = "FROM scratch\n";
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  images: { Dockerfile: SCRATCH },
  lanes: { Dockerfile: SCRATCH, "Dockerfile.gpu": SCRATCH, "package.json": "{}" },
  variants: { "Dockerfile.base": "FROM scratch\nCOPY . /\n", "Dockerfile.variant": SCRATCH },
  fleet: { "services.list": "api\n", Dockerfile: "FROM scratch AS api\n" },
};

function answersFor(texts: Readonly<Record<string, string>>, given = flags()): Answers {
  return defaultAnswers(someFacts(texts), given, "1.2.3").answers;
}

describe("what is rendered", () => {
  test.each(Object.keys(SHAPES))("%s: the files say what the settings are, whatever their layout", (kind) => {
    const answers = answersFor(SHAPES[kind] ?? {});
    expect(answers.shape.kind).toBe(kind);
    const { shared, stacks } = projectSettings(answers);
    const files = new Map(
      renderProject(answers)
        .filter(({ path: file }) => file.endsWith(".yaml"))
        .map(({ path: file, text }) => [path.basename(file), parse(text)]),
    );
    const plain = (settings: object) =>
      JSON.parse(
        JSON.stringify(
          Object.fromEntries(Object.entries(settings).map(([key, value]) => [`slipway:${key}`, value])),
        ),
      );
    for (const { stack, settings } of stacks) {
      expect(files.get(`Pulumi.${stack}.yaml`)).toEqual({ config: plain(settings) });
    }
    const wrapped = Object.fromEntries(Object.entries(shared).map(([key, value]) => [key, { value }]));
    expect(files.get("Pulumi.yaml")?.config ?? {}).toEqual(plain(wrapped));
  });

  test("a repository on GitHub gets a stack that sets it up; --no-setup, Gitea and a lane of that name do not", () => {
    const has = (answers: Answers) =>
      renderProject(answers).some(({ path: file }) => file.endsWith("Pulumi.setup.yaml"));
    const image = { Dockerfile: SCRATCH };
    expect(has(answersFor(image))).toBe(true);
    expect(has(answersFor(image, flags({ setup: false })))).toBe(false);
    expect(has(answersFor(image, flags({ workflows: ["gitea"] })))).toBe(false);
    const lane = { ...image, "Dockerfile.setup": SCRATCH };
    expect(projectSettings(answersFor(lane)).stacks.map(({ stack }) => stack)).toEqual(["main", "setup"]);
    expect(
      additions(answersFor(lane), someFacts(lane))
        .map(({ text }) => text)
        .join(),
    ).not.toContain('image:setup"');
  });

  test.each([
    ["images", "release-docker.yml", {}],
    ["lanes", "docker-gpu-publish.yml", { stack: "gpu" }],
    ["fleet", "publish-services.yml", { stack: "stage" }],
  ])(
    "%s, signed keyless: what the workflow released is believed, and no other",
    (kind, file, { stack }: { stack?: string }) => {
      const answers = answersFor(SHAPES[kind] ?? {}, flags({ sign: "keyless" }));
      const { shared, stacks } = projectSettings(answers);
      const { settings } = stacks.find((one) => one.stack === (stack ?? "release")) ?? {};
      const config = readConfig({
        written: JSON.parse(JSON.stringify({ ...shared, ...settings })),
        env: {},
        secretKeys: [],
        readFile: () => "api\n",
      });
      const [signer] = config.sign.mode === "keyless" ? config.sign.trusted : [];
      const pattern = signer?.kind === "identity" ? signer.subject : "";
      const workflow = `https://github.com/Octo/App/.github/workflows/${file}`;
      expect(matches(pattern, `${workflow}@refs/tags/v1.2.3`)).toBe(true);
      expect(matches(pattern, `${workflow}@refs/heads/main`)).toBe(true);
      expect(matches(pattern, `${workflow}@refs/heads/main-2`)).toBe(false);
      expect(matches(pattern, `${workflow}@refs/pull/1/merge`)).toBe(false);
      expect(matches(pattern, `${workflow.replace(".yml", "xyml")}@refs/heads/main`)).toBe(false);
      expect(matches(pattern, `https://github.com/octo/fork/.github/workflows/${file}@refs/tags/v1`)).toBe(
        false,
      );
    },
  );

  test("keyless is the default of a public repository on GitHub alone; a stack's own key stays", () => {
    const image = { Dockerfile: SCRATCH };
    const modeOf = (given: ReturnType<typeof flags>, changes: object, texts = image) =>
      defaultAnswers(someFacts(texts, changes), given, "1.2.3").answers.sign;
    expect(modeOf(flags(), { isPublic: true })).toBe("keyless");
    expect(modeOf(flags(), { isPublic: false })).toBe("key");
    expect(modeOf(flags({ workflows: ["github", "gitea"] }), { isPublic: true })).toBe("key");
    expect(modeOf(flags({ sign: "none" }), { isPublic: true })).toBe("none");
    const sign = { key: { secure: "v1:abc" }, publicKeyFile: "release/cosign.pub" };
    const stack = stringify({ config: { "slipway:sign": sign } });
    const signed = { ...image, "release/Pulumi.yaml": "", "release/Pulumi.release.yaml": stack };
    expect(modeOf(flags(), { isPublic: true }, signed)).toBe("key");
    const { answers } = defaultAnswers(someFacts(signed), flags(), "1.2.3");
    expect(projectSettings(answers).stacks[0]?.settings.sign).toEqual(sign);
  });

  test("words of any kind come back as they were", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (value, branch) => {
        const answers = answersFor({ "services.list": "api\n", Dockerfile: "FROM scratch AS api\n" });
        const rendered = renderProject({
          ...answers,
          branch,
          shape: { ...(answers.shape.kind === "fleet" ? answers.shape : never()), buildArgs: { A: value } },
        }).find(({ path: file }) => file.endsWith("Pulumi.stage.yaml"));
        const config = parse(rendered?.text ?? "").config;
        expect(config["slipway:services"].buildArgs).toEqual({ A: value });
        expect(config["slipway:github"].workflows.deploy.branches).toEqual([branch]);
      }),
    );
  });

  test("a project in a folder reaches the repository by its root", () => {
    expect(projectSettings(answersFor({ Dockerfile: SCRATCH })).shared).toEqual({ root: ".." });
    const deep = answersFor({ Dockerfile: SCRATCH }, flags({ folder: "tools/release/" }));
    expect(projectSettings(deep).shared).toEqual({ root: "../.." });
    expect(projectSettings(answersFor({ Dockerfile: SCRATCH, "package.json": "{}" })).shared).toEqual({});
  });
});

function never(): never {
  throw new Error("no fleet");
}

describe("what is added to a person's files", () => {
  const added = (texts: Readonly<Record<string, string>>, file: string) =>
    additions(
      answersFor({ Dockerfile: SCRATCH, ...texts }),
      someFacts({ Dockerfile: SCRATCH, ...texts }),
    ).find((one) => one.path === file)?.text;

  test("package.json keeps its words, its order and its indentation", () => {
    const text = '{\n\t"name": "app",\n\t"scripts": {\n\t\t"image:plan": "mine"\n\t},\n\t"zebra": 1\n}\n';
    const parsed = JSON.parse(added({ "package.json": text }, "package.json") ?? "");
    expect(Object.keys(parsed)).toEqual(["name", "scripts", "zebra", "devDependencies"]);
    expect(parsed.scripts["image:plan"]).toBe("mine");
    expect(parsed.scripts["image:release"]).toContain("pulumi up --stack release");
    expect(parsed.devDependencies).toEqual({ slipway: "^1.2.3" });
    expect(added({ "package.json": text }, "package.json")).toContain('\n\t"name"');
  });

  test("a dependency that is there already stays", () => {
    const text = '{ "dependencies": { "slipway": "0.0.1" } }';
    expect(JSON.parse(added({ "package.json": text }, "package.json") ?? "")).not.toHaveProperty(
      "devDependencies",
    );
  });

  test.each([
    ["none", undefined, "# Slipway\n.git\n.github\nrelease\n"],
    ["a list of what is left out", "*.md\n.git\n", "*.md\n.git\n\n# Slipway\n.github\nrelease\n"],
    ["without a last line's end", "*.md", "*.md\n\n# Slipway\n.git\n.github\nrelease\n"],
    ["a list of what is let in", "*\n!src\n", undefined],
    ["all of it", ".git*\nrelease/\n", undefined],
  ])(".dockerignore: %s", (_, found, expected) => {
    expect(added(found === undefined ? {} : { ".dockerignore": found }, ".dockerignore")).toBe(expected);
  });

  test("a Dockerfile's own ignore file is the one that counts", () => {
    expect(added({ "Dockerfile.dockerignore": "*.md\n" }, "Dockerfile.dockerignore")).toContain("release");
  });

  test("in a context of another folder there is nothing to leave out", () => {
    const texts = { "api/Dockerfile": SCRATCH };
    const files = additions(answersFor(texts), someFacts(texts)).map((file) => file.path);
    expect(files).toEqual(["release/package.json", "release/.gitignore"]);
  });
});

describe("all files or none", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "slipway-write-"));
    writeFileSync(path.join(dir, "old"), "before\n");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const files = [
    { path: "old", text: "after\n" },
    { path: "new/deep/file", text: "new\n" },
  ];

  test("all", async () => {
    await writeAllOrNone(dir, files, new AbortController().signal);
    expect(readFileSync(path.join(dir, "old"), "utf8")).toBe("after\n");
    expect(readdirSync(path.join(dir, "new/deep"))).toEqual(["file"]);
  });

  test("none, where one has no place", async () => {
    mkdirSync(path.join(dir, "taken"));
    const wrong = [...files, { path: "taken", text: "" }];
    await expect(writeAllOrNone(dir, wrong, new AbortController().signal)).rejects.toThrow();
    expect(readFileSync(path.join(dir, "old"), "utf8")).toBe("before\n");
    expect(readdirSync(dir).sort()).toEqual(["old", "taken"]);
  });

  test("none, where it is a rename that fails", async () => {
    mkdirSync(path.join(dir, "folder"));
    writeFileSync(path.join(dir, "blocker"), "");
    const wrong = [...files, { path: "blocker/file", text: "" }];
    await expect(writeAllOrNone(dir, wrong, new AbortController().signal)).rejects.toThrow();
    expect(readFileSync(path.join(dir, "old"), "utf8")).toBe("before\n");
    expect(existsSync(path.join(dir, "new"))).toBe(false);
  });

  test("none, after an interruption", async () => {
    const stop = new AbortController();
    stop.abort(new Error("interrupted"));
    await expect(writeAllOrNone(dir, files, stop.signal)).rejects.toThrow("interrupted");
    expect(readdirSync(dir)).toEqual(["old"]);
  });
});
