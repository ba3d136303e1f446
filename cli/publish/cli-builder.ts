import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildRecipe } from "../../plan/build-recipe";
import type { Config } from "../../plan/config";
import { type Digest, isDigest } from "../../plan/digest";
import { ProblemError } from "../../plan/problem";
import type { PlannedImage } from "../../plan/release-plan";
import { buildCommand, type CliCommand, type Login, loginCommand } from "./commands";
import { type DockerFolder, privateDockerFolder } from "./docker-folder";
import { runCli } from "./run-cli";

export interface CliBuilderOptions {
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

  constructor(options: CliBuilderOptions) {
    this.#options = options;
  }

  /** @returns the digest of the index, pushed to every repository of the image */
  async build(image: PlannedImage, baseDigest: Digest | undefined): Promise<Digest> {
    const { program, config, say } = this.#options;
    await this.#loggedIn();
    const folder = await mkdtemp(path.join(tmpdir(), "slipway-build-"));
    try {
      const iidFile = path.join(folder, "digest");
      const command = imageBuild({
        program,
        config,
        image,
        iidFile,
        ...(baseDigest === undefined ? {} : { baseDigest }),
      });
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

  async #run(command: CliCommand, onLine?: (line: string) => void): Promise<void> {
    const { projectDir, env, logins, signal } = this.#options;
    const docker = await this.#docker;
    const secrets = logins.map(({ password }) => password.reveal());
    // Passwords go by standard input alone.
    const visible = Object.entries(env).filter(
      ([, value]) => value === undefined || !secrets.includes(value),
    );
    await runCli(command, {
      cwd: projectDir,
      env: {
        ...Object.fromEntries(visible),
        ...(docker === undefined ? {} : { DOCKER_CONFIG: docker.folder }),
      },
      secrets,
      signal,
      ...(onLine === undefined ? {} : { onLine }),
    });
  }
}

export interface ImageBuildInput {
  readonly program: string;
  readonly config: Config;
  readonly image: PlannedImage;
  readonly iidFile: string;
  readonly baseDigest?: string;
}

/** The command that builds an image of a plan. */
export function imageBuild({ config, ...input }: ImageBuildInput): CliCommand {
  const plainHttpHosts = config.registries.filter(({ plainHttp }) => plainHttp).map(({ host }) => host);
  const builder = config.builder.name;
  return buildCommand({
    ...input,
    recipe: buildRecipe(input.image, plainHttpHosts, config.root),
    ...(builder === undefined ? {} : { builder }),
  });
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
