import type { ImageConfig, PromoteConfig } from "../plan/config";
import { type ExistingRelease, findVersion } from "../plan/existing-release";
import { imageRules, versionUnder } from "../plan/image-tags";
import type { Problem } from "../plan/problem";
import {
  advisoryRules,
  checkPromotion,
  manifestRelease,
  promotionGate,
  promotionRequest,
  promotionSigner,
  promotionWarnings,
  readStackManifest,
} from "../plan/promotion";
import { repositoryKey } from "../plan/reference";
import { verificationOf } from "../plan/registry-state";
import { repositoriesOf, repositoryIn } from "../plan/release-intent";
import { lacksSbom } from "../plan/sbom";
import type { ReleaseEvent } from "../plan/tag-rules/event";
import { type ExistingReleaseInput, gateRefusals, readStatedBase, type TakenImage } from "./read-rollback";

export interface PromotionInput extends ExistingReleaseInput {
  /** The `manifest` output of another stack of the project; undefined if that stack was never released. */
  readonly stackManifest: (stack: string) => Promise<unknown>;
}

export interface Promotion {
  readonly images: Readonly<Record<string, TakenImage>>;
  /** Problems that stop all images. */
  readonly problems: readonly Problem[];
}

interface Found {
  readonly release?: ExistingRelease;
  readonly problems: readonly Problem[];
}

type Statement = Extract<PromoteConfig["source"], { kind: "statement" }>;

/** What is promoted, by digest: from another stack's manifest, or from a version's statement in a registry. */
export async function readPromotion(
  input: PromotionInput,
  promote: PromoteConfig,
  event: ReleaseEvent,
): Promise<Promotion> {
  const { images } = input.config;
  const isSelected = ({ name }: ImageConfig) => promote.images?.includes(name) ?? true;
  const read = await readReleases(input, promote, images.filter(isSelected), event);
  const taken = await Promise.all(
    images.map(async (image): Promise<[string, TakenImage]> => {
      if (!isSelected(image)) return [image.name, await readUnselected(input, image)];
      const { release, problems } = read.found[image.name] ?? { problems: [] };
      return [
        image.name,
        release === undefined ? { problems } : await checkRelease(input, promote, image, release),
      ];
    }),
  );
  return { images: Object.fromEntries(taken), problems: read.problems };
}

async function readReleases(
  input: PromotionInput,
  { source }: PromoteConfig,
  selected: readonly ImageConfig[],
  event: ReleaseEvent,
): Promise<{ readonly found: Readonly<Record<string, Found>>; readonly problems: readonly Problem[] }> {
  if (source.kind === "statement") {
    const found = await Promise.all(
      selected.map(async (image): Promise<[string, Found]> => {
        const readOne = image.addressed === undefined ? readStated : readBaseOfStated;
        return [image.name, await readOne(input, image, source, event)];
      }),
    );
    return { found: Object.fromEntries(found), problems: [] };
  }
  const { manifest, problems } = readStackManifest(source.stack, await input.stackManifest(source.stack));
  if (manifest === undefined) return { found: {}, problems };
  const found = selected.map(({ name }): [string, Found] => {
    const entry = manifest.images.find((image) => image.name === name);
    if (entry !== undefined) return [name, { release: manifestRelease(manifest, entry), problems: [] }];
    const known = manifest.images.map((image) => image.name).join(", ");
    const problem = {
      code: "promotion-unknown-image",
      path: "promote.from",
      message: `${source.stack} never released ${name}; it released ${known || "nothing"}`,
      hint: `Release it there (pulumi up --stack ${source.stack}), or name those to promote: promote.images`,
    };
    return [name, { problems: [problem] }];
  });
  return { found: Object.fromEntries(found), problems: [] };
}

/** A version by its write-once tag and its statement. Another stack's rules may spell the tag differently. */
async function readStated(
  { now, registries, config, previous }: ExistingReleaseInput,
  image: ImageConfig,
  { version: name, registry }: Statement,
  event: ReleaseEvent,
): Promise<Found> {
  const own = imageRules(image, { ...event, ref: `refs/tags/${name}` }, now).entries;
  const tags = [
    ...new Set([
      ...own.filter((entry) => entry.class === "version").map((entry) => entry.name),
      name.replaceAll(/[^A-Za-z0-9._-]+/g, "-"),
      name.replace(/^v(?=\d)/, ""),
    ]),
  ];
  const repository = repositoryKey(repositoryIn(registry, image));
  const { found, problems } = await registries.inspectImages(
    tags.map((tag) => `${repository}:${tag}`),
    promotionSigner(config),
  );
  if (problems.length > 0) return { problems };
  return findVersion({
    image: image.name,
    // It was signed for the lower stage's registry, where it is read.
    verification: { ...verificationOf(config, image, previous), promotes: false },
    name,
    version: versionUnder(image, name, event, now) ?? name,
    path: "promote.statement",
    repositories: [repository],
    tags,
    found,
    overridden: false,
  });
}

/** A base has no version of its own: it is the one that its user was built FROM. If that is unknown, it is left out. */
async function readBaseOfStated(
  input: ExistingReleaseInput,
  base: ImageConfig,
  source: Statement,
  event: ReleaseEvent,
): Promise<Found> {
  const user = input.config.images.find((image) => image.base === base.name);
  const of = user === undefined ? undefined : (await readStated(input, user, source, event)).release;
  if (of === undefined) return { problems: [] };
  const stated = await readStatedBase(input, base, of, [repositoryKey(repositoryIn(source.registry, base))]);
  return "reason" in stated ? { problems: [] } : { release: stated.release, problems: [] };
}

/** Checks that a release is still there, fits what was asked for and passes the gate. */
async function checkRelease(
  { config, registries }: ExistingReleaseInput,
  { source: from }: PromoteConfig,
  image: ImageConfig,
  release: ExistingRelease,
): Promise<TakenImage> {
  const [of, remedy] =
    from.kind === "stack"
      ? [from.stack, `pulumi up --stack ${from.stack}`]
      : [`the statement of ${from.version}`, `pulumi up where ${from.registry.host} is released to`];
  const referenceIn = (repository: string) => `${repository}@${release.digest}`;
  const inspected = await registries.inspectImages(release.repositories.map(referenceIn));
  const found = Object.fromEntries(
    release.repositories.map((repository) => [repository, inspected.found[referenceIn(repository)]]),
  );
  const isBase = image.addressed !== undefined;
  const { source, problems } = checkPromotion({
    release,
    of,
    remedy,
    platforms: image.platforms,
    // A base has no version of its own: it is promoted with the image that is built from it.
    asserted: isBase ? undefined : config.version,
    requireTag: config.requireTag && !isBase,
    found,
    problems: inspected.problems,
  });
  if (source === undefined) return { problems };
  const holding = release.repositories.filter((repository) => found[repository] !== undefined);
  const refusals = await gateRefusals({ config, registries }, image, release, remedy, holding);
  const rules = promotionGate(config);
  const advisory = rules && advisoryRules(rules, config.policy);
  const findings =
    advisory === undefined || refusals.length > 0
      ? []
      : promotionWarnings(await registries.verifyImage(promotionRequest(advisory, image, release, holding)));
  // Another stack's state names the digest itself; a tag in a registry is only a hint.
  const unsigned = from.kind === "stack" ? "state" : "registry";
  const content = {
    from: "promotion",
    digest: release.digest,
    source,
    of,
    verifiedBy: rules === undefined ? unsigned : "signature",
    sbom: lacksSbom(found[source]?.annotations) ? "unavailable" : undefined,
  } as const;
  const platforms = found[source]?.platforms ?? release.platforms;
  const existing = { release: { ...release, platforms }, content };
  return { existing, problems: [...problems, ...refusals], findings };
}

/** An image that is not selected stays as this stack promoted it last, and has to pass the gate too. */
async function readUnselected(
  { previous, config, registries }: ExistingReleaseInput,
  image: ImageConfig,
): Promise<TakenImage> {
  const last = previous?.images.find(({ name }) => name === image.name);
  if (previous === undefined || last === undefined) return { problems: [] };
  const release = manifestRelease(previous, last);
  const content = {
    from: "promotion",
    digest: last.digest,
    source: last.promotedFrom ?? repositoriesOf(config, image).map(repositoryKey)[0] ?? "",
    of: "what was promoted before",
    verifiedBy: promotionGate(config) === undefined ? "state" : "signature",
  } as const;
  const problems = await gateRefusals({ config, registries }, image, release, "promote it again");
  return { existing: { release, content }, problems };
}
