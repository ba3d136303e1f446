import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Config } from "../../plan/config";
import { type Digest, isDigest } from "../../plan/digest";
import { ProblemError } from "../../plan/problem";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import { buildxFolder, isMissingBuilder, readBuildxBuilder } from "../../release/builder";
import type { Registries } from "../../release/registries";
import { lookUp } from "../../settings/environment";
import {
  buildCommand,
  type ChosenBuilder,
  type CliCommand,
  createBuilderCommand,
  isDocker,
  type Login,
  loginCommand,
} from "./commands";
import { cliProblem, type DockerFolder, privateDockerFolder, runCli } from "./run-cli";

interface CliBuilderOptions {
  readonly program: string;
  readonly config: Config;
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logins: readonly Login[];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Builds by a Docker-compatible CLI. It logs in before its first build; `close` removes what it created. */
export class CliBuilder {
  readonly #options: CliBuilderOptions;
  #docker: Promise<DockerFolder> | undefined;
  #chosen: Promise<ChosenBuilder> | undefined;

  constructor(options: CliBuilderOptions) {
    this.#options = options;
  }

  /** The buildx builder that builds, or the CLI if it has a builder of its own. */
  async identity(): Promise<{ readonly builder: string | undefined; readonly cli?: string }> {
    const { program } = this.#options;
    return isDocker(program) ? { builder: (await this.#chosen)?.name } : { builder: undefined, cli: program };
  }

  /** @returns the digest of the index, pushed to every repository of the image */
  async build(image: PlannedImage, baseDigest: Digest | undefined): Promise<Digest> {
    const { program, config, say } = this.#options;
    await this.#logIn();
    this.#chosen ??= this.#readyBuilder();
    const { name: builder } = await this.#chosen;
    const folder = await mkdtemp(path.join(tmpdir(), "slipway-build-"));
    try {
      const iidFile = path.join(folder, "digest");
      const command = buildCommand({ program, config, image, iidFile, baseDigest, builder });
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

  async #logIn(): Promise<void> {
    if (this.#docker !== undefined) return;
    const { env, logins, program, say } = this.#options;
    const hosts = logins.map(({ host }) => host);
    this.#docker = privateDockerFolder(env, hosts);
    await this.#docker;
    for (const login of logins) {
      say(`logging in to ${login.host} as ${login.username}, for this run only`);
      await this.#run(loginCommand(program, login));
    }
  }

  async #readyBuilder(): Promise<ChosenBuilder> {
    const { program, config, env, say } = this.#options;
    const chosen = await chooseBuilder(program, config, env);
    if (chosen.create === undefined) return chosen;
    say(`buildx has no builder that can push by digest: creating ${chosen.name}`);
    await this.#run(chosen.create);
    return chosen;
  }

  async #run(command: CliCommand, onLine?: (line: string) => void): Promise<void> {
    const { projectDir, env, logins, signal } = this.#options;
    const docker = await this.#docker;
    const secrets = logins.map(({ password }) => password.reveal());
    // Passwords are passed by standard input only.
    const visible = Object.entries(env).filter(
      ([, value]) => value === undefined || !secrets.includes(value),
    );
    // Builders stay in the user's own folder: one that is created outlives this run.
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
      message: `${program} succeeded but wrote no digest into --iidfile`,
      hint: "It has to build with BuildKit and to know --output type=image: docker with buildx does, and nerdctl.",
    },
  ]);
}

/** `CI_DOCKER_CLI`, then `DOCKER_CLI`, then docker. A path is relative to the caller, not to the project. */
export function cliProgram(env: NodeJS.ProcessEnv, config: Config): string {
  const program = lookUp(env, ["CI_DOCKER_CLI", "DOCKER_CLI"], config.envPrefix)?.value.trim() ?? "docker";
  return /[/\\]/.test(program) ? path.resolve(program) : program;
}

const OWN_BUILDER = "slipway";

/**
 * The stack's builder, else buildx's current one, else Slipway's own, which is created if it is missing. CLIs other than
 * docker choose their builder themselves.
 *
 * @throws ProblemError `cli-no-builder` if the stack names a missing builder: it may use other machines, so it is not
 * created
 */
export async function chooseBuilder(
  program: string,
  config: Pick<Config, "builder" | "registries">,
  env: NodeJS.ProcessEnv,
): Promise<ChosenBuilder> {
  const { name } = config.builder;
  if (!isDocker(program)) return { name };
  if (await isMissingBuilder(name, env))
    throw cliProblem(
      "cli-no-builder",
      program,
      `buildx has no builder ${name}, which slipway:builder.name asks for`,
      `Create it (docker buildx create --name ${name} …), or remove builder.name.`,
    );
  if (name !== undefined || (await readBuildxBuilder(undefined, env)) !== undefined) return { name };
  // It may name a builder that has no file, such as a docker context's.
  if (env.BUILDX_BUILDER) return {};
  if ((await readBuildxBuilder(OWN_BUILDER, env)) !== undefined) return { name: OWN_BUILDER };
  const hosts = config.registries.map(({ host }) => host);
  return { name: OWN_BUILDER, create: createBuilderCommand(program, OWN_BUILDER, hosts) };
}

/** Refuses to build with secrets that only the engine can decrypt: the build would get empty values. */
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

/** The credentials that the CLI does not have itself: those of the environment and of the stack. */
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
