import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parseDocument, stringify } from "yaml";
import { manifestAmong } from "../../src/plan/manifest";
import { isRecord } from "../../src/plan/record";
import { packSlipway } from "./packed";
import { SETTINGS_PROGRAM } from "./settings-program";

const run = promisify(execFile);
const REPOSITORY = path.resolve(__dirname, "../..");

export interface EngineResult {
  readonly exitCode: number;
  /** Standard output and error, in that order. */
  readonly text: string;
}

export interface ProjectOptions {
  /** `slipway:*` configuration, keys without the prefix. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly stack?: string;
  /** Variables that every command sees. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExampleOptions {
  /** Folder below examples/. */
  readonly example: string;
  /** The stack of `preview`, `up` and `pulumi`. */
  readonly stack: string;
  /** In place of the registries that the example's program names. Default: those. */
  readonly registries?: readonly object[];
  /** Variables that every command sees. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Somebody's repository that releases with Slipway: a folder with git, a Pulumi project that runs this checkout's
 * program through the real engine, and state of its own.
 */
export class Project {
  readonly dir: string;
  readonly stack: string;
  readonly #env: NodeJS.ProcessEnv;
  /** What `remove` removes: the project, or the folders that it stands in. */
  readonly #root: string;
  readonly #state: string;

  /** @param from the repository of another project, cloned: the same commits in another folder, and no state */
  static async create(options: ProjectOptions, from?: Project): Promise<Project> {
    const project = new Project(options);
    if (from === undefined) {
      await project.git("init", "--quiet", "--initial-branch=main");
    } else {
      await run("git", ["clone", "--quiet", from.dir, project.dir]);
    }
    project.#writeProjectFiles(options.config);
    await project.#pulumiOk("stack", "init", project.stack);
    return project;
  }

  /**
   * Another stack of the same project: the same folder, commits and state. `remove` of the first removes both. Without
   * `config` its file is there already.
   */
  async stackBeside(options: Partial<ProjectOptions>): Promise<Project> {
    const beside = new Project(options, { root: this.#root, dir: this.dir, state: this.#state });
    if (options.config !== undefined) beside.setConfig(options.config);
    await beside.#pulumiOk("stack", "init", beside.stack);
    return beside;
  }

  /**
   * A copy of an example as it is, in a git repository of its own, with the package that `npm pack` makes installed.
   * Nothing is committed, and no stack exists: the example's own scripts make it.
   *
   * @param from the repository of another project, cloned: the same commits in another folder, and no state
   */
  static async fromExample(options: ExampleOptions, from?: Project): Promise<Project> {
    const { example, stack, registries, env = {} } = options;
    const project = new Project({ stack, env });
    if (from === undefined) {
      const source = path.join(REPOSITORY, "examples", example);
      const made = ["node_modules", "artifacts"].map((name) => path.join(source, name));
      cpSync(source, project.dir, { recursive: true, filter: (file) => !made.includes(file) });
      await project.git("init", "--quiet", "--initial-branch=main");
    } else {
      await run("git", ["clone", "--quiet", from.dir, project.dir]);
    }
    await packSlipway(project.dir);
    if (registries !== undefined) project.set({ registries });
    // Fulcio and Rekor are out of a test's reach.
    if (readFileSync(project.#stackFile, "utf8").includes("keyless")) project.set({ sign: { mode: "none" } });
    return project;
  }

  private constructor({ stack = "stage", env = {} }: Omit<ProjectOptions, "config">, place = newPlace()) {
    this.stack = stack;
    this.#root = place.root;
    this.dir = place.dir;
    this.#state = place.state;
    this.#env = {
      ...withoutReleaseVariables(process.env),
      GIT_AUTHOR_NAME: "Test",
      GIT_AUTHOR_EMAIL: "test@example.com",
      GIT_COMMITTER_NAME: "Test",
      GIT_COMMITTER_EMAIL: "test@example.com",
      GIT_CONFIG_GLOBAL: "/dev/null",
      // The default generator is on Docker Hub, which no test asks.
      SLIPWAY_SBOM_GENERATOR: "false",
      PULUMI_BACKEND_URL: `file://${this.#state}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      ...env,
    };
  }

  /** Writes files, commits everything and, where a tag is given, tags the commit. */
  async commit(files: Readonly<Record<string, string>>, tag?: string): Promise<string> {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.dir, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      if (content.startsWith("#!")) chmodSync(file, 0o755);
    }
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", tag ?? "change");
    if (tag !== undefined) await this.git("tag", tag);
    return (await this.git("rev-parse", "HEAD")).trim();
  }

  async git(...args: string[]): Promise<string> {
    const { stdout } = await run("git", args, { cwd: this.dir, env: this.#env });
    return stdout;
  }

  /** For processes that a test starts by itself, to end them by itself. */
  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  preview(...args: string[]): Promise<EngineResult> {
    return this.pulumi("preview", "--non-interactive", ...args);
  }

  up(...args: string[]): Promise<EngineResult> {
    return this.pulumi("up", "--yes", "--non-interactive", "--skip-preview", ...args);
  }

  /** Like `up`, but a failure of the engine fails the test with its output. */
  async upOk(...args: string[]): Promise<string> {
    const { exitCode, text } = await this.up(...args);
    if (exitCode !== 0) throw new Error(`pulumi up failed (${exitCode}):\n${text}`);
    return text;
  }

  async pulumi(...args: string[]): Promise<EngineResult> {
    return this.#run("pulumi", [...args, "--stack", this.stack], this.#env);
  }

  /** With more variables, for one command. */
  async pulumiWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<EngineResult> {
    return this.#run("pulumi", [...args, "--stack", this.stack], { ...this.#env, ...env });
  }

  /** What the release of this stack keeps in its state. */
  async manifest(): Promise<unknown> {
    const { text } = await this.pulumi("stack", "export");
    const { deployment }: { deployment: { resources: { outputs?: Record<string, unknown> }[] } } =
      JSON.parse(text);
    return manifestAmong(
      deployment.resources.map(({ outputs = {} }) => outputs),
      [],
    );
  }

  /** Any command in the project's folder, with more variables: its npm scripts, its own shell scripts. */
  run(env: Readonly<Record<string, string>>, command: string, ...args: string[]): Promise<EngineResult> {
    return this.#run(command, args, { ...this.#env, ...env });
  }

  /** Nothing is signed where the settings do not say how: most tests are about something else. */
  setConfig(config: Readonly<Record<string, unknown>>): void {
    const { github } = config;
    const isSetup = isRecord(github) && github.setup === true;
    const entries = Object.entries({ ...(isSetup ? {} : { sign: { mode: "none" } }), ...config }).map(
      ([key, value]) => [`slipway:${key}`, value],
    );
    writeFileSync(this.#stackFile, stringify({ config: Object.fromEntries(entries) }));
  }

  /** Adds settings to the stack's file, where they win over the program's; undefined removes one. */
  set(settings: Readonly<Record<string, unknown>>): void {
    const file = this.#stackFile;
    const document = parseDocument(readFileSync(file, "utf8"));
    for (const [key, value] of Object.entries(settings)) {
      const at = ["config", `slipway:${key}`];
      if (value === undefined) document.deleteIn(at);
      else document.setIn(at, value);
    }
    writeFileSync(file, document.toString());
  }

  /** The command line of this checkout, run in the project. */
  slipway(...args: string[]): Promise<EngineResult> {
    return this.#run(process.execPath, [path.join(REPOSITORY, "src/cli/slipway.js"), ...args], this.#env);
  }

  /** With more variables, for one command. */
  slipwayWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<EngineResult> {
    return this.#run(process.execPath, [path.join(REPOSITORY, "src/cli/slipway.js"), ...args], {
      ...this.#env,
      ...env,
    });
  }

  remove(): void {
    for (const folder of [this.#root, this.#state]) rmSync(folder, { recursive: true, force: true });
  }

  get #stackFile(): string {
    return path.join(this.dir, `Pulumi.${this.stack}.yaml`);
  }

  async #pulumiOk(...args: string[]): Promise<void> {
    const { exitCode, text } = await this.#run("pulumi", args, this.#env);
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${text}`);
  }

  async #run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<EngineResult> {
    return new Promise((resolve, reject) => {
      const options = { cwd: this.dir, env, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(command, args, options, (error, stdout, stderr) => {
        const text = `${stdout}${stderr}`;
        if (error !== null && child.exitCode === null) reject(error);
        else resolve({ exitCode: child.exitCode ?? 0, text });
      });
      child.stdin?.end();
    });
  }

  #writeProjectFiles(config: ProjectOptions["config"]): void {
    const runtime = { name: "nodejs", options: { typescript: false } };
    const plugins = {
      providers: [{ name: "slipway-registry", path: path.join(REPOSITORY, "src/provider") }],
    };
    writeFileSync(
      path.join(this.dir, "Pulumi.yaml"),
      stringify({ name: "slipway", main: "program.js", runtime, plugins }),
    );
    writeFileSync(path.join(this.dir, "package.json"), "{}\n");
    writeFileSync(path.join(this.dir, "program.js"), SETTINGS_PROGRAM);
    writeFileSync(
      path.join(this.dir, ".git/info/exclude"),
      ["Pulumi.yaml", "Pulumi.*.yaml", "program.js", "package.json", "node_modules", "artifacts", ""].join(
        "\n",
      ),
    );
    symlinkSync(path.join(REPOSITORY, "node_modules"), path.join(this.dir, "node_modules"));
    this.setConfig(config);
  }
}

function newPlace(): { root: string; dir: string; state: string } {
  const root = temporaryFolder("project");
  return { root, dir: root, state: temporaryFolder("state") };
}

function temporaryFolder(what: string): string {
  return mkdtempSync(path.join(tmpdir(), `slipway-${what}-`));
}

/** What a workflow or a laptop's shell sets must not decide what a test releases. */
function withoutReleaseVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        !/^(GITHUB_|GHCR_|DOCKERHUB_|COSIGN_|CI_|SERVICES$|RELEASE_TAG$|PLATFORMS$|TAG$|IMAGE_REPO$|PUBLISH_)/.test(
          name,
        ),
    ),
  );
}
