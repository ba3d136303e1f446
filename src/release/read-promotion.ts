import type { ImageConfig, PromoteConfig } from "../plan/config";
import { type ExistingRelease, findVersion } from "../plan/existing-release";
import { imageRules, versionUnder } from "../plan/image-tags";
import type { PolicyFinding } from "../plan/policy/policy-config";
import type { Problem } from "../plan/problem";
import {
  advisoryRules,
  checkPromotion,
  manifestRelease,
  promotionGate,
  promotionRefusals,
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
import type { PromotionRules } from "../plan/trust";
import type { PlanReleaseInput } from "./plan-release";
import { readStatedBase, type TakenImage } from "./read-rollback";

/** What one image is promoted as, or why it is not. Neither: there is nothing to promote it from yet. */
interface PromotedImage extends TakenImage {
  /** What the team's policy only warns of. Default: nothing. */
  readonly findings?: readonly PolicyFinding[];
}

export interface Promotion {
  readonly images: Readonly<Record<string, PromotedImage>>;
  /** What stops all of them. */
  readonly problems: readonly Problem[];
}

interface Found {
  readonly release?: ExistingRelease;
  readonly problems: readonly Problem[];
}

/** What is promoted, by digest: from another stack's manifest, or from a version's statement in a registry. */
export async function readPromotion(
  input: PlanReleaseInput,
  promote: PromoteConfig,
  event: ReleaseEvent,
): Promise<Promotion> {
  const { source } = promote;
  const selected = input.config.images.filter(({ name }) => promote.images?.includes(name) ?? true);
  const kept = input.config.images.filter((image) => !selected.includes(image));
  const from =
    source.kind === "stack"
      ? { of: source.stack, remedy: `pulumi up --stack ${source.stack}` }
      : {
          of: `the statement of ${source.version}`,
          remedy: `pulumi up where ${source.registry.host} is released to`,
        };
  const read = await readReleases(input, promote, selected, event);
  const entries = await Promise.all(
    selected.map(async (image): Promise<[string, PromotedImage]> => {
      const { release, problems } = read.found[image.name] ?? { problems: [] };
      if (release === undefined) return [image.name, { problems }];
      return [image.name, await check(input, promote, image, release, from)];
    }),
  );
  const before = await Promise.all(
    kept.map(async (image) => [image.name, await asBefore(input, image)] as const),
  );
  return {
    images: Object.fromEntries([...entries, ...before]),
    problems: read.problems,
  };
}

async function readReleases(
  input: PlanReleaseInput,
  { source }: PromoteConfig,
  selected: readonly ImageConfig[],
  event: ReleaseEvent,
): Promise<{ readonly found: Readonly<Record<string, Found>>; readonly problems: readonly Problem[] }> {
  if (source.kind === "statement") {
    const found = await Promise.all(
      selected.map(async (image): Promise<[string, Found]> => {
        const readOne = image.addressed === undefined ? readStated : readStatedBaseOf;
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

/** A version by its write-once tag and its statement. The tag may be spelled by other rules than this stack's. */
async function readStated(
  { now, registries, config, previous }: PlanReleaseInput,
  image: ImageConfig,
  source: Extract<PromoteConfig["source"], { kind: "statement" }>,
  event: ReleaseEvent,
): Promise<Found> {
  const name = source.version;
  const own = imageRules(image, { ...event, ref: `refs/tags/${name}` }, now).entries;
  const tags = [
    ...new Set([
      ...own.filter((entry) => entry.class === "version").map((entry) => entry.name),
      name.replaceAll(/[^A-Za-z0-9._-]+/g, "-"),
      name.replace(/^v(?=\d)/, ""),
    ]),
  ];
  const repository = repositoryKey(repositoryIn(source.registry, image));
  const { found, problems } = await registries.inspectImages(
    tags.map((tag) => `${repository}:${tag}`),
    promotionSigner(config),
  );
  if (problems.length > 0) return { problems };
  return findVersion({
    image: image.name,
    // It was signed for the lower registry, where it is read.
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

/** A base has no version: it is the one that what is built from it was built FROM. Without one it is left out. */
async function readStatedBaseOf(
  input: PlanReleaseInput,
  base: ImageConfig,
  source: Extract<PromoteConfig["source"], { kind: "statement" }>,
  event: ReleaseEvent,
): Promise<Found> {
  const user = input.config.images.find((image) => image.base === base.name);
  const of = user === undefined ? undefined : (await readStated(input, user, source, event)).release;
  if (of === undefined) return { problems: [] };
  const stated = await readStatedBase(input, base, of, [repositoryKey(repositoryIn(source.registry, base))]);
  return "reason" in stated ? { problems: [] } : { release: stated.release, problems: [] };
}

async function check(
  { config, registries }: PlanReleaseInput,
  { source: { kind } }: PromoteConfig,
  image: ImageConfig,
  release: ExistingRelease,
  from: { readonly of: string; readonly remedy: string },
): Promise<PromotedImage> {
  const references = release.repositories.map((repository) => `${repository}@${release.digest}`);
  const inspected = await registries.inspectImages(references);
  const found = Object.fromEntries(
    release.repositories.map((repository) => [
      repository,
      inspected.found[`${repository}@${release.digest}`],
    ]),
  );
  const { source, problems } = checkPromotion({
    release,
    ...from,
    platforms: image.platforms,
    // A base has no version of its own: it comes along with what is built from it.
    asserted: image.addressed === undefined ? config.version : undefined,
    requireTag: config.requireTag && image.addressed === undefined,
    found,
    problems: inspected.problems,
  });
  if (source === undefined) return { problems };
  const holding = release.repositories.filter((repository) => found[repository] !== undefined);
  const ask = (rules: PromotionRules) =>
    registries.verifyImage(promotionRequest(rules, image, release, holding));
  const rules = promotionGate(config);
  const unverified = rules === undefined ? [] : promotionRefusals(await ask(rules), from.remedy);
  const advisory = rules === undefined ? undefined : advisoryRules(rules, config.policy);
  const findings =
    advisory === undefined || unverified.length > 0 ? [] : promotionWarnings(await ask(advisory));
  const platforms = found[source]?.platforms ?? release.platforms;
  // Another stack's state names the digest itself; a tag in a registry is only a hint.
  const unsigned = kind === "stack" ? "state" : "registry";
  const verifiedBy = rules === undefined ? unsigned : "signature";
  const sbom = lacksSbom(found[source]?.annotations) ? "unavailable" : undefined;
  const content = {
    from: "promotion",
    digest: release.digest,
    source,
    of: from.of,
    verifiedBy,
    sbom,
  } as const;
  const existing = { release: { ...release, platforms }, content };
  return { existing, problems: [...problems, ...unverified], findings };
}

/** An image that is not selected stays as this stack promoted it last, and has to pass the gate too. */
async function asBefore(
  { previous, config, registries }: PlanReleaseInput,
  image: ImageConfig,
): Promise<PromotedImage> {
  const last = previous?.images.find(({ name }) => name === image.name);
  if (previous === undefined || last === undefined) return { problems: [] };
  const own = repositoriesOf(config, image).map(repositoryKey);
  const source = last.promotedFrom ?? own[0] ?? "";
  const release = manifestRelease(previous, last);
  const rules = promotionGate(config);
  const request = rules && promotionRequest(rules, image, release, release.repositories);
  const problems = request
    ? promotionRefusals(await registries.verifyImage(request), "promote it again")
    : [];
  const verifiedBy = rules === undefined ? "state" : "signature";
  const of = "what was promoted before";
  const content = { from: "promotion", digest: last.digest, source, of, verifiedBy } as const;
  return { existing: { release, content }, problems };
}
