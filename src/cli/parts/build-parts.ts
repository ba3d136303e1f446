import path from "node:path";
import { type Digest, shortDigest } from "../../plan/digest";
import { writtenRepositories } from "../../plan/manifest";
import { builtImages, type Part, type PlatformParts, partOf } from "../../plan/platform-parts";
import { ProblemError } from "../../plan/problem";
import type { PlannedImage, ReleasePlan } from "../../plan/release-plan";
import { verifyPush } from "../../release/registries";
import { checkPlan } from "../../release/run-checks";
import { CliBuilder, cliProgram, readLogins, refuseUnreadable } from "../publish/cli-builder";
import { say } from "../terminal";
import {
  earlierParts,
  holders,
  type PartsOptions,
  type PartsRun,
  partsFileName,
  partsFolder,
  repositoriesOf,
  runOnPlan,
  writePartsFile,
} from "./parts-run";

export interface BuildParts extends PartsOptions {
  readonly platforms: readonly string[];
  readonly out?: string;
}

/**
 * Builds what no registry has, for some platforms only. Each image is pushed by digest to every registry, without a tag,
 * and a file for each platform lists the digests.
 *
 * @throws ProblemError `part-platform` for a platform of no image
 */
export function buildParts(options: BuildParts): Promise<number> {
  return runOnPlan(options, async (run) => {
    refusePlatforms(options.platforms, run.plan);
    const built = builtImages(run.plan.images).filter(({ intent }) =>
      intent.image.platforms.some((platform) => options.platforms.includes(platform)),
    );
    refuseUnreadable(run.config, run.plan);
    const folder = options.out === undefined ? partsFolder(run) : path.resolve(options.out);
    const builder = await prepareBuilder(run, built);
    try {
      for (const platform of options.platforms) {
        await buildPlatform(run, builder, platform, path.join(folder, partsFileName(platform)));
      }
    } finally {
      await builder.close();
    }
  });
}

async function prepareBuilder(run: PartsRun, images: readonly PlannedImage[]): Promise<CliBuilder> {
  const { plan, config, projectDir, env, context, signal, again } = run;
  if (writtenRepositories(plan).length > 0) await checkPlan({ plan, config, projectDir, say, again });
  const builds = images.length > 0;
  if (builds) await verifyPush(context.registries, repositoriesOf(images));
  signal.throwIfAborted();
  const logins = builds ? await readLogins(config, plan, context.registries) : [];
  return new CliBuilder({ program: cliProgram(env, config), config, projectDir, env, logins, signal, say });
}

/** Saves the file after each image, so that the next run can go on from there. */
async function buildPlatform(
  run: PartsRun,
  builder: CliBuilder,
  platform: string,
  file: string,
): Promise<void> {
  const { plan } = run;
  const earlier = await earlierParts(file);
  const done: Part[] = [];
  const { stack, revision } = plan;
  const save = () => writePartsFile(file, { schema: 1, stack, revision, platform, parts: done });
  for (const image of builtImages(plan.images)) {
    if (!image.intent.image.platforms.includes(platform)) continue;
    const base = baseDigest(plan, done, image);
    const known = await reusable(run, earlier, image, base);
    const digest = known ?? (await builder.build(partOf(image, platform), base));
    const { name, repositories, intent } = image;
    done.push({ image: name, contentKey: intent.contentKey, digest, repositories, base });
    say(
      `${name}: ${platform} is ${shortDigest(digest)} ${known === undefined ? "in" : "already in"} ${repositories.join(" and ")}`,
    );
    await save();
  }
  if (done.length === 0) say(`${platform}: nothing has to be built`);
  await save();
  say(`${platform}: written to ${file}`);
}

/** The base for FROM: what a registry has, else the base's part of the same platform. */
function baseDigest(plan: ReleasePlan, done: readonly Part[], image: PlannedImage): Digest | undefined {
  const { base } = image.intent;
  if (base === undefined) return undefined;
  const content = plan.images.find(({ name }) => name === base.image)?.content;
  if (content !== undefined && "digest" in content) return content.digest;
  return done.find((part) => part.image === base.image)?.digest;
}

/** What an earlier run built of the same content, if every registry still has it. */
async function reusable(
  { context }: PartsRun,
  earlier: PlatformParts | undefined,
  { name, repositories, intent }: PlannedImage,
  base: Digest | undefined,
): Promise<Digest | undefined> {
  const part = earlier?.parts.find(({ image }) => image === name);
  if (part === undefined || part.contentKey !== intent.contentKey || part.base !== base) return undefined;
  const held = await holders(context, repositories, part.digest);
  return held.length === repositories.length ? part.digest : undefined;
}

function refusePlatforms(platforms: readonly string[], { images }: ReleasePlan): void {
  const known = [...new Set(images.flatMap(({ intent }) => intent.image.platforms))].sort();
  const wrong = platforms.filter((platform) => !known.includes(platform));
  if (wrong.length === 0) return;
  throw new ProblemError(
    "Nothing was built:",
    wrong.map((platform) => ({
      code: "part-platform",
      path: `--platform ${platform}`,
      message: `no image is built for it; expected one of ${known.join(", ")}`,
      hint: "The platforms are those of the images: `platforms` in the program or in the stack's file.",
    })),
  );
}
