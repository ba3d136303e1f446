import path from "node:path";
import { type BuildRecipe, releasedBaseContext } from "../../plan/build-recipe";
import type { PlannedImage } from "../../plan/release-plan";
import type { Secret } from "../../plan/secret";

/** One run of a Docker-compatible CLI. No argument is secret. */
export interface CliCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside what the person's own environment has. */
  readonly env: Readonly<Record<string, string>>;
  /** Given to it by the environment, and never shown. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** What it reads from its standard input. @default nothing */
  readonly password?: { readonly value: Secret; readonly shownAs: string };
}

/** Credentials of a registry that the CLI does not have by itself. */
export interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: Secret;
  /** Where they come from, for people: `environment variables GHCR_USERNAME and GHCR_TOKEN`. */
  readonly from: string;
}

/** The password goes by standard input: an argument or a variable could be seen by others. */
export function loginCommand(program: string, { host, username, password, from }: Login): CliCommand {
  return {
    program,
    args: ["login", host, "--username", username, "--password-stdin"],
    env: {},
    secrets: {},
    password: { value: password, shownAs: `password of ${username} from ${from}` },
  };
}

export interface BuildCommandInput {
  readonly program: string;
  readonly image: PlannedImage;
  readonly recipe: BuildRecipe;
  /** The verified digest of the image that it is built FROM, if the release makes that too. */
  readonly baseDigest?: string;
  /** A buildx builder's name. @default the CLI's own choice */
  readonly builder?: string;
  /** Gets the digest. */
  readonly iidFile: string;
}

/**
 * A build for all platforms, pushed to every registry by digest, without a tag. The output says everything about the
 * push in BuildKit's own words, which docker (with buildx) and nerdctl hand on as they are.
 *
 * @throws Error where the image's base has no digest
 */
export function buildCommand(input: BuildCommandInput): CliCommand {
  const { program, image, recipe, iidFile } = input;
  const secretIds = Object.keys(image.intent.image.secrets);
  return {
    program,
    args: [
      ...buildWords(program),
      "--platform",
      recipe.platforms.join(","),
      "--file",
      recipe.dockerfile,
      ...(recipe.target === undefined ? [] : ["--target", recipe.target]),
      ...pairs("--build-arg", recipe.buildArgs),
      ...pairs("--label", recipe.labels),
      ...pairs("--build-context", { ...recipe.namedContexts, ...releasedBase(input) }),
      ...secretIds.flatMap((id, index) => ["--secret", `id=${id},env=${secretVariable(index)}`]),
      ...recipe.cacheFrom.flatMap((cache) => ["--cache-from", cache]),
      ...recipe.cacheTo.flatMap((cache) => ["--cache-to", cache]),
      "--iidfile",
      iidFile,
      "--output",
      recipe.output,
      recipe.context,
    ],
    env: {
      // The recipe says which attestations there are.
      BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      ...(input.builder === undefined ? {} : { BUILDX_BUILDER: input.builder }),
    },
    secrets: Object.fromEntries(
      Object.values(image.intent.image.secrets).map((secret, index) => [secretVariable(index), secret]),
    ),
  };
}

/** `docker build` ignores the builder that `docker buildx use` chose, and its own cannot push several platforms. */
function buildWords(program: string): string[] {
  return /^docker(\.exe)?$/i.test(path.basename(program)) ? ["buildx", "build"] : ["build"];
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
