import { type MissingPart, readMissingParts } from "../inputs/checkout";
import { eventOfRelease, type ReleasedEvent } from "../inputs/event";
import type { GitSource } from "../inputs/git";
import { rootDir } from "../inputs/project-files";
import type { ImageConfig } from "../plan/config";
import { existingIntent } from "../plan/existing-release";
import { imageRules, versionAndForm, versionUnder } from "../plan/image-tags";
import type { PolicyFinding } from "../plan/policy/policy-config";
import type { Problem } from "../plan/problem";
import type { ImageIntent } from "../plan/release-intent";
import { decideRollback } from "../plan/rollback";
import { isSelected } from "../plan/selection";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import type { Environment } from "../settings/environment";
import { type Promotion, type PromotionInput, readPromotion } from "./read-promotion";
import { type RollbackTarget, readBaseRollback, readRollback, type TakenImage } from "./read-rollback";
import { type ReadIntent, readWorkingTree, sbomGenerators } from "./read-working-tree";

export interface IntentsInput extends PromotionInput {
  readonly projectDir: string;
  readonly env: Environment;
}

interface ReadIntents {
  readonly intents: readonly ImageIntent[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
  /** Where promoted images break rules of the team's policy that only warn. */
  readonly findings: readonly PolicyFinding[];
}

/**
 * What each image should become. Its content is an earlier version (a rollback that holds), what was verified elsewhere
 * (a promotion), or what the working tree makes.
 */
export async function readIntents(
  input: IntentsInput,
  git: GitSource,
  { event, eventOf }: Pick<ReleasedEvent, "event" | "eventOf">,
): Promise<ReadIntents> {
  const { config } = input;
  const promotion =
    config.promote === undefined ? undefined : await readPromotion(input, config.promote, event);
  const selected = config.images.filter(({ name }) => isSelected(config, name));
  const reader = new IntentReader(input, git, eventOf, promotion);
  const read = await afterTheirBases(selected, (image, base) => reader.read(image, base));
  const intents = read.flatMap(({ intent }) => intent ?? []);
  const allBack =
    intents.length === read.length && intents.every(({ existing }) => existing?.from === "rollback");
  return {
    intents,
    problems: [
      // A rollback must not depend on what stage does meanwhile.
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

/** All at once; an image waits for the one that it is built FROM. The configuration's rules allow no cycle. */
function afterTheirBases(
  images: readonly ImageConfig[],
  read: (image: ImageConfig, base: ImageIntent | undefined) => Promise<ReadIntent>,
): Promise<ReadIntent[]> {
  const started = new Map<string, Promise<ReadIntent>>();
  const start = (image: ImageConfig): Promise<ReadIntent> => {
    const before = started.get(image.name);
    if (before !== undefined) return before;
    const base = images.find(({ name }) => name === image.base);
    const reading = Promise.resolve(base === undefined ? undefined : start(base)).then((found) =>
      read(image, found?.intent),
    );
    started.set(image.name, reading);
    return reading;
  };
  return Promise.all(images.map(start));
}

class IntentReader {
  readonly #input: IntentsInput;
  readonly #git: GitSource;
  readonly #eventOf: ReleasedEvent["eventOf"];
  readonly #promotion: Promotion | undefined;
  readonly #readGenerator: ReturnType<typeof sbomGenerators>;
  #missing: Promise<readonly MissingPart[]> | undefined;

  constructor(
    input: IntentsInput,
    git: GitSource,
    eventOf: ReleasedEvent["eventOf"],
    promotion: Promotion | undefined,
  ) {
    this.#input = input;
    this.#git = git;
    this.#eventOf = eventOf;
    this.#promotion = promotion;
    this.#readGenerator = sbomGenerators(input.registries);
  }

  async read(image: ImageConfig, base: ImageIntent | undefined): Promise<ReadIntent> {
    const input = this.#input;
    const event = this.#eventOf(image);
    const { bad, target, notices } = this.#rollbackOf(image);
    if (target !== undefined) {
      const taken = await readRollback(input, image, target, event);
      return this.#take(image, bad, { ...taken, notices: [rollbackNotice(image, target)] });
    }
    // A base has no version of its own: it goes back with what is built FROM it.
    const user = input.config.images.find((other) => other.base === image.name);
    const userTarget = user && this.#rollbackOf(user).target;
    if (user !== undefined && userTarget !== undefined)
      return this.#take(image, bad, await readBaseRollback(input, image, user, userTarget, event));
    if (this.#promotion !== undefined) {
      const { existing, problems } = this.#promotion.images[image.name] ?? { problems: [] };
      return this.#take(image, bad, { existing, problems, notices });
    }
    const built = await readWorkingTree(
      {
        ...input,
        git: this.#git,
        readGenerator: this.#readGenerator,
        readMissing: () => this.#readMissing(),
      },
      image,
      { base, event, bad },
    );
    return { ...built, notices: [...notices, ...built.notices] };
  }

  /** Read once, and only if an image is built here. */
  #readMissing(): Promise<readonly MissingPart[]> {
    this.#missing ??= readMissingParts(rootDir(this.#input.projectDir, this.#input.config.root));
    return this.#missing;
  }

  /** The bad versions, and the one that an image goes back to. */
  #rollbackOf(image: ImageConfig): {
    readonly bad: readonly string[];
    readonly target?: RollbackTarget;
    readonly notices: readonly string[];
  } {
    const { config, now } = this.#input;
    const { rollback } = config;
    const event = this.#eventOf(image);
    const versionOf = (name: string) => versionUnder(image, name, event, now);
    const bad = (rollback?.bad ?? []).flatMap((name) => versionOf(name) ?? []);
    const to = rollback?.to === undefined ? undefined : versionOf(rollback.to);
    const incoming =
      this.#promotion === undefined
        ? versionAndForm(imageRules(image, event, now).entries, event).version
        : this.#promotion.images[image.name]?.existing?.release.version;
    const decision = decideRollback({ rollback, image: image.name, to, bad, incoming });
    if (!decision.holds) return { bad, notices: decision.notice === undefined ? [] : [decision.notice] };
    if (rollback?.to === undefined || to === undefined) return { bad, notices: [] };
    return { bad, target: { name: rollback.to, version: to, until: decision.until }, notices: [] };
  }

  /** An intent for content that is taken as it is, under the tags that this stack's rules give for its reference. */
  async #take(
    image: ImageConfig,
    bad: readonly string[],
    { existing, problems, notices = [] }: TakenImage,
  ): Promise<ReadIntent> {
    if (existing === undefined) return { problems, notices };
    const { config, env, now } = this.#input;
    const { release, content } = existing;
    const event = await eventOfRelease({ env, git: this.#git }, release);
    const rules = imageRules(image, event, now);
    const intent = existingIntent({ config, image, release, content, entries: rules.entries, event, bad });
    return {
      intent,
      problems: [...problems, ...rules.problems, ...missingTags(intent)],
      notices: [...notices, ...rules.warnings.map((warning) => `${image.name}: ${warning}`)],
    };
  }
}

function missingTags({ name, tags, ref }: ImageIntent): Problem[] {
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

/** A version that no image's rules give is a typing error, or belongs to another lane. */
function unknownVersions({ config, now }: IntentsInput, event: ReleaseEvent): Problem[] {
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
      message: `${JSON.stringify(name)} is not a version by the tag rules of ${asked.map((image) => image.name).join(", ")}`,
      hint: "Write it as the git tag that was released, e.g. v1.2.2.",
    }));
}

function rollbackNotice(image: ImageConfig, { name, until }: RollbackTarget): string {
  return until === undefined
    ? `${image.name}: rollback to ${name}, for as long as rollback.to is set (name the bad versions in rollback.bad)`
    : `${image.name}: rollback to ${name}, until a version newer than ${until} is released; nothing is built`;
}
