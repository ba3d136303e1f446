import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";

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

/**
 * Somebody's repository that releases with Slipway: a folder with git, a Pulumi project that runs this checkout's
 * program through the real engine, and state of its own.
 */
export class Project {
  readonly dir: string;
  readonly stack: string;
  readonly #env: NodeJS.ProcessEnv;
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

  /** Another stack of the same project: the same folder, commits and state. `remove` of the first removes both. */
  async stackBeside(options: ProjectOptions): Promise<Project> {
    const beside = new Project(options, { dir: this.dir, state: this.#state });
    beside.setConfig(options.config);
    await beside.#pulumiOk("stack", "init", beside.stack);
    return beside;
  }

  private constructor(
    { stack = "stage", env = {} }: ProjectOptions,
    place?: { readonly dir: string; readonly state: string },
  ) {
    this.stack = stack;
    this.dir = place?.dir ?? mkdtempSync(path.join(tmpdir(), "slipway-project-"));
    this.#state = place?.state ?? mkdtempSync(path.join(tmpdir(), "slipway-state-"));
    this.#env = {
      ...withoutReleaseVariables(process.env),
      GIT_AUTHOR_NAME: "Test",
      GIT_AUTHOR_EMAIL: "test@example.com",
      GIT_COMMITTER_NAME: "Test",
      GIT_COMMITTER_EMAIL: "test@example.com",
      GIT_CONFIG_GLOBAL: "/dev/null",
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

  setConfig(config: Readonly<Record<string, unknown>>): void {
    const entries = Object.entries(config).map(([key, value]) => [`slipway:${key}`, value]);
    writeFileSync(
      path.join(this.dir, `Pulumi.${this.stack}.yaml`),
      stringify({ config: Object.fromEntries(entries) }),
    );
  }

  /** The command line of this checkout, run in the project. */
  slipway(...args: string[]): Promise<EngineResult> {
    return this.#run(process.execPath, [path.join(REPOSITORY, "cli/slipway.js"), ...args], this.#env);
  }

  remove(): void {
    for (const folder of [this.dir, this.#state]) rmSync(folder, { recursive: true, force: true });
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
    const plugins = { providers: [{ name: "slipway-registry", path: path.join(REPOSITORY, "provider") }] };
    writeFileSync(
      path.join(this.dir, "Pulumi.yaml"),
      stringify({ name: "slipway", main: "program.js", runtime, plugins }),
    );
    writeFileSync(path.join(this.dir, "package.json"), "{}\n");
    writeFileSync(
      path.join(this.dir, "program.js"),
      `module.exports = require(${JSON.stringify(path.join(REPOSITORY, "program.js"))});\n`,
    );
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

/** What a workflow or a laptop's shell sets must not decide what a test releases. */
function withoutReleaseVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(GITHUB_|GHCR_|DOCKERHUB_|CI_|RELEASE_TAG$|PLATFORMS$|TAG$)/.test(name),
    ),
  );
}
