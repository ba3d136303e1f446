import path from "node:path";
import { GitHubPackage, noToken } from "../github/packages";
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
import type { Config, RegistryConfig } from "../plan/config";
import { type Digest, isDigest } from "../plan/digest";
import { type Problem, ProblemError } from "../plan/problem";
import { movingTags, prunableKind } from "../plan/prunable-tags";
import {
  type PrunableImage,
  type PruneResult,
  type PruneRules,
  planPrune,
  type Removal,
  type RemovalOutcome,
  type RepositoryContents,
} from "../plan/prune";
import { repositoryKey } from "../plan/reference";
import { repositoryIn } from "../plan/release-intent";
import { RegistryError, repositoryError } from "../registry/errors";
import { isIndex } from "../registry/manifests";
import { readImage } from "../registry/read-image";
import {
  ContentsReader,
  checkDeletion,
  type TagDeletion,
  tryTagDeletion,
} from "../registry/repository-contents";
import type { Context } from "../release/operation";
import type { Location } from "../release/registries";
import { readBuildStatements } from "../signing/build-statements";
import { isBundleReferrer, readSignedFacts } from "../signing/evidence";
import { environmentToken } from "./dispatch/github";
import { readReleaseConfigs, recordedManifest } from "./plan/plan-stack";
import { runContext, untilInterrupted } from "./run-context";
import { say } from "./terminal";

interface PruneInput {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: Date;
  /** Seconds. */
  readonly olderThan?: number;
  /** Removes what is listed. */
  readonly yes: boolean;
}

/** Lists or removes what no release of a stack needs, in each repository of its images. */
export async function prune(options: PruneInput): Promise<{ code: number; results: readonly PruneResult[] }> {
  const projectDir = path.resolve(options.cwd);
  const { configs, unfinished } = await readReleaseConfigs({ ...options, projectDir });
  if (unfinished !== undefined)
    say(`note: releases that the program may declare after ${configs.length} are left out: ${unfinished}`);
  const rules = await pruneRules(configs, projectDir, options);
  const results: PruneResult[] = [];
  const left = "Each removal is whole; run the same command again to go on.";
  for (const config of configs) {
    const context = runContext(config, options.env, projectDir);
    const code = await untilInterrupted(context, "prune", left, async (signal) => {
      for (const place of await repositoriesToPrune(config, context)) {
        signal.throwIfAborted();
        const pruner = new RepositoryPruner(config, context, options.env, place, rules);
        results.push(await pruner.run(options.yes, signal));
      }
    });
    if (code !== 0) return { code, results };
  }
  return { code: results.some(({ problems }) => problems.length > 0) ? 1 : 0, results };
}

/** One set of rules for all releases of a program: releases that share a repository keep what either needs. */
async function pruneRules(
  configs: readonly Config[],
  projectDir: string,
  { stack, env, now, olderThan }: PruneInput,
): Promise<Omit<PruneRules, "images">> {
  const root = rootDir(projectDir, configs[0]?.root ?? ".");
  const git = await readGit(root);
  const event = await eventOfRelease({ env, git }, { revision: git.revision, ref: "" });
  const head = await gitText(root, ["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).catch(() => "");
  const deployed = configs.flatMap(({ github }) => github?.workflows?.deploy?.branches ?? []);
  const branches = ["main", "master", git.branch, event.defaultBranch, event.repository.defaultBranch]
    .concat(head.trim().replace(/^origin\//, ""), deployed)
    .filter((name) => name !== undefined && name !== "");
  const manifests = await Promise.allSettled(
    configs.map((config) => recordedManifest({ projectDir, config, env }, stack)),
  );
  if (manifests.some(({ status }) => status === "rejected"))
    say(`note: ${stack}'s state cannot be read here; only what the registries hold is considered`);
  const released = manifests.flatMap((read) =>
    read.status === "rejected" ? [] : (read.value?.images.map(({ digest }) => digest) ?? []),
  );
  const adopted = configs.flatMap(({ adopt = [] }) =>
    adopt.map((entry) => entry.slice(entry.indexOf("@") + 1)),
  );
  return {
    recorded: new Set([...released, ...adopted.filter(isDigest)]),
    moving: movingTags({
      images: configs.flatMap(({ images }) => images),
      event,
      branches: [...new Set(branches)].flatMap((name) => name ?? []),
      gitTags: olderThan === undefined ? [] : await allTags(root),
      now,
    }),
    now,
    olderThan,
  };
}

/** The `host/path` of each repository of the stack's images, without registries that a release would skip. */
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
  readonly #env: NodeJS.ProcessEnv;
  #tagDeletion: Promise<TagDeletion> | undefined;
  #packages: Promise<GitHubPackage> | undefined;

  constructor(
    config: Config,
    context: Context,
    env: NodeJS.ProcessEnv,
    repository: string,
    rules: Omit<PruneRules, "images">,
  ) {
    this.#config = config;
    this.#context = context;
    this.#env = env;
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
      return { ...nothing, problems: problemsOf(error) };
    }
    const plan = planPrune(contents, this.#rules);
    const shown = { ...plan, tagCount: contents.tags.size, problems: [] };
    if (!yes || plan.removals.length === 0) return shown;
    try {
      if (this.#registry?.packages !== undefined) await (await this.#package()).versions();
      else if (!this.#hasHub) await checkDeletion(this.#at);
    } catch (error) {
      return { ...shown, problems: cannotDelete(repository, error) };
    }
    return { ...shown, ...(await this.#carryOut(plan.removals, signal)) };
  }

  /** Removes one after the other. Right before each removal the registry is read and the rules are applied again. */
  async #carryOut(
    removals: readonly Removal[],
    signal: AbortSignal,
  ): Promise<Pick<PruneResult, "outcomes" | "problems">> {
    const outcomes: RemovalOutcome[] = [];
    // Docker Hub deletes tags, not digests. In reverse, the tag that lists an image's signatures goes before the image's.
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
        outcomes.push({ digest, tags, removed: reason === undefined, reason });
      } catch (error) {
        signal.throwIfAborted();
        // Stop, since later removals can depend on this one: signatures go after what they sign.
        outcomes.push({ digest, tags, removed: false, reason: "it failed" });
        return { outcomes, problems: problemsOf(error) };
      }
    }
    return { outcomes, problems: [] };
  }

  /** @returns why it was not removed */
  async #remove({ digest, tags, by, manifests }: Removal): Promise<string | undefined> {
    const { client, repository } = this.#at;
    if (this.#hasHub) {
      const { hub, path: name } = this.#context.registries.hubAt(this.#place.repository);
      for (const tag of tags) await hub.deleteTag(name, tag);
    } else if (this.#registry?.packages !== undefined) {
      if (by === "tag") return "GitHub deletes no tag alone, and the digest is needed";
      const versions = await this.#package();
      for (const version of [digest, ...manifests]) await versions.delete(version);
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
    const isForeign = bundles.length > 0 && signed.claims.length + signed.statements.length === 0;
    const owner =
      other !== undefined
        ? `it is ${other.image}${other.lane === "" ? "" : ` of the lane ${other.lane}`}`
        : isForeign
          ? "it is signed, but not by this stack's signers"
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
      owner,
      madeAt,
    };
  }

  /** When it was built, by its provenance: the annotation can be the date of an older commit. */
  async #madeAt(
    digest: Digest,
    created: string | undefined,
    tags: readonly string[],
  ): Promise<Date | undefined> {
    const times = [Date.parse(created ?? "")];
    // Provenance is only read if all tags may go: otherwise the age does not matter.
    if (tags.every((tag) => this.#mayGo(tag))) {
      const { client, repository } = this.#at;
      const index = (await client.getManifest(repository, digest))?.json;
      const built = isIndex(index) ? await readBuildStatements(this.#at, index) : [];
      times.push(...built.map(({ finishedAt }) => finishedAt?.getTime() ?? Number.NaN));
    }
    const known = times.filter((time) => !Number.isNaN(time));
    return known.length === 0 ? undefined : new Date(Math.max(...known));
  }

  /** Docker Hub deletes tags only by its own API. */
  get #hasHub(): boolean {
    return this.#registry?.hub !== undefined;
  }

  get #registry(): RegistryConfig | undefined {
    return this.#config.registries.find(({ host }) => host === this.#place.client.host);
  }

  /** Uses a GitHub token if there is one, since deleting needs more rights than a push; else the registry's password. */
  #package(): Promise<GitHubPackage> {
    this.#packages ??= packageAt(this.#place, this.#registry?.packages ?? "", this.#context, this.#env);
    return this.#packages;
  }

  get #at() {
    return { client: this.#place.client, repository: this.#place.path };
  }
}

async function packageAt(
  { client: { host }, path: name }: Location,
  baseUrl: string,
  { registries }: Context,
  env: NodeJS.ProcessEnv,
): Promise<GitHubPackage> {
  const given = environmentToken(new URL(baseUrl).hostname, env);
  const pushing = given === undefined ? await registries.connect(host).credentials() : undefined;
  const token =
    given?.token ??
    (pushing !== undefined && "password" in pushing.credentials ? pushing.credentials.password : undefined);
  if (token === undefined) throw noToken(`${host}/${name}`);
  return new GitHubPackage({ baseUrl, path: name, token, tokenFrom: given?.from ?? pushing?.from ?? "" });
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof RegistryError) return [error.toProblem()];
  if (error instanceof ProblemError) return error.problems;
  throw error;
}

function cannotDelete(repository: string, error: unknown): readonly Problem[] {
  const problems = problemsOf(error);
  if (problems[0]?.code !== "registry-unsupported") return problems;
  const host = repository.slice(0, repository.indexOf("/"));
  return [
    {
      code: "prune-cannot-delete",
      path: repository,
      message: `${host} does not delete by the registry's API, so nothing was removed`,
      hint:
        "Allow deletes in the registry (distribution: REGISTRY_STORAGE_DELETE_ENABLED=true), or remove the tags by its " +
        "own means. For a GitHub Enterprise server, set `packages` of the registry.",
    },
  ];
}
