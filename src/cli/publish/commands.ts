import path from "node:path";
import { buildRecipe, releasedBaseContext } from "../../plan/build-recipe";
import type { Config } from "../../plan/config";
import { isLoopbackHost } from "../../plan/reference";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import type { Secret } from "../../plan/secret";
import { shellWord } from "../../workflows/model";

/** One run of a Docker-compatible CLI. No argument is secret. */
export interface CliCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the user's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variables whose values are never shown. */
  readonly secrets?: Readonly<Record<string, Secret>>;
  /** Passed on standard input. @default nothing */
  readonly password?: { readonly value: Secret; readonly shownAs: string };
}

export interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: Secret;
  /** Where they come from, for people: `environment variables GHCR_USERNAME and GHCR_TOKEN`. */
  readonly from: string;
}

export interface ChosenBuilder {
  /** @default the CLI's own choice */
  readonly name?: string | undefined;
  /** Creates it. @default it exists */
  readonly create?: CliCommand;
}

/** The password goes to standard input, since other processes can see arguments and variables. */
export function loginCommand(program: string, { host, username, password, from }: Login): CliCommand {
  return {
    program,
    args: ["login", host, "--username", username, "--password-stdin"],
    password: { value: password, shownAs: `password of ${username} from ${from}` },
  };
}

/** Creates a builder that can push by digest, which docker's default builder cannot. */
export function createBuilderCommand(program: string, name: string, hosts: readonly string[]): CliCommand {
  // The builder's container reaches a registry on this machine only through the host's network.
  const network = hosts.some(isLoopbackHost) ? ["--driver-opt", "network=host"] : [];
  return {
    program,
    args: ["buildx", "create", "--name", name, "--driver", "docker-container", ...network],
  };
}

interface BuildCommandInput {
  readonly program: string;
  readonly config: Pick<Config, "registries" | "root">;
  readonly image: PlannedImage;
  /** The verified digest of the image that it is built FROM, if the same release builds that too. */
  readonly baseDigest?: string;
  /** A buildx builder's name. @default the CLI's own choice */
  readonly builder?: string;
  readonly iidFile: string;
}

/**
 * A build for all platforms, pushed to every registry by digest, without a tag. `--output` describes the push in
 * BuildKit's syntax, which docker (with buildx) and nerdctl pass on unchanged.
 */
export function buildCommand(input: BuildCommandInput): CliCommand {
  const { program, config, image, iidFile } = input;
  const plainHttpHosts = config.registries.filter(({ plainHttp }) => plainHttp).map(({ host }) => host);
  const recipe = buildRecipe(image, plainHttpHosts, config.root);
  const { secrets } = image.intent.image;
  return {
    program,
    args: [
      // `docker build` ignores the builder that `docker buildx use` chose, and its own cannot push several platforms.
      ...(isDocker(program) ? ["buildx", "build"] : ["build"]),
      "--platform",
      recipe.platforms.join(","),
      "--file",
      recipe.dockerfile,
      ...(recipe.target === undefined ? [] : ["--target", recipe.target]),
      ...pairs("--build-arg", recipe.buildArgs),
      ...pairs("--label", recipe.labels),
      ...pairs("--build-context", { ...recipe.namedContexts, ...releasedBase(input) }),
      ...Object.keys(secrets).flatMap((id, index) => ["--secret", `id=${id},env=${secretVariable(index)}`]),
      ...recipe.ssh.flatMap((id) => ["--ssh", id]),
      ...(recipe.network === undefined ? [] : ["--network", recipe.network]),
      ...recipe.extraHosts.flatMap((host) => ["--add-host", host]),
      ...recipe.cacheFrom.flatMap((cache) => ["--cache-from", cache]),
      ...recipe.cacheTo.flatMap((cache) => ["--cache-to", cache]),
      "--iidfile",
      iidFile,
      "--output",
      recipe.output,
      recipe.context,
    ],
    env: {
      // The recipe decides which attestations there are.
      BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      ...(input.builder === undefined ? {} : { BUILDX_BUILDER: input.builder }),
    },
    secrets: Object.fromEntries(
      Object.values(secrets).map((secret, index) => [secretVariable(index), secret]),
    ),
  };
}

export function isDocker(program: string): boolean {
  return /^docker(\.exe)?$/i.test(path.basename(program));
}

function releasedBase({ image, baseDigest }: BuildCommandInput): Record<string, string> {
  const { base } = image.intent;
  if (base === undefined) return {};
  if (baseDigest === undefined) throw new Error(`${image.name}: the digest of ${base.image} is not known`);
  return { [base.reference]: releasedBaseContext(base, baseDigest) };
}

function secretVariable(index: number): string {
  return `SLIPWAY_BUILD_SECRET_${index}`;
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
}

/**
 * A command as it is typed in a POSIX shell. Secrets are named, not shown:
 * `docker login ghcr.io --username octo --password-stdin < (password of octo from environment variable GHCR_TOKEN)`.
 */
export function commandText(command: CliCommand): string {
  return words(command).join(" ");
}

/** The same, with a line for each flag and its value. Joined by a backslash and a line break, it can be run. */
export function commandLines(command: CliCommand): string[] {
  const lines: string[] = [];
  for (const word of words(command)) {
    const last = lines.pop();
    if (last === undefined) lines.push(word);
    else if (word.startsWith("--")) lines.push(last, word);
    else lines.push(`${last} ${word}`);
  }
  return lines;
}

function words({ program, args, env = {}, secrets = {}, password }: CliCommand): string[] {
  return [
    ...Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}`),
    ...Object.keys(secrets).map((name) => `${name}=[secret]`),
    shellWord(program),
    ...args.map(shellWord),
    ...(password === undefined ? [] : [`< (${password.shownAs})`]),
  ];
}

/** The commands that `slipway publish` would run, one a line. What it does by itself is added as comments. */
export function commandsText(of: {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly program: string;
  readonly logins: readonly Login[];
  readonly builder: ChosenBuilder;
}): string {
  const { plan, config, program, logins, builder } = of;
  const built = plan.images.filter(({ content }) => content.from === "build");
  const digests = new Map(
    plan.images.map(({ name, content }) => [
      name,
      "digest" in content ? content.digest : `<digest of ${name}>`,
    ]),
  );
  return [
    ...(config.push
      ? []
      : ["# push: false (CI_PUSH): no registry was asked, and none of these commands is run."]),
    ...plan.checks.map(({ name, run }) => `# check ${name}: ${run.join(" ")}`),
    ...(builder.create === undefined
      ? []
      : ["# buildx has no builder that can push by digest; this creates one:", commandText(builder.create)]),
    ...logins.map((login) => commandText(loginCommand(program, login))),
    ...built.map((image) => {
      const baseDigest = digests.get(image.intent.base?.image ?? "");
      const iidFile = `${image.name}.digest`;
      return commandText(
        buildCommand({ program, config, image, iidFile, baseDigest, builder: builder.name }),
      );
    }),
    ...(built.length === 0 ? [`# Nothing has to be built: ${program} is not needed.`] : []),
    "# Then by Slipway itself, by digest and in this order:",
    ...plan.images.map((image) => `#   verify ${image.name} in ${image.repositories.join(" and ")}`),
    ...plan.levels.flatMap(({ name, tags }) =>
      tags
        .filter(({ action }) => action === "create" || action === "move")
        .map((tag) => `#   ${name}: ${tag.repository}:${tag.name}`),
    ),
    "",
  ].join("\n");
}
