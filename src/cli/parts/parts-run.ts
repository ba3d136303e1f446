import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../../plan/config";
import type { Digest } from "../../plan/digest";
import { type PartsFile, type PlatformParts, parsePlatformParts } from "../../plan/platform-parts";
import { type Problem, ProblemError } from "../../plan/problem";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import type { Context } from "../../release/operation";
import type { Location } from "../../release/registries";
import { writeWholeFile } from "../../report/manifest-file";
import { refusalText } from "../../report/plan-text";
import { lookUp } from "../../settings/environment";
import type { StackRun } from "../commands/flags";
import { signingSecrets } from "../engine/pulumi";
import { planStack } from "../plan/plan-stack";
import { runContext, untilInterrupted } from "../run-context";
import { say } from "../terminal";

export interface PartsOptions extends StackRun {
  /** Whether a signing key is needed. The engine decrypts the stack file's key if no variable has one. @default false */
  readonly signs?: boolean;
}

export interface PartsRun {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly again: () => Promise<ReleasePlan>;
}

export function partsFolder({ config: { artifacts }, projectDir }: PartsRun): string {
  return path.join(projectDir, artifacts, "parts");
}

/** Plans as every other command does, and runs the work on that plan. */
export async function runOnPlan(
  options: PartsOptions,
  work: (run: PartsRun) => Promise<void>,
): Promise<number> {
  const { stack, env, configFile } = options;
  const projectDir = path.resolve(options.cwd);
  const planned = () => planStack({ ...options, signs: false });
  const [first, ...others] = await planned();
  if (first === undefined || others.length > 0) {
    throw noParts(
      "parts-several",
      "program",
      `the program declares several releases for the stack ${stack}, and parts belong to one`,
      "Give each release a stack of its own, or release them with pulumi up.",
    );
  }
  const { config, plan } = first;
  if (config.promote !== undefined) {
    const message = `${stack} promotes what another stack built, and builds nothing`;
    throw noParts("parts-not-built", "slipway:promote", message);
  }
  if (!config.push) {
    const message = "nothing is to be pushed (CI_PUSH=false), so there are no parts";
    throw noParts("parts-not-built", "slipway:push", message);
  }
  for (const notice of plan.notices) say(`note: ${notice}`);
  if (plan.refusals.length > 0) throw new Error(refusalText(plan));

  const isEncrypted = options.signs === true && config.encrypted.includes("sign.key");
  const isGiven = lookUp(env, ["COSIGN_PRIVATE_KEY"], config.envPrefix) !== undefined;
  const key =
    isEncrypted && !isGiven ? await signingSecrets({ stack, cwd: projectDir, env, configFile }) : {};
  const context = runContext(config, { ...env, ...key }, projectDir);
  const again = async () => (await planned())[0]?.plan ?? plan;
  const left = "Only candidate tags have moved; run the same command again, and it goes on.";
  const operation = options.signs === true ? "merge" : "build";
  return untilInterrupted(context, operation, left, (signal) =>
    work({ plan, config, projectDir, env, context, signal, again }),
  );
}

/** The registries that have a digest. */
export async function holders(
  { registries }: Context,
  repositories: readonly string[],
  digest: Digest,
): Promise<Location[]> {
  const locations = repositories.map((repository) => registries.at(repository));
  const held = await Promise.all(locations.map(({ client, path: at }) => client.headManifest(at, digest)));
  return locations.filter((_, index) => held[index] !== undefined);
}

export function repositoriesOf(images: readonly PlannedImage[]): string[] {
  return [...new Set(images.flatMap(({ repositories }) => repositories))].sort();
}

function noParts(code: string, path: string, message: string, hint?: string): ProblemError {
  return new ProblemError("There are no parts of images to build or to merge:", [
    { code, path, message, hint },
  ]);
}

/** `linux/arm64` -> `linux-arm64.json`. */
export function partsFileName(platform: string): string {
  return `${platform.replaceAll("/", "-")}.json`;
}

export function writePartsFile(file: string, parts: PlatformParts): Promise<void> {
  return writeWholeFile(file, `${JSON.stringify(parts, undefined, 2)}\n`);
}

/** The parts that an earlier run has built; undefined if there is no file or it cannot be read. */
export async function earlierParts(file: string): Promise<PlatformParts | undefined> {
  return parse(await readFile(file, "utf8").catch(() => ""));
}

/** Every parts file in a folder and below, sorted by name. @throws ProblemError `parts-no-folder`, `parts-unreadable` */
export async function readPartsFiles(folder: string, shown: string): Promise<PartsFile[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new ProblemError("There is nothing to merge from:", [
      {
        code: "parts-no-folder",
        path: shown,
        message: error.code === "ENOENT" ? "there is no such folder" : `cannot be read (${error.code})`,
        hint: "Name the folder with what `slipway build --platform …` wrote.",
      },
    ]);
  });
  const problems: Problem[] = [];
  const files: PartsFile[] = [];
  for (const name of names.filter((known) => known.endsWith(".json")).sort()) {
    const parts = parse(await readFile(path.join(folder, name), "utf8"));
    if (parts !== undefined) files.push({ file: name, parts });
    else {
      problems.push({
        code: "parts-unreadable",
        path: path.join(shown, name),
        message: "is not a parts file of schema 1",
        hint: "Merge from a folder that contains only what `slipway build --platform …` wrote.",
      });
    }
  }
  if (problems.length > 0) throw new ProblemError("Nothing was merged:", problems);
  return files;
}

function parse(text: string): PlatformParts | undefined {
  try {
    return parsePlatformParts(JSON.parse(text));
  } catch {
    return undefined;
  }
}
