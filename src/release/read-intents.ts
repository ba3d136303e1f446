import { type MissingPart, readMissingParts } from "../inputs/checkout";
import { eventOfRelease, type ReleasedEvent } from "../inputs/event";
import type { GitSource } from "../inputs/git";
import { rootDir } from "../inputs/project-files";
import type { ImageConfig } from "../plan/config";
import { decideRollback, existingIntent } from "../plan/existing-release";
import { imageRules, versionAndForm, versionUnder } from "../plan/image-tags";
import type { PolicyFinding } from "../plan/policy/policy-config";
import type { Problem } from "../plan/problem";
import type { ImageIntent } from "../plan/release-intent";
import { isSelected } from "../plan/selection";
import type { ReleaseEvent } from "../plan/tag-rules";
import type { PlanReleaseInput } from "./plan-release";
import { type Promotion, readPromotion } from "./read-promotion";
import { type RollbackTarget, readBaseRollback, readRollback, type TakenImage } from "./read-rollback";
import { type ReadGenerator, type ReadIntent, readImageIntent, sbomGenerators } from "./read-working-tree";

interface ReadIntents {
  readonly intents: readonly ImageIntent[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
  /** What the gate before a promotion found against the team's rules. */
  readonly findings: readonly PolicyFinding[];
}

/**
 * What each image should become. There are three contents: an earlier version (a rollback that holds), what was
 * verified elsewhere (a promotion), or what the working tree makes.
 */
export async function readIntents(
  input: PlanReleaseInput,
  git: GitSource,
  { event, eventOf }: Pick<ReleasedEvent, "event" | "eventOf">,
): Promise<ReadIntents> {
  const { config } = input;
  const promotion =
    config.promote === undefined ? undefined : await readPromotion(input, config.promote, event);
  const asked = config.images.filter(({ name }) => isSelected(config, name));
  const readGenerator = sbomGenerators(input);
  const missing = once(() => readMissingParts(rootDir(input.projectDir, config.root)));
  const read = await afterTheirBases<ReadIntent>(asked, (image, base) =>
    readOne({ input, git, eventOf, promotion, readGenerator, missing, image, base: base?.intent }),
  );
  const intents = read.flatMap(({ intent }) => intent ?? []);
  const allBack =
    intents.length === read.length && intents.every(({ existing }) => existing?.from === "rollback");
  return {
    intents,
    problems: [
      // Going back must not depend on what stage does meanwhile.
      ...(allBack ? [] : (promotion?.problems ?? [])),
      ...unknownVersions(input, event),
      ...read.flatMap(({ problems }) => problems),
    ],
    notices: read.flatMap(({ notices }) => notices),
    findings: intents
      .filter(({ existing }) => existing?.from === "promotion")
      .flatMap(({ name }) => promotion?.images[name]?.findings ?? []),
  };
}

/** Asked for by each image that is built here; for none, nothing is read. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read();
    return reading;
  };
}

/** All at once; an image waits for the one that it is built FROM. The configuration's rules allow no cycle. */
function afterTheirBases<T>(
  images: readonly ImageConfig[],
  read: (image: ImageConfig, base: T | undefined) => Promise<T>,
): Promise<T[]> {
  const started = new Map<string, Promise<T>>();
  const start = (image: ImageConfig): Promise<T> => {
    const before = started.get(image.name);
    if (before !== undefined) return before;
    const base = images.find(({ name }) => name === image.base);
    const reading = Promise.resolve(base === undefined ? undefined : start(base)).then((found) =>
      read(image, found),
    );
    started.set(image.name, reading);
    return reading;
  };
  return Promise.all(images.map(start));
}

interface One {
  readonly input: PlanReleaseInput;
  readonly git: GitSource;
  readonly eventOf: ReleasedEvent["eventOf"];
  readonly promotion: Promotion | undefined;
  readonly readGenerator: ReadGenerator;
  readonly missing: () => Promise<readonly MissingPart[]>;
  readonly image: ImageConfig;
  readonly base: ImageIntent | undefined;
}

async function readOne(one: One): Promise<ReadIntent> {
  const { input, promotion, image } = one;
  const event = one.eventOf(image);
  const { bad, target, notices } = rollbackOf(one);
  if (target !== undefined) {
    const { existing, problems } = await readRollback(input, image, target, event);
    return taken(one, bad, existing, problems, [backNotice(image, target.name, target.until)]);
  }
  // A base has no version of its own: it goes back with what is built FROM it.
  const user = input.config.images.find((other) => other.base === image.name);
  const follows = user === undefined ? undefined : rollbackOf({ ...one, image: user }).target;
  if (user !== undefined && follows !== undefined) {
    const {
      existing,
      problems,
      notices: reported,
    } = await readBaseRollback(input, image, user, follows, event);
    return taken(one, bad, existing, problems, reported);
  }
  if (promotion !== undefined) {
    const { existing, problems } = promotion.images[image.name] ?? { problems: [] };
    return taken(one, bad, existing, problems, notices);
  }
  const built = await readImageIntent(input, { ...one, event, bad });
  return { ...built, notices: [...notices, ...built.notices] };
}

/** The bad versions, and where an image goes back to. */
function rollbackOf({ input, eventOf, promotion, image }: One): {
  readonly bad: readonly string[];
  readonly target?: RollbackTarget;
  readonly notices: readonly string[];
} {
  const { rollback } = input.config;
  const event = eventOf(image);
  const versionOf = (name: string) => versionUnder(image, name, event, input.now);
  const bad = (rollback?.bad ?? []).flatMap((name) => versionOf(name) ?? []);
  const to = rollback?.to === undefined ? undefined : versionOf(rollback.to);
  const incoming =
    promotion === undefined
      ? versionAndForm(imageRules(image, event, input.now).entries, event).version
      : promotion.images[image.name]?.existing?.release.version;
  const decision = decideRollback({ rollback, image: image.name, to, bad, incoming });
  if (!decision.holds) return { bad, notices: decision.notice === undefined ? [] : [decision.notice] };
  if (rollback?.to === undefined || to === undefined) return { bad, notices: [] };
  return { bad, target: { name: rollback.to, version: to, until: decision.until }, notices: [] };
}

/** An intent for content that is taken as it is, under the tags that this stack's rules give for its reference. */
async function taken(
  { input, git, image }: One,
  bad: readonly string[],
  existing: TakenImage["existing"],
  problems: readonly Problem[],
  notices: readonly string[],
): Promise<ReadIntent> {
  if (existing === undefined) return { problems, notices };
  const { release, content } = existing;
  const event = await eventOfRelease({ env: input.env, git }, release);
  const rules = imageRules(image, event, input.now);
  const intent = existingIntent({
    config: input.config,
    image,
    release,
    content,
    entries: rules.entries,
    event,
    bad,
  });
  return {
    intent,
    problems: [...problems, ...rules.problems, ...withoutTags(intent)],
    notices: [...notices, ...rules.warnings.map((warning) => `${image.name}: ${warning}`)],
  };
}

function withoutTags({ name, tags, ref }: ImageIntent): Problem[] {
  if (tags.length > 0) return [];
  return [
    {
      code: "release-without-tags",
      path: name,
      message: `the tag rules give no tag for ${ref || "a release without a reference"}`,
      hint: "Promote a release of a version (a git tag on stage), or add a rule that fits, such as type=sha.",
    },
  ];
}

/** A version that no image's rules make is a typing error, or belongs to another lane. */
function unknownVersions({ config, now }: PlanReleaseInput, event: ReleaseEvent): Problem[] {
  const { to, bad = [], images } = config.rollback ?? {};
  const asked = config.images.filter(({ name }) => images?.includes(name) ?? true);
  const named = [
    ...(to === undefined ? [] : [{ path: "rollback.to", name: to }]),
    ...bad.map((name, index) => ({ path: `rollback.bad[${index}]`, name })),
  ];
  return named
    .filter(({ name }) => asked.every((image) => versionUnder(image, name, event, now) === undefined))
    .map(({ path, name }) => ({
      code: "rollback-no-version",
      path,
      message: `${JSON.stringify(name)} is no version by the tag rules of ${asked.map((image) => image.name).join(", ")}`,
      hint: "Write it as the git tag that was released, e.g. v1.2.2.",
    }));
}

function backNotice(image: ImageConfig, to: string, until: string | undefined): string {
  return until === undefined
    ? `${image.name}: rollback to ${to}, for as long as rollback.to is set (name the bad versions in rollback.bad)`
    : `${image.name}: rollback to ${to}, until a version newer than ${until} is released; nothing is built`;
}
