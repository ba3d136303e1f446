import path from "node:path";
import type { Flag } from "../../config/overlay";
import type { Config } from "../../plan/config";
import type { ReleaseManifest } from "../../plan/manifest";
import { tagOutcomes, writtenRepositories } from "../../plan/release-manifest";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import { fleetImages } from "../../plan/service-manifest";
import { provePush } from "../../provider/functions/prove-push";
import { providerConfig } from "../../provider/provider-config";
import { Registries } from "../../provider/registries";
import { Signing } from "../../provider/signing";
import { planText, refusalText } from "../../report/plan-text";
import { readManifestFile } from "../../report/read-manifest-file";
import { releaseTable } from "../../report/release-table";
import { writeServiceManifest } from "../../report/service-manifest";
import { MANIFEST_FILE, writeArtifacts } from "../../report/write-artifacts";
import { checkPlan } from "../../source/checks";
import { planStack } from "../plan-without-engine";
import { carryOutWithoutEngine, describeWithoutEngine } from "./carry-out";
import { CliBuilder } from "./cli-builder";
import { cliProgram, readLogins, refuseUnreadable } from "./cli-needs";
import { commandsText } from "./commands-text";

export interface Publish {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly flags: readonly Flag[];
  readonly env: NodeJS.ProcessEnv;
  /** Names, separated by commas. @default what the environment and the stack say */
  readonly services?: string;
  /** What goes to standard output: the commands and nothing is done, the release manifest, or a table. */
  readonly output: "commands" | "json" | "table";
}

const INTERRUPTED = 130;

/**
 * Releases what the plan says by a Docker-compatible CLI, without an engine.
 *
 * @returns the exit code
 * @throws Error with every refusal of the plan; ProblemError for what failed on the way
 */
export async function publish(options: Publish): Promise<number> {
  const { output } = options;
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
      signs: output !== "commands",
      previous: (config) => lastManifest(projectDir, config, options.stack),
      ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    });
  const { config, plan: withBuilds } = await planned();
  const plan = withoutBuilds(withBuilds);
  process.stderr.write(`${planText(plan)}\n`);
  if (plan.refusals.length > 0) throw new Error(refusalText(plan));
  const program = cliProgram(env, config);
  refuseUnreadable(config, plan);
  const registries = new Registries(providerConfig(config), env);
  const logins = config.push && isBuilt(plan) ? await readLogins(config, plan, registries) : [];
  if (!config.push && output === "json")
    throw new Error("push: false (CI_PUSH) releases nothing, so there is no manifest");
  if (!config.push || output === "commands") {
    process.stdout.write(commandsText({ plan, config, program, logins }));
    if (output !== "commands") await writeFleet(projectDir, config, plan);
    return 0;
  }

  const stop = new AbortController();
  const onSignal = () => {
    stop.abort(new Error("interrupted"));
    registries.cancel();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const builder = new CliBuilder({ program, config, projectDir, env, logins, signal: stop.signal, say });
  try {
    const { signing: signingConfig } = providerConfig(config);
    const context = {
      registries,
      signing: new Signing(signingConfig, env, config.envPrefix),
      log: {
        info: async (image: string, text: string) => say(`${image}: ${text}`),
        warn: async (image: string, text: string) => say(`${image}: warning: ${text}`),
      },
    };
    // A key that does not open is told before anything is built.
    if (config.promote === undefined) await context.signing.signer();
    const written = writtenRepositories(plan);
    if (written.length > 0) {
      await checkPlan({ plan, config, projectDir, say, again: async () => (await planned()).plan });
      await provePush(context, { repositories: written });
    }
    stop.signal.throwIfAborted();
    const manifest = await carryOutWithoutEngine({
      plan,
      config,
      context,
      build: (image, baseDigest) => builder.build(image, baseDigest),
      say,
    });
    const outcomes = tagOutcomes(plan, manifest);
    await writeArtifacts(projectDir, config.artifacts, manifest, { tags: outcomes });
    await writeFleet(projectDir, config, plan);
    await describeWithoutEngine({ plan, context, say });
    process.stdout.write(
      output === "json"
        ? `${JSON.stringify(manifest, undefined, 2)}\n`
        : releaseTable({ ...manifest, run: { tags: outcomes } }),
    );
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say("interrupted. What is written is whole; run the same again, and it completes the release.");
    return INTERRUPTED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await builder.close();
  }
}

/** This stack's last release, as far as its manifest is here. */
async function lastManifest(
  projectDir: string,
  config: Config,
  stack: string,
): Promise<ReleaseManifest | undefined> {
  const file = path.join(projectDir, config.artifacts, MANIFEST_FILE);
  const manifest = await readManifestFile(file).catch(() => undefined);
  if (manifest?.stack !== stack) return undefined;
  return { ...manifest, images: manifest.images.map(({ build: _, ...image }) => image) };
}

/** A build by a CLI is nothing that an engine's state could hold. */
function withoutBuilds(plan: ReleasePlan): ReleasePlan {
  return { ...plan, images: plan.images.map(({ build: _, ...image }): PlannedImage => image) };
}

function isBuilt(plan: ReleasePlan): boolean {
  return plan.images.some(({ content }) => content.from === "build");
}

async function writeFleet(projectDir: string, config: Config, plan: ReleasePlan): Promise<void> {
  const fleet = fleetImages(config, plan);
  if (fleet !== undefined) await writeServiceManifest(projectDir, config.artifacts, fleet);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
