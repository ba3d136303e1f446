import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Config } from "../../plan/config";
import { type Digest, isDigest } from "../../plan/digest";
import { ProblemError } from "../../plan/problem";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import { buildxFolder, isMissingBuilder, readBuildxBuilder } from "../../release/builder";
import type { Registries } from "../../release/registries";
import { lookUp } from "../../settings/environment";
import {
  type ChosenBuilder,
  type CliCommand,
  commandLines,
  createBuilderCommand,
  imageBuild,
  isDocker,
  type Login,
  loginCommand,
} from "./commands";
import { type DockerFolder, privateDockerFolder } from "./docker-folder";

interface CliBuilderOptions {
  readonly program: string;
  readonly config: Config;
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logins: readonly Login[];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Builds by a Docker-compatible CLI. It logs in before its first build; `close` takes everything away again. */
export class CliBuilder {
  readonly #options: CliBuilderOptions;
  #docker: Promise<DockerFolder> | undefined;
  #chosen: Promise<ChosenBuilder> | undefined;

  constructor(options: CliBuilderOptions) {
    this.#options = options;
  }

  /** What builds: buildx's builder, or a CLI that has one of its own. */
  async identity(): Promise<{ readonly builder: string | undefined; readonly cli?: string }> {
    const { program } = this.#options;
    return isDocker(program) ? { builder: (await this.#chosen)?.name } : { builder: undefined, cli: program };
  }

  /** @returns the digest of the index, pushed to every repository of the image */
  async build(image: PlannedImage, baseDigest: Digest | undefined): Promise<Digest> {
    const { program, config, say } = this.#options;
    await this.#loggedIn();
    this.#chosen ??= this.#readyBuilder();
    const { name: builder } = await this.#chosen;
    const folder = await mkdtemp(path.join(tmpdir(), "slipway-build-"));
    try {
      const iidFile = path.join(folder, "digest");
      const command = imageBuild({ program, config, image, iidFile, baseDigest, builder });
      say(`${image.name}: building for ${image.intent.image.platforms.join(", ")}`);
      await this.#run(command, (line) => say(`  ${line}`));
      return await digestFrom(iidFile, program, image.name);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    const docker = await this.#docker?.catch(() => undefined);
    await docker?.remove();
  }

  async #loggedIn(): Promise<void> {
    if (this.#docker !== undefined) return;
    const { env, logins, program, say } = this.#options;
    this.#docker = privateDockerFolder(
      env,
      logins.map(({ host }) => host),
    );
    await this.#docker;
    for (const login of logins) {
      say(`logging in to ${login.host} as ${login.username}, for this run alone`);
      await this.#run(loginCommand(program, login));
    }
  }

  async #readyBuilder(): Promise<ChosenBuilder> {
    const { program, config, env, say } = this.#options;
    const chosen = await chooseBuilder(program, config, env);
    if (chosen.create === undefined) return chosen;
    say(`buildx has no builder that can push by digest: making ${chosen.name}`);
    await this.#run(chosen.create);
    return chosen;
  }

  async #run(command: CliCommand, onLine?: (line: string) => void): Promise<void> {
    const { projectDir, env, logins, signal } = this.#options;
    const docker = await this.#docker;
    const secrets = logins.map(({ password }) => password.reveal());
    // Passwords go by standard input alone.
    const visible = Object.entries(env).filter(
      ([, value]) => value === undefined || !secrets.includes(value),
    );
    // The builders stay in the person's own folder: one that is made outlives this run.
    const own =
      docker === undefined ? {} : { DOCKER_CONFIG: docker.folder, BUILDX_CONFIG: buildxFolder(env) };
    await runCli(command, {
      cwd: projectDir,
      env: { ...Object.fromEntries(visible), ...own },
      secrets,
      signal,
      onLine,
    });
  }
}

async function digestFrom(iidFile: string, program: string, image: string): Promise<Digest> {
  const text = (await readFile(iidFile, "utf8").catch(() => "")).trim();
  if (isDigest(text)) return text;
  throw new ProblemError("It is not certain that the image was pushed, so no tag has moved:", [
    {
      code: "cli-no-digest",
      path: image,
      message: `${program} ended well and wrote no digest into --iidfile`,
      hint: "It has to build with BuildKit and to know --output type=image: docker with buildx does, and nerdctl.",
    },
  ]);
}

/** `CI_DOCKER_CLI`, then `DOCKER_CLI`, then docker. A path is the person's own, not the project's. */
export function cliProgram(env: NodeJS.ProcessEnv, config: Config): string {
  const program = lookUp(env, ["CI_DOCKER_CLI", "DOCKER_CLI"], config.envPrefix)?.value.trim() ?? "docker";
  return /[/\\]/.test(program) ? path.resolve(program) : program;
}

const OWN_BUILDER = "slipway";

/**
 * The stack's builder, else the one that buildx uses, else one of Slipway's own, which is made where it is missing.
 * Another CLI has its builder itself.
 *
 * @throws ProblemError `cli-no-builder` for a builder that the stack names: it may be one of other machines
 */
export async function chooseBuilder(
  program: string,
  config: Pick<Config, "builder" | "registries">,
  env: NodeJS.ProcessEnv,
): Promise<ChosenBuilder> {
  const { name } = config.builder;
  if (!isDocker(program)) return { name };
  if (await isMissingBuilder(name, env))
    throw problem(
      "cli-no-builder",
      program,
      `buildx has no builder ${name}, which slipway:builder.name asks for`,
      `Make it (docker buildx create --name ${name} …), or leave builder.name out.`,
    );
  if (name !== undefined || (await readBuildxBuilder(undefined, env)) !== undefined) return { name };
  // It may name a builder that is in no file, such as a docker context's.
  if (env.BUILDX_BUILDER) return {};
  if ((await readBuildxBuilder(OWN_BUILDER, env)) !== undefined) return { name: OWN_BUILDER };
  const hosts = config.registries.map(({ host }) => host);
  return { name: OWN_BUILDER, create: createBuilderCommand(program, OWN_BUILDER, hosts) };
}

/** Build secrets that only the engine can decrypt would be built in as nothing. */
export function refuseUnreadable({ encrypted }: Config, plan: ReleasePlan): void {
  const unreadable = plan.images.flatMap(({ content, intent: { image } }) =>
    content.from === "build" && Object.keys(image.secrets).length > 0
      ? encrypted.filter((secret) => secret.startsWith(`${image.at ?? ""}.secrets`))
      : [],
  );
  if (unreadable.length === 0) return;
  throw new ProblemError(
    "Nothing was built:",
    [...new Set(unreadable)].map((secret) => ({
      code: "publish-needs-engine",
      path: `slipway:${secret}`,
      message: "is encrypted, and only the engine can read it",
      hint: "Release with `pulumi up`, or build from a stack file that does not encrypt it (--config-file).",
    })),
  );
}

/** What the CLI does not know by itself: credentials of the environment and of the stack. */
export async function readLogins(
  config: Config,
  plan: ReleasePlan,
  registries: Registries,
): Promise<Login[]> {
  const hosts = config.registries.map(({ host }) => host).filter((host) => !(host in plan.skipped));
  const found = await Promise.all(
    [...new Set(hosts)].map(async (host) => {
      const credentials = await registries.connect(host).credentials();
      if (credentials === undefined || credentials.isDockers) return [];
      if (!("username" in credentials.credentials)) return [];
      const { username, password } = credentials.credentials;
      return [{ host, username, password, from: credentials.from }];
    }),
  );
  return found.flat();
}

interface CliRun {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Never shown, though the command may print them. */
  readonly secrets: readonly string[];
  /** Every line that it prints. @default shown only where it fails */
  readonly onLine?: (line: string) => void;
  readonly signal: AbortSignal;
}

const SHOWN_LINES = 20;
const GRACE_MS = 5_000;

/**
 * Runs a command to its end, without a shell and without a terminal.
 *
 * @throws ProblemError `cli-not-found`, `cli-no-buildx`, `cli-failed` with its exit code and its last lines
 */
export async function runCli(command: CliCommand, run: CliRun): Promise<void> {
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const secretEnv = Object.entries(command.secrets).map(([name, secret]) => [name, secret.reveal()]);
  const child = execa(command.program, [...command.args], {
    cwd: run.cwd,
    env: { ...run.env, ...command.env, ...Object.fromEntries(secretEnv) },
    extendEnv: false,
    reject: false,
    buffer: false,
    all: true,
    cancelSignal: run.signal,
    forceKillAfterDelay: GRACE_MS,
    ...(command.password === undefined
      ? { stdin: "ignore" as const }
      : { input: command.password.value.reveal() }),
  });
  const hidden = [
    ...run.secrets,
    ...Object.values(command.secrets).map((secret) => secret.reveal()),
    command.password?.value.reveal() ?? "",
  ].filter((secret) => secret !== "");
  const last: string[] = [];
  for await (const line of createInterface({ input: child.all, crlfDelay: Number.POSITIVE_INFINITY })) {
    const shown = hidden.reduce((text, secret) => text.replaceAll(secret, "[secret]"), line).trimEnd();
    if (shown === "") continue;
    last.push(shown);
    if (last.length > SHOWN_LINES) last.shift();
    run.onLine?.(shown);
  }
  const result = await child;
  run.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  if (result.code === "ENOENT" || result.code === "EACCES") {
    throw problem(
      "cli-not-found",
      command.program,
      result.code === "ENOENT" ? "there is no such program" : "cannot be run",
      "Name a Docker-compatible one, without arguments: CI_DOCKER_CLI=docker (or nerdctl, or a path).",
    );
  }
  throw failed(command, result.exitCode === undefined ? "a signal" : `exit code ${result.exitCode}`, last);
}

function problem(code: string, program: string, message: string, hint: string): ProblemError {
  return new ProblemError("Nothing was built and no tag has moved:", [
    { code, path: program, message, hint },
  ]);
}

/** How a docker without the plugin answers: it takes the build's flags for its own, or knows no such word. */
const NO_BUILDX =
  /unknown flag: --(?:platform|name)\b|'buildx' is not a docker command|unknown command: docker buildx/;

function failed(command: CliCommand, end: string, last: readonly string[]): ProblemError {
  if (command.args[0] === "buildx" && last.some((line) => NO_BUILDX.test(line))) {
    return problem(
      "cli-no-buildx",
      command.program,
      "this docker has no buildx",
      "Install it (docker's plugin docker-buildx), or name another CLI: CI_DOCKER_CLI=nerdctl (or a path).",
    );
  }
  const verb = command.args.slice(0, command.args[0] === "buildx" ? 2 : 1).join(" ");
  const said = last.map((line) => `\n      ${line}`).join("");
  return new ProblemError("The command line failed, so no tag has moved:", [
    {
      code: "cli-failed",
      path: `${command.program} ${verb}`,
      message: `ended with ${end}${said === "" ? "" : `; it said last:${said}`}`,
      hint:
        "Fix what it found, and run the same again: images that are built are found, not built again. " +
        `The command was:\n      ${commandLines(command).join(" \\\n        ")}`,
    },
  ]);
}
