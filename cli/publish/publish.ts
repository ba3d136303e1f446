import path from "node:path";
import type { Flag } from "../../config/overlay";
import type { Config } from "../../plan/config";
import type { ReleaseManifest } from "../../plan/manifest";
import type { PlannedRelease } from "../../plan/planned-release";
import { tagOutcomes, writtenRepositories } from "../../plan/release-manifest";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import { provePush } from "../../provider/prove-push";
import { providerConfig } from "../../provider/provider-config";
import { Registries } from "../../provider/registries";
import { Signing } from "../../provider/signing";
import { planText, refusalText } from "../../report/plan-text";
import { readManifestFile } from "../../report/read-manifest-file";
import { releaseTable } from "../../report/release-table";
import { MANIFEST_FILE, writeArtifacts } from "../../report/write-artifacts";
import { writeFiles } from "../../report/write-whole-file";
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
  const plans = await planned();
  const refused = plans.filter(({ plan }) => plan.refusals.length > 0);
  const manifests: ReleaseManifest[] = [];
  for (const [index, release] of plans.entries()) {
    const { plan } = release;
    if (refused.length > 0) {
      process.stderr.write(`${planText(plan)}\n`);
      continue;
    }
    const again = async () => (await planned())[index]?.plan ?? plan;
    const { code, manifest } = await publishPlan({
      ...release,
      options,
      env,
      plan: withoutBuilds(plan),
      again,
    });
    if (code !== 0) return code;
    if (manifest !== undefined) manifests.push(manifest);
  }
  if (refused.length > 0) throw new Error(refused.map(({ plan }) => refusalText(plan)).join("\n"));
  if (output === "json") {
    const json = manifests.length === 1 ? manifests[0] : manifests;
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  }
  return 0;
}

interface PublishPlan extends PlannedRelease {
  readonly options: Publish;
  readonly env: NodeJS.ProcessEnv;
  /** Plans once more. */
  readonly again: () => Promise<ReleasePlan>;
}

/** One release of the program. The manifest is absent where nothing was to be released. */
async function publishPlan(of: PublishPlan): Promise<{ code: number; manifest?: ReleaseManifest }> {
  const { options, env, projectDir, config, plan, files, again } = of;
  const { output } = options;
  process.stderr.write(`${planText(plan)}\n`);
  const program = cliProgram(env, config);
  refuseUnreadable(config, plan);
  const registries = new Registries(providerConfig(config), env);
  const logins = config.push && isBuilt(plan) ? await readLogins(config, plan, registries) : [];
  if (!config.push && output === "json")
    throw new Error("push: false (CI_PUSH) releases nothing, so there is no manifest");
  if (!config.push || output === "commands") {
    process.stdout.write(commandsText({ plan, config, program, logins }));
    if (output !== "commands") await writeFiles(projectDir, files);
    return { code: 0 };
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
        status: async (_: string, text: string) => say(text),
        warn: async (image: string, text: string) => say(`${image}: warning: ${text}`),
      },
    };
    // Report a key that cannot be read before anything is built.
    if (config.promote === undefined) await context.signing.signer();
    const written = writtenRepositories(plan);
    if (written.length > 0) {
      await checkPlan({ plan, config, projectDir, say, again });
      await provePush(registries, written);
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
    await writeFiles(projectDir, files);
    await describeWithoutEngine({ plan, context, say });
    if (output === "table") process.stdout.write(releaseTable({ ...manifest, run: { tags: outcomes } }));
    return { code: 0, manifest };
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say("interrupted. What is written is whole; run the same again, and it completes the release.");
    return { code: INTERRUPTED };
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

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
