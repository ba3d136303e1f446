import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json";
import { crane } from "../support/crane";
import { GitHub } from "../support/github/start";
import { packedTarball } from "../support/packed";
import { startRegistry, type TestRegistry } from "../support/registry";

/**
 * `slipway init` in repositories as people have them, without a line of Slipway: what it writes works as it is, with the
 * package that `npm pack` makes.
 */
const ROOT = path.resolve(__dirname, "../..");

interface Sample {
  /** Whose sources it has. */
  readonly example: string;
  readonly remote: string;
  readonly flags?: readonly string[];
  /** Beside the sources. */
  readonly files?: Readonly<Record<string, string>>;
  /** What is released by which git tag, and the `repository:tag`s that prod has then. */
  readonly releases: readonly {
    readonly stage: string;
    readonly prod: string;
    readonly gitTag: string;
    readonly tags: readonly string[];
  }[];
  readonly workflows: readonly string[];
}

const PAIR = { stage: "stage", prod: "prod" };
const FOLDER = "release";

const SAMPLES: readonly Sample[] = [
  {
    example: "publish-container",
    remote: "https://github.com/octo/container.git",
    files: { "worker/Dockerfile": "FROM scratch\nCOPY job.txt /\n", "worker/job.txt": "job\n" },
    releases: [
      {
        ...PAIR,
        gitTag: "v1.2.3",
        tags: [
          "container:1.2.3",
          "container:1.2",
          "container:1",
          "container:latest",
          "container-worker:1.2.3",
        ],
      },
    ],
    workflows: [
      ".github/workflows/preview.yml",
      ".github/workflows/promote-prod.yml",
      ".github/workflows/release.yml",
    ],
  },
  {
    example: "release-docker-image",
    remote: "git@github.com:graysurf/agent-workspace-launcher.git",
    releases: [
      {
        ...PAIR,
        gitTag: "v1.2.3",
        tags: ["agent-workspace-launcher:1.2.3", "agent-workspace-launcher:latest"],
      },
    ],
    workflows: [".github/workflows/preview.yml", ".github/workflows/release.yml"],
  },
  {
    example: "docker-release-runbook",
    remote: "git@github.com:Cognary/Aionis.git",
    files: { "package.json": '{\n  "name": "aionis",\n  "version": "0.2.1",\n  "private": true\n}\n' },
    releases: [
      { ...PAIR, gitTag: "v0.2.1", tags: ["aionis:v0.2.1", "aionis:latest"] },
      {
        stage: "standalone-stage",
        prod: "standalone-prod",
        gitTag: "standalone-v0.2.1",
        tags: ["aionis:standalone-v0.2.1", "aionis:standalone-latest"],
      },
    ],
    workflows: [
      ".github/workflows/preview.yml",
      ".github/workflows/release.yml",
      ".github/workflows/release-standalone.yml",
      ".github/workflows/promote-standalone-prod.yml",
    ],
  },
  {
    example: "manual-host-publish",
    remote: "https://git.example.org/joakimp/opencode-devbox.git",
    files: { ".gitea/issue_template.md": "What happens?\n" },
    releases: [
      {
        ...PAIR,
        gitTag: "v1.15.12",
        tags: ["opencode-devbox:v1.15.12", "opencode-devbox:latest-omos", "opencode-devbox:base-latest"],
      },
    ],
    workflows: [".gitea/workflows/release.yml", ".gitea/workflows/promote-prod.yml"],
  },
  {
    example: "publish-services",
    remote: "git@github.com:octo/shop.git",
    releases: [
      {
        ...PAIR,
        gitTag: "2025.11.0",
        tags: ["langgraph:2025.11.0", "temporal-worker:2025.11.0", "api:2025.11.0"],
      },
    ],
    workflows: [".github/workflows/release.yml", ".github/workflows/promote-prod.yml"],
  },
];

let packed: string;
let installed: string;
let registry: TestRegistry;

beforeAll(async () => {
  packed = mkdtempSync(path.join(tmpdir(), "slipway-pack-"));
  cpSync(await packedTarball(), path.join(packed, tarball()));
  execFileSync("tar", ["xzf", path.join(packed, tarball()), "-C", packed]);
  installed = path.join(packed, "package");
  registry = await startRegistry();
}, 300_000);

afterAll(async () => {
  await registry?.stop();
  if (packed !== undefined) rmSync(packed, { recursive: true, force: true });
});

function tarball(): string {
  return `slipway-${packageJson.version}.tgz`;
}

test("the package has bundles and types, and neither sources nor tests", () => {
  for (const file of [
    "src/cli/slipway.js",
    "dist/components/index.js",
    "dist/types/components/index.d.ts",
    "LICENSE",
  ]) {
    expect(existsSync(path.join(installed, file)), file).toBe(true);
  }
  for (const file of ["index.ts", "test", "plan", "toolchain/start.mjs", "node_modules"]) {
    expect(existsSync(path.join(installed, file)), file).toBe(false);
  }
});

describe.each(SAMPLES)("the sources of $example", (sample) => {
  let repository: Repository;

  beforeAll(() => {
    repository = new Repository(sample);
  });

  afterAll(() => repository?.remove());

  const flags = () => [
    "--registry",
    `${registry.host}/init-${sample.example}`,
    "--package",
    `file:${path.join(packed, tarball())}`,
    ...(sample.flags ?? []),
  ];
  const at = (name: string) => path.join(repository.dir, FOLDER, name);
  const isUnchanged = async () => {
    const before = repository.git("status", "--porcelain", "--untracked-files=all");
    const again = await repository.init("--yes", ...flags());
    expect(again.text).toContain("Nothing to do");
    expect(again.exitCode).toBe(0);
    expect(repository.git("status", "--porcelain", "--untracked-files=all")).toBe(before);
  };

  test("init shows, then writes, then has nothing left to do", async () => {
    const before = repository.git("status", "--porcelain");
    const shown = await repository.init("--print", ...flags());
    expect(shown.exitCode, shown.text).toBe(0);
    expect(repository.git("status", "--porcelain")).toBe(before);

    const written = await repository.init("--yes", ...flags());
    expect(written.exitCode, written.text).toBe(0);
    expect(written.text).toContain("npm install");
    for (const { stage, prod } of sample.releases) {
      const publicKey = stage === "stage" ? "cosign.pub" : `cosign.${stage}.pub`;
      expect(written.text).toContain(`Key pair of ${stage}: ${publicKey} is public`);
      expect(readFileSync(at(publicKey), "utf8")).toContain("BEGIN PUBLIC KEY");
      expect(readFileSync(at(`Pulumi.${stage}.yaml`), "utf8")).toMatch(
        /slipway:sign:\n {4}key:\n {6}secure: v1:/,
      );
      expect(readFileSync(at(`Pulumi.${prod}.yaml`), "utf8")).toContain(`from: ${stage}`);
    }
    for (const file of sample.workflows) expect(existsSync(path.join(repository.dir, file)), file).toBe(true);
    await isUnchanged();
  }, 120_000);

  test("what a person adds stays", async () => {
    const files = ["index.ts", "Pulumi.stage.yaml", "tsconfig.json"];
    const texts = () => files.map((name) => readFileSync(at(name), "utf8"));
    const before = texts();
    writeFileSync(at("index.ts"), `// mine\n${before[0]}`);
    writeFileSync(
      at("Pulumi.stage.yaml"),
      `# mine\n${before[1]?.replace("requireTag: false", "requireTag: true")}`,
    );
    writeFileSync(at("tsconfig.json"), "{}\n");
    const changed = texts();
    await isUnchanged();
    expect(texts()).toEqual(changed);
    for (const [index, name] of files.entries()) writeFileSync(at(name), before[index] ?? "");
  }, 120_000);

  test("it installs", () => repository.install());

  // Pulumi checks each program with the options of its tsconfig.json; this checks the package's types as well.
  const isFirst = sample === SAMPLES[0];
  test.runIf(isFirst)(
    "the program compiles, strictly, with the types of its packages",
    async () => {
      const checked = await repository.run("npx", "--no", "--", "tsc", "-p", ".", "--skipLibCheck", "false");
      expect(checked.text).toBe("");
      expect(checked.exitCode).toBe(0);
    },
    120_000,
  );

  test("the workflow files are those of slipway workflows", async () => {
    const checked = await repository.run("npx", "--no", "slipway", "workflows", "--check");
    expect(checked.text).not.toContain("differs");
    expect(checked.exitCode, checked.text).toBe(0);
  }, 120_000);

  test("stage releases it, and prod promotes it by digest", async () => {
    repository.git("add", "--all");
    repository.git("commit", "--quiet", "--message", "Release with Slipway");
    for (const { stage, prod, gitTag, tags } of sample.releases) {
      repository.git("tag", gitTag);
      const planned = await repository.run("npx", "--no", "slipway", "plan", "--stack", stage);
      expect(planned.exitCode, planned.text).toBe(0);
      await repository.up(stage);
      await repository.pulumi("stack", "init", prod);
      const { text } = await repository.up(prod);
      expect(text).not.toContain("docker-build:index:Image");
      for (const tag of tags) {
        const place = `${registry.host}/init-${sample.example}`;
        const digest = (await crane("digest", `${place}/${tag}`)).trim();
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        expect((await crane("digest", `${place}/stage/${tag}`)).trim()).toBe(digest);
      }
      // The stacks are there already, with their keys and salts.
      expect(readFileSync(at(`Pulumi.${prod}.yaml`), "utf8")).toContain("encryptionsalt");
      await isUnchanged();
      repository.git("tag", "--delete", gitTag);
    }
  }, 600_000);
});

test("its setup stack sets the repository up, from the installed package", async () => {
  const [sample] = SAMPLES;
  if (sample === undefined) throw new Error("no sample");
  const token = "ghp_Aa0TokenOfTheSetupAa0";
  const tokens = { [token]: { login: "octo", scopes: ["repo", "workflow"] } };
  const github = await GitHub.start({ owner: "octo", repository: "container", tokens });
  const repository = new Repository(sample, { GITHUB_BASE_URL: github.url, GH_TOKEN: token });
  try {
    await repository.init("--yes", "--package", `file:${path.join(packed, tarball())}`);
    repository.install();
    await repository.pulumi("stack", "init", "setup");
    await repository.up("setup");
    expect(github.environments.names()).toEqual(["prod", "stage"]);
    expect(github.rulesets.all()).toHaveLength(1);
    expect(github.permissions.actions).toMatchObject({ sha_pinning_required: true });
    expect(github.requests.flatMap(({ problems }) => problems)).toEqual([]);
  } finally {
    repository.remove();
    await github.close();
  }
}, 300_000);

interface Result {
  readonly exitCode: number;
  readonly text: string;
}

/** A sample in a folder of its own, with state of its own. */
class Repository {
  readonly dir: string;
  readonly #project: string;
  readonly #state: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ example, remote, files = {} }: Sample, env: Readonly<Record<string, string>> = {}) {
    this.dir = mkdtempSync(path.join(tmpdir(), "slipway-init-"));
    this.#project = path.join(this.dir, FOLDER);
    this.#state = mkdtempSync(path.join(tmpdir(), "slipway-state-"));
    this.#env = {
      ...Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(?:GITHUB_|GHCR_|DOCKERHUB_|COSIGN_|CI_|npm_|RELEASE_TAG$)/.test(name),
        ),
      ),
      GIT_AUTHOR_NAME: "Test",
      GIT_AUTHOR_EMAIL: "test@example.com",
      GIT_COMMITTER_NAME: "Test",
      GIT_COMMITTER_EMAIL: "test@example.com",
      GIT_CONFIG_GLOBAL: "/dev/null",
      PULUMI_BACKEND_URL: `file://${this.#state}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      // Does not answer, so that no repository counts as public: nothing here can sign as a workflow.
      GITHUB_API_URL: "http://127.0.0.1:9",
      // The default generator is on Docker Hub, which no test asks.
      SLIPWAY_SBOM_GENERATOR: "false",
      // What is not in the package and its dependencies is not there at all.
      NODE_PATH: "",
      ...env,
    };
    const source = path.join(ROOT, "examples", example);
    const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: source, encoding: "utf8" }).split("\0");
    for (const file of tracked.filter((name) => name !== "" && !OF_SLIPWAY.test(name))) {
      cpSync(path.join(source, file), path.join(this.dir, file));
    }
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(this.dir, file)), { recursive: true });
      writeFileSync(path.join(this.dir, file), text);
    }
    for (const args of [
      ["init", "--quiet", "--initial-branch=main"],
      ["remote", "add", "origin", remote],
      ["add", "--all"],
      ["commit", "--quiet", "--message", "As it was"],
    ]) {
      execFileSync("git", args, { cwd: this.dir, env: this.#env });
    }
  }

  git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.dir, env: this.#env, encoding: "utf8" });
  }

  /** As `npx slipway init` runs it: the package's own command. */
  init(...args: string[]): Promise<Result> {
    const command = path.join(installed, "src/cli/slipway.js");
    linkDependencies(path.join(installed, "node_modules"));
    return this.#exec(process.execPath, [command, "init", ...args], this.dir);
  }

  /** In the project's folder. */
  run(command: string, ...args: string[]): Promise<Result> {
    return this.#exec(command, args, this.#project);
  }

  /** The command that init prints, without questions. */
  async up(stack: string): Promise<Result> {
    const engine = ["--yes", "--skip-preview", "--non-interactive"];
    const done = await this.run("npx", "--no", "slipway", "up", "--stack", stack, "--", ...engine);
    expect(done.exitCode, done.text).toBe(0);
    return done;
  }

  async pulumi(...args: string[]): Promise<Result> {
    const done = await this.run("pulumi", ...args, "--non-interactive");
    expect(done.exitCode, done.text).toBe(0);
    return done;
  }

  /** What `npm install` would do, without a network: the package and, beside it, what its package.json names. */
  install(): void {
    const modules = path.join(this.#project, "node_modules");
    const wanted: unknown = JSON.parse(readFileSync(path.join(this.#project, "package.json"), "utf8"));
    expect(JSON.stringify(wanted)).toContain(`"slipway":"file:${path.join(packed, tarball())}"`);
    linkDependencies(modules);
    cpSync(installed, path.join(modules, "slipway"), {
      recursive: true,
      filter: (file) => file !== path.join(installed, "node_modules"),
    });
    mkdirSync(path.join(modules, ".bin"));
    symlinkSync("../slipway/src/cli/slipway.js", path.join(modules, ".bin/slipway"));
    symlinkSync("../typescript/bin/tsc", path.join(modules, ".bin/tsc"));
  }

  remove(): void {
    for (const folder of [this.dir, this.#state]) rmSync(folder, { recursive: true, force: true });
  }

  #exec(command: string, args: readonly string[], cwd: string): Promise<Result> {
    return new Promise((resolve, reject) => {
      const options = { cwd, env: this.#env, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(command, args, options, (error, stdout, stderr) => {
        if (error !== null && child.exitCode === null) reject(error);
        else resolve({ exitCode: child.exitCode ?? 0, text: `${stdout}${stderr}` });
      });
      child.stdin?.end();
    });
  }
}

/** What the example has from Slipway, and init has to make. */
const OF_SLIPWAY =
  /(?:^|\/)(?:Pulumi\..*yaml|Pulumi\.yaml|index\.ts|tsconfig\.json|program\.js|package\.json|README\.md|\.gitignore)$|^\.(?:github|gitea|agents)\//;

function linkDependencies(modules: string): void {
  for (const name of [...Object.keys(packageJson.dependencies), "typescript", "@types/node"]) {
    const link = path.join(modules, name);
    if (existsSync(link)) continue;
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules", name), link);
  }
}
