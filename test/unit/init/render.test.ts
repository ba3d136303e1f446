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
import ts from "typescript";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../../package.json";
import { defaultAnswers } from "../../../src/cli/init/default-answers";
import type { RepositoryFacts } from "../../../src/cli/init/facts";
import { additions } from "../../../src/cli/init/planned-files";
import { programText, releaseArgs } from "../../../src/cli/init/program";
import type { Answers } from "../../../src/cli/init/shape";
import { pulumiYaml, sharedSettings, stackSettings, stackYaml } from "../../../src/cli/init/stacks";
import { writeAllOrNone } from "../../../src/cli/repository-files";
import { listEntries } from "../../../src/inputs/project-files";
import { matches } from "../../../src/plan/trust";
import { readConfig } from "../../../src/settings/read";
import { flags, someFacts } from "./facts";

const SCRATCH = "FROM scratch\n";
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  images: { Dockerfile: SCRATCH, "worker/Dockerfile": SCRATCH },
  lanes: { Dockerfile: SCRATCH, "Dockerfile.gpu": SCRATCH },
  variants: {
    "Dockerfile.base": "FROM scratch\nCOPY . /\n",
    "Dockerfile.variant": "FROM scratch\nARG INSTALL_X=false\n",
  },
  services: {
    "services.list": "api # first\n\nweb\n",
    Dockerfile: "FROM scratch\nARG SERVICE\n",
    "apps/api/a": "",
    "apps/web/a": "",
  },
};

function answersFor(
  texts: Readonly<Record<string, string>>,
  given = flags(),
  changes: Partial<RepositoryFacts> = {},
): Answers {
  return defaultAnswers(someFacts(texts, changes), given, "1.2.3");
}

/** Runs the generated program. @returns what it passes to `Release.plan` */
async function argsOf(answers: Answers, texts: Readonly<Record<string, string>>): Promise<unknown> {
  const { outputText } = ts.transpileModule(programText(answers), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  let given: unknown;
  const modules: Readonly<Record<string, unknown>> = {
    slipway: {
      readList: (file: string) => listEntries(texts[path.posix.join(answers.folder, file)] ?? ""),
      stackSettings: () => ({}),
      Release: class {
        readonly outputs = {};
        static plan(args: unknown) {
          given = args;
        }
      },
    },
  };
  const program: { exports?: unknown } = {};
  new Function("require", "module", "exports", outputText)((name: string) => modules[name], program, {});
  if (typeof program.exports === "function") await program.exports();
  return given;
}

describe("the program", () => {
  test.each(
    Object.keys(SHAPES).flatMap((kind) =>
      (["key", "keyless", "none"] as const).map((sign) => [kind, sign] as const),
    ),
  )(
    "%s, signed by %s: it plans with the arguments from which the workflow files are generated",
    async (kind, sign) => {
      const texts = SHAPES[kind] ?? {};
      const answers = answersFor(texts, flags({ sign, buildArg: ["A=1", "KIT=npm:left-pad"] }));
      expect(answers.shape.kind).toBe(kind);
      expect(await argsOf(answers, texts)).toEqual(releaseArgs(answers));
      expect(programText(answers).split("\n").length).toBeLessThan(60);
    },
  );

  test("any text survives in the generated code", async () => {
    const texts = { Dockerfile: SCRATCH };
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), fc.string(), async (name, value) => {
        fc.pre(name !== "__proto__");
        const answers = answersFor(texts);
        const image = { name: "app", context: value, dockerfile: "Dockerfile", buildArgs: { [name]: value } };
        const changed = { ...answers, shape: { kind: "images" as const, images: [image] } };
        expect(await argsOf(changed, texts)).toEqual(releaseArgs(changed));
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ["images", "release.yml", "stage"],
    ["lanes", "release-gpu.yml", "gpu-stage"],
    ["services", "release.yml", "prod"],
  ])(
    "%s, signed keyless: %s is trusted in this repository, and no other workflow or branch",
    (kind, file, stack) => {
      const answers = answersFor(SHAPES[kind] ?? {}, flags({ sign: "keyless" }));
      const { settings } = stackSettings(answers).find((one) => one.stack === stack) ?? {};
      const config = readConfig({
        written: { ...sharedSettings(answers), ...settings },
        code: releaseArgs(answers),
        env: {},
        secretKeys: [],
      });
      const signers = config.sign.mode === "keyless" ? config.sign.trusted : [];
      const isTrusted = (subject: string) =>
        signers.some((signer) => signer.kind === "identity" && matches(signer.subject, subject));
      const workflow = `https://github.com/Octo/App/.github/workflows/${file}`;
      expect(isTrusted(`${workflow}@refs/tags/v1.2.3`)).toBe(true);
      expect(isTrusted(`${workflow}@refs/heads/main`)).toBe(true);
      expect(isTrusted(`${workflow}@refs/heads/main-2`)).toBe(false);
      expect(isTrusted(`${workflow}@refs/pull/1/merge`)).toBe(false);
      expect(isTrusted(`${workflow.replace(".yml", "xyml")}@refs/heads/main`)).toBe(false);
      expect(isTrusted(`https://github.com/octo/fork/.github/workflows/${file}@refs/tags/v1`)).toBe(false);
    },
  );

  test("keyless is the default for a public repository only on GitHub; an existing program keeps its mode", () => {
    const image = { Dockerfile: SCRATCH };
    const modeOf = (given: ReturnType<typeof flags>, isPublic: boolean, texts = {}) =>
      answersFor({ ...image, ...texts }, given, { isPublic }).sign;
    expect(modeOf(flags(), true)).toBe("keyless");
    expect(modeOf(flags(), false)).toBe("key");
    expect(modeOf(flags({ workflows: ["github", "gitea"] }), true)).toBe("key");
    expect(modeOf(flags({ sign: "none" }), true)).toBe("none");
    const project = (mode: "key" | "keyless") => {
      const answers = answersFor(image, flags({ sign: mode }));
      return { "release/Pulumi.yaml": pulumiYaml(answers), "release/index.ts": programText(answers) };
    };
    expect(modeOf(flags(), true, project("key"))).toBe("key");
    expect(modeOf(flags(), false, project("keyless"))).toBe("keyless");
  });
});

describe("the stacks", () => {
  test.each(Object.keys(SHAPES))("%s: the files contain exactly the settings", (kind) => {
    const answers = answersFor(SHAPES[kind] ?? {});
    for (const stack of stackSettings(answers)) {
      const written = Object.entries(stack.settings).map(([key, value]) => [`slipway:${key}`, value]);
      expect(parse(stackYaml(stack))).toEqual({ config: Object.fromEntries(written) });
    }
  });

  test("prod promotes what stage released, and verifies stage's signature", () => {
    const stacks = Object.fromEntries(
      stackSettings(answersFor(SHAPES.lanes ?? {})).map(({ stack, settings }) => [stack, settings]),
    );
    expect(Object.keys(stacks)).toEqual(["stage", "prod", "gpu-stage", "gpu-prod", "setup"]);
    expect(stacks["gpu-prod"]).toMatchObject({
      lane: "gpu",
      registries: [{ host: "ghcr.io", namespace: "octo" }],
      promote: { from: "gpu-stage", verify: { keyFile: "release/cosign.gpu-stage.pub" } },
      requireTag: true,
    });
    expect(stacks["gpu-stage"]).toMatchObject({
      registries: [{ host: "ghcr.io", namespace: "octo/stage" }],
      requireTag: false,
    });
  });

  test("a repository on GitHub gets a stack setup, except with --no-setup or Gitea", () => {
    const has = (answers: Answers) => stackSettings(answers).some(({ stack }) => stack === "setup");
    const image = { Dockerfile: SCRATCH };
    expect(has(answersFor(image))).toBe(true);
    expect(has(answersFor(image, flags({ setup: false })))).toBe(false);
    expect(has(answersFor(image, flags({ workflows: ["gitea"] })))).toBe(false);
  });

  test("a project in a folder has the repository's root as its root", () => {
    const image = { Dockerfile: SCRATCH };
    expect(sharedSettings(answersFor(image))).toEqual({ root: ".." });
    expect(sharedSettings(answersFor(image, flags({ folder: "tools/release/" })))).toEqual({ root: "../.." });
    expect(sharedSettings(answersFor(image, flags({ folder: "." })))).toEqual({});
    expect(parse(pulumiYaml(answersFor(image)))).toMatchObject({
      runtime: "nodejs",
      plugins: { providers: [{ name: "slipway-registry", path: "node_modules/slipway/src/provider" }] },
      config: { "slipway:root": { value: ".." } },
    });
  });
});

describe("what is added to the user's files", () => {
  const added = (texts: Readonly<Record<string, string>>, file: string, given = flags()) =>
    additions(
      answersFor({ Dockerfile: SCRATCH, ...texts }, given),
      someFacts({ Dockerfile: SCRATCH, ...texts }),
    ).find((one) => one.path === file)?.text;

  test("package.json keeps its entries, order, indentation and versions", () => {
    const text = '{\n\t"name": "app",\n\t"dependencies": {\n\t\t"typescript": "6"\n\t},\n\t"zebra": 1\n}\n';
    const made = added({ "package.json": text }, "package.json", flags({ folder: "." })) ?? "";
    const parsed = JSON.parse(made);
    expect(Object.keys(parsed)).toEqual(["name", "dependencies", "zebra", "devDependencies"]);
    expect(parsed.dependencies).toEqual({
      "@pulumi/pulumi": packageJson.dependencies["@pulumi/pulumi"],
      slipway: "^1.2.3",
      typescript: "6",
    });
    expect(parsed.devDependencies).toEqual({ "@types/node": packageJson.devDependencies["@types/node"] });
    expect(made).toContain('\n\t"name"');
    expect(added({ "package.json": made }, "package.json", flags({ folder: "." }))).toBeUndefined();
  });

  test.each([
    ["missing", undefined, "# Slipway\n.git\n.github\nrelease\n"],
    ["a list of exclusions", "*.md\n.git\n", "*.md\n.git\n\n# Slipway\n.github\nrelease\n"],
    ["without a final newline", "*.md", "*.md\n\n# Slipway\n.git\n.github\nrelease\n"],
    ["a list of inclusions", "*\n!src\n", undefined],
    ["complete", ".git*\nrelease/\n", undefined],
  ])(".dockerignore: %s", (_, found, expected) => {
    expect(added(found === undefined ? {} : { ".dockerignore": found }, ".dockerignore")).toBe(expected);
  });

  test.each([
    ["COPY . /app", true],
    ["COPY . /app\nRUN npm ci && npm run build", true],
    ["COPY src /src\nRUN git clone https://example.com/x", true],
    ["COPY .git/HEAD /app/", false],
    ["COPY src .git /app/", false],
    ["RUN --mount=type=bind,source=.git,target=.git make", false],
    ["COPY . /app\nRUN make VERSION=$(git describe --tags)", false],
    ["COPY . /app\nRUN git -C /app rev-parse HEAD > /version", false],
  ])("leaves .git out of the context unless the Dockerfile reads it: %s", (lines, isIgnored) => {
    const text = added({ Dockerfile: `FROM scratch\n${lines}\n` }, ".dockerignore");
    expect(text?.split("\n").includes(".git")).toBe(isIgnored);
  });

  test("a Dockerfile's own ignore file is used", () => {
    expect(added({ "Dockerfile.dockerignore": "*.md\n" }, "Dockerfile.dockerignore")).toContain("release");
  });

  test("a context in another folder gets no ignore file", () => {
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

  test("none, if one path is a folder", async () => {
    mkdirSync(path.join(dir, "taken"));
    const wrong = [...files, { path: "taken", text: "" }];
    await expect(writeAllOrNone(dir, wrong, new AbortController().signal)).rejects.toThrow();
    expect(readFileSync(path.join(dir, "old"), "utf8")).toBe("before\n");
    expect(readdirSync(dir).sort()).toEqual(["old", "taken"]);
  });

  test("none, if one cannot be renamed", async () => {
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
