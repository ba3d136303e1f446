import path from "node:path";
import { lookUp } from "../../config/environment";
import type { Flag } from "../../config/overlay";
import type { Config } from "../../plan/config";
import { ProblemError } from "../../plan/problem";
import type { ReleasePlan } from "../../plan/release-plan";
import { providerConfig } from "../../provider/provider-config";
import { Registries } from "../../provider/registries";
import type { Context } from "../../provider/resource";
import { Signing } from "../../provider/signing";
import { refusalText } from "../../report/plan-text";
import { signingSecrets } from "../engine-secrets";
import { planStack } from "../plan-without-engine";

export interface PartsOptions {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly flags: readonly Flag[];
  readonly env: NodeJS.ProcessEnv;
  /** Names, separated by commas. @default what the environment and the stack say */
  readonly services?: string;
  /** Whether the engine decrypts the stack file's signing key where no variable gives one. @default false */
  readonly signs?: boolean;
}

/** A plan that was made here and now, and what carries it out. */
export interface PartsRun {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly context: Context;
  readonly signal: AbortSignal;
  /** Plans once more. */
  readonly again: () => Promise<ReleasePlan>;
}

const INTERRUPTED = 130;

/** Where parts are kept by default. */
export function partsFolder({ config: { artifacts }, projectDir }: PartsRun): string {
  return path.join(projectDir, artifacts, "parts");
}

/**
 * Plans as every other command does, and works on that plan until it is done or interrupted.
 *
 * @returns the exit code
 * @throws Error with every refusal of the plan; ProblemError `parts-not-built` for a stack that builds nothing
 */
export async function runOnPlan(
  options: PartsOptions,
  work: (run: PartsRun) => Promise<void>,
): Promise<number> {
  const env = {
    ...options.env,
    ...(options.services === undefined ? {} : { CI_SERVICES: options.services }),
  };
  const projectDir = path.resolve(options.cwd);
  const planned = () =>
    planStack({
      stack: options.stack,
      cwd: projectDir,
      env,
      flags: options.flags,
      ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    });
  const [first, ...others] = await planned();
  if (first === undefined || others.length > 0) throw severalReleases(options.stack);
  const { config, plan } = first;
  refuseNothing(options.stack, config);
  for (const notice of plan.notices) say(`note: ${notice}`);
  if (plan.refusals.length > 0) throw new Error(refusalText(plan));

  const { signing, ...connections } = providerConfig(config);
  const registries = new Registries(connections, env);
  const isEncrypted = options.signs === true && config.encrypted.includes("sign.key");
  const isGiven = lookUp(env, ["COSIGN_PRIVATE_KEY"], config.envPrefix) !== undefined;
  const key = isEncrypted && !isGiven ? await signingSecrets({ ...options, cwd: projectDir, env }) : {};
  const stop = new AbortController();
  const onSignal = () => {
    stop.abort(new Error("interrupted"));
    registries.cancel();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    await work({
      plan,
      config,
      projectDir,
      env,
      context: {
        registries,
        signing: new Signing(signing, { ...env, ...key }, config.envPrefix),
        log: {
          info: async (image: string, text: string) => say(`${image}: ${text}`),
          status: async (_: string, text: string) => say(text),
          warn: async (image: string, text: string) => say(`${image}: warning: ${text}`),
        },
      },
      signal: stop.signal,
      again: async () => (await planned())[0]?.plan ?? plan,
    });
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say("interrupted. No tag has moved but candidates; run the same again, and it goes on.");
    return INTERRUPTED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function severalReleases(stack: string): ProblemError {
  return new ProblemError("There are no parts of images to build or to merge:", [
    {
      code: "parts-several",
      path: "program",
      message: `the program declares several releases for the stack ${stack}, and parts are of one`,
      hint: "Give each release a stack of its own, or release them with pulumi up.",
    },
  ]);
}

function refuseNothing(stack: string, { push, promote }: Config): void {
  const reason =
    promote !== undefined
      ? { path: "slipway:promote", message: `${stack} promotes what another stack built, and builds nothing` }
      : push
        ? undefined
        : { path: "slipway:push", message: "nothing is to be pushed (CI_PUSH=false), so there are no parts" };
  if (reason === undefined) return;
  throw new ProblemError("There are no parts of images to build or to merge:", [
    { code: "parts-not-built", ...reason },
  ]);
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
