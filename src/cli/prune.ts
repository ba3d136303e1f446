import path from "node:path";
import { gitText } from "../inputs/commands";
import { eventOfRelease } from "../inputs/event";
import { allTags, readGit } from "../inputs/git";
import { rootDir } from "../inputs/project-files";
import {
  CONTENT_KEY_ANNOTATION,
  CREATED_ANNOTATION,
  REVISION_ANNOTATION,
  VERSION_ANNOTATION,
} from "../plan/annotations";
import type { Config } from "../plan/config";
import { type Digest, isDigest } from "../plan/digest";
import type { Problem } from "../plan/problem";
import {
  movingTags,
  type PrunableImage,
  type PruneResult,
  type PruneRules,
  planPrune,
  prunableKind,
  type Removal,
  type RemovalOutcome,
  type RepositoryContents,
} from "../plan/prune";
import { repositoryKey } from "../plan/reference";
import { repositoryIn } from "../plan/release-intent";
import { RegistryError, repositoryError } from "../registry/errors";
import { isIndex } from "../registry/manifest";
import { ContentsReader } from "../registry/read-contents";
import { readImage } from "../registry/read-image";
import { checkDeletion, type TagDeletion, tryTagDeletion } from "../registry/tag-deletion";
import type { Context } from "../release/operation";
import type { Location } from "../release/registries";
import { readBuildStatements } from "../signing/build-statements";
import { isBundleReferrer, readSignedFacts } from "../signing/evidence";
import { readStackConfig, recordedManifest } from "./plan-without-engine";
import { runContext, untilInterrupted } from "./run-context";
import { say } from "./terminal";

export interface Prune {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: Date;
  /** Seconds. */
  readonly olderThan?: number;
  /** Carries it out; else it is only listed. */
  readonly yes: boolean;
}

/** Lists, or removes, what no release of a stack needs, in each repository of its images. */
export async function prune(options: Prune): Promise<{ code: number; results: readonly PruneResult[] }> {
  const projectDir = path.resolve(options.cwd);
  const config = await readStackConfig({ ...options, projectDir });
  const context = runContext(config, options.env, projectDir);
  const rules = await pruneRules(config, projectDir, options);
  const results: PruneResult[] = [];
  const left = "Each removal is whole; run the same again to go on.";
  const code = await untilInterrupted(context, "prune", left, async (signal) => {
    for (const place of await repositoriesToPrune(config, context)) {
      signal.throwIfAborted();
      results.push(await new RepositoryPruner(config, context, place, rules).run(options.yes, signal));
    }
  });
  const isStopped = results.some(({ problems }) => problems.length > 0);
  return { code: code === 0 && isStopped ? 1 : code, results };
}

async function pruneRules(
  config: Config,
  projectDir: string,
  { stack, env, now, olderThan }: Prune,
): Promise<Omit<PruneRules, "images">> {
  const root = rootDir(projectDir, config.root);
  const git = await readGit(root);
  const event = await eventOfRelease({ env, git }, { revision: git.revision, ref: "" });
  const head = await gitText(root, ["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).catch(() => "");
  const deployed = config.github?.workflows?.deploy?.branches ?? [];
  const branches = ["main", "master", git.branch, event.defaultBranch, event.repository.defaultBranch]
    .concat(head.trim().replace(/^origin\//, ""), deployed)
    .filter((name) => name !== undefined && name !== "");
  const last = await recordedManifest({ projectDir, config, env }, stack).catch(() => {
    say(`note: ${stack}'s state cannot be read here; what the registries hold has to do`);
    return undefined;
  });
  const adopted = (config.adopt ?? []).map((entry) => entry.slice(entry.indexOf("@") + 1));
  return {
    recorded: new Set([...(last?.images.map(({ digest }) => digest) ?? []), ...adopted.filter(isDigest)]),
    moving: movingTags({
      images: config.images,
      event,
      branches: [...new Set(branches)].flatMap((name) => name ?? []),
      gitTags: olderThan === undefined ? [] : await allTags(root),
      now,
    }),
    now,
    ...(olderThan === undefined ? {} : { olderThan }),
  };
}

/** `host/path` of each repository of the stack's images; registries that a release would skip are left out. */
async function repositoriesToPrune(config: Config, context: Context): Promise<string[]> {
  const ready = await Promise.all(
    config.registries.map(async (registry) => {
      const isSkipped =
        registry.optional && (await context.registries.connect(registry.host).credentials()) === undefined;
      if (isSkipped) say(`note: ${registry.host} is skipped: optional, and there are no credentials for it`);
      return isSkipped ? [] : config.images.map((image) => repositoryKey(repositoryIn(registry, image)));
    }),
  );
  return [...new Set(ready.flat())];
}

class RepositoryPruner {
  readonly #config: Config;
  readonly #context: Context;
  readonly #place: Location;
  readonly #rules: PruneRules;
  readonly #reader: ContentsReader;
  #tagDeletion: Promise<TagDeletion> | undefined;

  constructor(config: Config, context: Context, repository: string, rules: Omit<PruneRules, "images">) {
    this.#config = config;
    this.#context = context;
    this.#place = context.registries.at(repository);
    const images = config.images.filter((image) =>
      config.registries.some((registry) => repositoryKey(repositoryIn(registry, image)) === repository),
    );
    this.#rules = { ...rules, images };
    this.#reader = new ContentsReader({
      at: this.#at,
      mayGo: (tag) => this.#mayGo(tag),
      readImage: (digest, tags) => this.#readImage(digest, tags),
    });
  }

  async run(yes: boolean, signal: AbortSignal): Promise<PruneResult> {
    const { repository } = this.#place;
    const nothing = { repository, tags: [], removals: [], tagCount: 0, problems: [] };
    let contents: RepositoryContents;
    try {
      contents = await this.#reader.read();
    } catch (error) {
      signal.throwIfAborted();
      return { ...nothing, problems: [problemOf(error)] };
    }
    const plan = planPrune(contents, this.#rules);
    const shown = { ...plan, tagCount: contents.tags.size, problems: [] };
    if (!yes || plan.removals.length === 0) return shown;
    try {
      if (!this.#hasHub) await checkDeletion(this.#at);
    } catch (error) {
      return { ...shown, problems: [cannotDelete(repository, error)] };
    }
    return { ...shown, ...(await this.#carryOut(plan.removals, signal)) };
  }

  /** One removal after the other, each judged again by what the registry has right before it. */
  async #carryOut(
    removals: readonly Removal[],
    signal: AbortSignal,
  ): Promise<Pick<PruneResult, "outcomes" | "problems">> {
    const outcomes: RemovalOutcome[] = [];
    // Without deletes by digest an image stays beneath its tags, and with it the list of its signatures: that goes first.
    for (const { digest, tags, by } of this.#hasHub ? [...removals].reverse() : removals) {
      signal.throwIfAborted();
      try {
        const now = planPrune(await this.#reader.read([digest]), this.#rules);
        const removal = now.removals.find(
          (one) =>
            one.digest === digest &&
            (one.by === by || one.by === "tag") &&
            one.tags.every((tag) => tags.includes(tag)),
        );
        const reason = removal === undefined ? "it changed since it was listed" : await this.#remove(removal);
        outcomes.push({
          digest,
          tags,
          removed: reason === undefined,
          ...(reason === undefined ? {} : { reason }),
        });
      } catch (error) {
        signal.throwIfAborted();
        // What comes later can depend on what failed: signatures go after what they sign.
        outcomes.push({ digest, tags, removed: false, reason: "it failed" });
        return { outcomes, problems: [problemOf(error)] };
      }
    }
    return { outcomes, problems: [] };
  }

  /** @returns why it was left */
  async #remove({ digest, tags, by, manifests }: Removal): Promise<string | undefined> {
    const { client, repository } = this.#at;
    if (this.#hasHub) {
      const { hub, path: name } = this.#context.registries.hubAt(this.#place.repository);
      for (const tag of tags) await hub.deleteTag(name, tag);
    } else if (by === "tag") {
      this.#tagDeletion ??= tryTagDeletion(this.#at);
      const deletes = await this.#tagDeletion;
      if (deletes !== "tag")
        return deletes === "nothing"
          ? "the registry deletes no tag alone, and the digest is needed"
          : "the registry deletes the digest with a tag, and the digest is needed";
      for (const tag of tags) await client.deleteTag(repository, tag);
    } else {
      await client.deleteManifest(repository, digest);
      for (const part of manifests) await client.deleteManifest(repository, part);
    }
    for (const tag of tags)
      if ((await client.headManifest(repository, tag)) !== undefined)
        throw repositoryError(this.#at, "registry-refused", `:${tag} is still there after it was deleted`);
    return undefined;
  }

  #mayGo(tag: string): boolean {
    const kind = prunableKind(tag, this.#rules.moving);
    if (kind === "candidate") return true;
    return this.#rules.olderThan !== undefined && kind !== undefined && kind !== "referrers";
  }

  async #readImage(digest: Digest, tags: readonly string[]): Promise<PrunableImage | undefined> {
    const { client, repository } = this.#at;
    const image = await readImage(client, repository, digest, { statements: true });
    if (image === undefined) return undefined;
    const bundles = (await client.referrers(repository, digest)).filter(isBundleReferrer);
    const trusts = await this.#context.signing.trusts();
    const signed = await readSignedFacts(client, repository, digest, trusts);
    const said = [...signed.claims, ...signed.statements, ...image.statements];
    const names = this.#rules.images.map(({ name }) => name);
    const lane = this.#config.lane?.name ?? "";
    const other = said.find((one) => !names.includes(one.image) || one.lane !== lane);
    const isStrangers = bundles.length > 0 && signed.claims.length + signed.statements.length === 0;
    const owner =
      other !== undefined
        ? `it is ${other.image}${other.lane === "" ? "" : ` of the lane ${other.lane}`}`
        : isStrangers
          ? "it is signed, and none of this stack's signers did"
          : undefined;
    const { annotations } = image;
    const claimed = signed.claims.find(({ version }) => version !== undefined)?.version;
    const madeAt = await this.#madeAt(digest, annotations[CREATED_ANNOTATION], tags);
    return {
      versions: [...image.statements, ...signed.statements].map(({ version }) => version),
      claimed,
      builtFor: annotations[VERSION_ANNOTATION],
      revision: annotations[REVISION_ANNOTATION],
      isOurs: CONTENT_KEY_ANNOTATION in annotations,
      ...(owner === undefined ? {} : { owner }),
      ...(madeAt === undefined ? {} : { madeAt }),
    };
  }

  /** When it was built, by its provenance; a commit can be old, and its build of today. */
  async #madeAt(
    digest: Digest,
    created: string | undefined,
    tags: readonly string[],
  ): Promise<Date | undefined> {
    const times = [Date.parse(created ?? "")];
    // Provenance is not read for what stays or goes whatever its age.
    if (tags.every((tag) => this.#mayGo(tag))) {
      const { client, repository } = this.#at;
      const index = (await client.getManifest(repository, digest))?.json;
      const built = isIndex(index) ? await readBuildStatements(this.#at, index) : [];
      times.push(...built.map(({ finishedAt }) => finishedAt?.getTime() ?? Number.NaN));
    }
    const known = times.filter((time) => !Number.isNaN(time));
    return known.length === 0 ? undefined : new Date(Math.max(...known));
  }

  /** Docker Hub deletes tags by its own API, and nothing by the registry's. */
  get #hasHub(): boolean {
    const { host } = this.#place.client;
    return this.#config.registries.some((registry) => registry.host === host && registry.hub !== undefined);
  }

  get #at() {
    return { client: this.#place.client, repository: this.#place.path };
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof RegistryError) return error.toProblem();
  throw error;
}

function cannotDelete(repository: string, error: unknown): Problem {
  const problem = problemOf(error);
  if (problem.code !== "registry-unsupported") return problem;
  const host = repository.slice(0, repository.indexOf("/"));
  return {
    code: "prune-cannot-delete",
    path: repository,
    message: `${host} deletes nothing by the registry's API, so nothing was removed`,
    hint:
      host === "ghcr.io"
        ? "GHCR deletes by GitHub's packages API alone: gh api --method DELETE /user/packages/container/<name>/versions/<id>. That deletes a digest with all its tags."
        : "Allow deletes in the registry (distribution: REGISTRY_STORAGE_DELETE_ENABLED=true), or remove the tags by its own means.",
  };
}
