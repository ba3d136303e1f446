import path from "node:path";
import { type ReleaseManifest, tagOutcomes, writtenRepositories } from "../../plan/manifest";
import type { PlannedImage, PlannedRelease, ReleasePlan } from "../../plan/release-plan";
import { buildFacts } from "../../release/builder";
import { verifyPush } from "../../release/registries";
import { checkPlan } from "../../release/run-checks";
import { writeArtifacts } from "../../report/manifest-file";
import { planText, refusalText } from "../../report/plan-text";
import { releaseTable } from "../../report/release-table";
import type { StackRun } from "../commands/flags";
import { lastManifest, planStack } from "../plan/plan-stack";
import { runContext, untilInterrupted, writeOwnFiles } from "../run-context";
import { say } from "../terminal";
import { carryOutWithoutEngine, describeWithoutEngine } from "./carry-out";
import { CliBuilder, chooseBuilder, cliProgram, readLogins, refuseUnreadable } from "./cli-builder";
import { commandsText } from "./commands";

interface Publish extends StackRun {
  /** Standard output: the commands, without running them; the release manifest; or a table. */
  readonly output: "commands" | "json" | "table";
}

/** Carries out a stack's plan by a Docker-compatible CLI, without an engine. */
export async function publish(options: Publish): Promise<number> {
  const { stack, env, output } = options;
  const projectDir = path.resolve(options.cwd);
  const planned = () =>
    planStack({
      ...options,
      signs: output !== "commands",
      previous: async (config) => {
        const last = await lastManifest(projectDir, config, stack);
        return last && { ...last, images: last.images.map(({ build: _, ...image }) => image) };
      },
    });
  const plans = await planned();
  const refused = plans.filter(({ plan }) => plan.refusals.length > 0);
  if (refused.length > 0) {
    for (const { plan } of plans) say(planText(plan));
    throw new Error(refused.map(({ plan }) => refusalText(plan)).join("\n"));
  }
  const manifests: ReleaseManifest[] = [];
  for (const [index, release] of plans.entries()) {
    // `build` is about the engine's state, which knows nothing of a build by a CLI.
    const images = release.plan.images.map(({ build: _, ...image }): PlannedImage => image);
    const plan = { ...release.plan, images };
    const again = async () => (await planned())[index]?.plan ?? plan;
    const { code, manifest } = await publishPlan({ ...release, plan, output, env, again });
    if (code !== 0) return code;
    if (manifest !== undefined) manifests.push(manifest);
  }
  if (output === "json") {
    const json = manifests.length === 1 ? manifests[0] : manifests;
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  }
  return 0;
}

interface PublishPlan extends PlannedRelease, Pick<Publish, "output" | "env"> {
  readonly again: () => Promise<ReleasePlan>;
}

/** One release of the program. There is no manifest if the plan was only printed. */
async function publishPlan(of: PublishPlan): Promise<{ code: number; manifest?: ReleaseManifest }> {
  const { output, env, projectDir, config, plan, again } = of;
  say(planText(plan));
  const program = cliProgram(env, config);
  refuseUnreadable(config, plan);
  const context = runContext(config, env, projectDir);
  const { registries } = context;
  const isBuilt = plan.images.some(({ content }) => content.from === "build");
  const logins = config.push && isBuilt ? await readLogins(config, plan, registries) : [];
  // Also with --print: report a missing builder before anything runs.
  const builder = config.push && isBuilt ? await chooseBuilder(program, config, env) : {};
  if (!config.push && output === "json")
    throw new Error("push: false (CI_PUSH) releases nothing, so there is no manifest");
  if (!config.push || output === "commands") {
    process.stdout.write(commandsText({ plan, config, program, logins, builder }));
    if (output !== "commands") await writeOwnFiles(of);
    return { code: 0 };
  }

  let manifest: ReleaseManifest | undefined;
  const left = "What is written is whole; run the same command again, and it completes the release.";
  const code = await untilInterrupted(context, "publish", left, async (signal) => {
    const cli = new CliBuilder({ program, config, projectDir, env, logins, signal, say });
    try {
      // Report a key that cannot be read before anything is built.
      if (config.promote === undefined) await context.signing.signer();
      const written = writtenRepositories(plan);
      if (written.length > 0) {
        await checkPlan({ plan, config, projectDir, say, again });
        await verifyPush(registries, written);
      }
      signal.throwIfAborted();
      manifest = await carryOutWithoutEngine({
        plan,
        config,
        context,
        build: (image, baseDigest) => cli.build(image, baseDigest),
        say,
      });
      const tags = tagOutcomes(plan, manifest);
      const build = await buildFacts({ images: plan.images, env, ...(await cli.identity()) });
      const run = { tags, build };
      await writeArtifacts(projectDir, config.artifacts, manifest, run);
      await writeOwnFiles(of);
      await describeWithoutEngine({ plan, context, say });
      if (output === "table") process.stdout.write(releaseTable({ ...manifest, run }));
    } finally {
      await cli.close();
    }
  });
  return { code, manifest };
}
