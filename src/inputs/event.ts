import { readFile, stat } from "node:fs/promises";
import type { Config, ImageConfig } from "../plan/config";
import { releaseTag } from "../plan/image-tags";
import { type Lane, laneGitTag, laneTags, laneVersion, laneVersionProblem } from "../plan/lanes";
import { type Problem, ProblemError, reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import { pageAddress } from "../plan/reference";
import { isSelected } from "../plan/selection";
import {
  branchOf,
  correctedSha,
  type ReleaseEvent,
  releaseEventFromGitHub,
  tagOf,
} from "../plan/tag-rules/event";
import { RELEASE_NAME_PATTERN } from "../plan/versions";
import type { Environment } from "../settings/environment";
import type { GitSource } from "./git";

interface SourceEvent {
  readonly event: ReleaseEvent;
  readonly origin: string;
}

export interface EventInput {
  readonly env: Environment;
  readonly git: GitSource;
  /** `slipway:version` or RELEASE_TAG. */
  readonly version?: string;
  /** Git tags that a dispatch can name. @default those at HEAD */
  readonly namedTags?: readonly string[];
}

const PAYLOAD_LIMIT = 25 * 1024 * 1024;

/**
 * What is being released, for the tag rules: the first of these that exists.
 *
 * 1. An asserted version, `refs/tags/<version>`, on GitHub too.
 * 2. The git tag at HEAD that a dispatch names by its input `ref` or `tag`.
 * 3. GitHub's event (GITHUB_REF and its payload), unless it is a dispatch whose input `ref` checked out another commit.
 * 4. The first tag at HEAD, `refs/tags/<tag>`.
 * 5. The branch, `refs/heads/<branch>`.
 * 6. For a detached HEAD an empty reference, so that only rules about the commit give tags.
 *
 * The commit is always git's HEAD, which is what is built; its date is the committer's.
 *
 * @throws ProblemError `source-tag-name` for a tag outside the grammar of a release's name, `source-event-commit` if
 *   GitHub's event is about another commit than HEAD, `source-event-payload` for a payload that cannot be read
 */
export async function readEvent(input: EventInput): Promise<SourceEvent> {
  const { env, version, git } = input;
  const onGitHub = (env.GITHUB_REF ?? "") !== "";
  const payload = onGitHub ? await readPayload(env.GITHUB_EVENT_PATH) : {};
  if (version !== undefined) {
    return about(input, payload, `refs/tags/${version}`, `the version ${version} that was asked for`);
  }
  const dispatched = onGitHub ? dispatchedTag(input, payload) : undefined;
  if (dispatched !== undefined)
    return about(input, payload, `refs/tags/${dispatched}`, `the tag ${dispatched} that was dispatched`);
  if (onGitHub && !isDispatchOfAnother(input, payload)) return fromGitHub(input, payload);
  const [tag] = git.tagsAtHead;
  if (tag !== undefined) return about(input, payload, `refs/tags/${tag}`, `the tag ${tag} at HEAD`);
  if (git.branch !== undefined)
    return about(input, payload, `refs/heads/${git.branch}`, `the branch ${git.branch}`);
  return about(input, payload, "", "a detached HEAD without a release's tag");
}

/** The event of a release that exists, for the tag rules: its own reference and commit, whatever HEAD is. */
export async function eventOfRelease(
  { env, git }: Pick<EventInput, "env" | "git">,
  release: { readonly revision: string; readonly ref: string },
): Promise<ReleaseEvent> {
  const payload = env.GITHUB_REF ? await readPayload(env.GITHUB_EVENT_PATH) : {};
  const released = { ...git, revision: release.revision };
  return about({ env, git: released }, payload, release.ref, "").event;
}

/** An event from git's facts, with the description, license and default branch of GitHub's payload if there is one. */
function about(input: EventInput, payload: unknown, ref: string, origin: string): SourceEvent {
  const { env } = input;
  const name = env.GITHUB_REF ? (env.GITHUB_EVENT_NAME ?? "push").replace(/^pull_request.*/, "push") : "push";
  return { event: eventAtHead(input, name, ref, payload), origin };
}

function eventAtHead(
  { env, git }: Pick<EventInput, "env" | "git">,
  eventName: string,
  ref: string,
  payload: unknown,
): ReleaseEvent {
  checkTag(ref);
  const { revision, commitDate } = git;
  // A schedule's payload may name no repository; it always runs on the default branch.
  const defaultBranch = eventName === "schedule" ? (branchOf(ref) ?? git.defaultBranch) : git.defaultBranch;
  const page = repositoryPage(env, git);
  const known = {
    ...(page === undefined ? {} : { name: page.split("/").at(-1), html_url: page }),
    default_branch: defaultBranch,
  };
  const event = releaseEventFromGitHub({
    eventName,
    ref,
    sha: revision,
    payload,
    repository: { ...known, ...givenRepository(payload) },
    commitDate,
    sourceOfSha: "event",
    now: commitDate,
  });
  return { ...event, defaultBranch: event.defaultBranch ?? defaultBranch };
}

/** The git tag at HEAD that the inputs of a dispatch name, even if the workflow was started on a branch. */
function dispatchedTag(
  { env, git, namedTags = git.tagsAtHead }: EventInput,
  payload: unknown,
): string | undefined {
  const inputs = isRecord(payload) ? payload.inputs : undefined;
  if (env.GITHUB_EVENT_NAME !== "workflow_dispatch" || !isRecord(inputs)) return undefined;
  const named = [inputs.ref, inputs.tag].map((name) => String(name).replace(/^refs\/tags\//, ""));
  return named.find((name) => namedTags.includes(name));
}

/** Whether a dispatch checked out what its input `ref` names, which GITHUB_REF does not say. */
function isDispatchOfAnother({ env, git }: EventInput, payload: unknown): boolean {
  if (env.GITHUB_EVENT_NAME !== "workflow_dispatch" || env.GITHUB_SHA === git.revision) return false;
  const inputs = isRecord(payload) ? payload.inputs : undefined;
  return isRecord(inputs) && typeof inputs.ref === "string" && inputs.ref !== "";
}

function fromGitHub({ env, git }: EventInput, payload: unknown): SourceEvent {
  const ref = env.GITHUB_REF ?? "";
  checkTag(ref);
  const eventName = env.GITHUB_EVENT_NAME || "push";
  const sha = env.GITHUB_SHA || git.revision;
  const head = correctedSha({ eventName, sha, payload, sourceOfSha: "pull-request-head" });
  if (sha !== git.revision && head !== git.revision) {
    throw refused({
      code: "source-event-commit",
      path: "GITHUB_SHA",
      message: `GitHub's event is about ${sha.slice(0, 12)}, but HEAD is ${git.revision.slice(0, 12)}`,
      hint: "Check out the event's commit, or name what is released instead: RELEASE_TAG=v1.2.3",
    });
  }
  const event = eventAtHead({ env, git }, eventName, ref, payload);
  return { event, origin: `GitHub's ${eventName} event (${ref})` };
}

/** The repository's web page, on the workflow's own server, which can be Gitea's or an Enterprise one. */
function repositoryPage(env: Environment, git: GitSource): string | undefined {
  if (!env.GITHUB_REPOSITORY) return git.page;
  const server = (env.GITHUB_SERVER_URL || "https://github.com").replace(/\/+$/, "");
  return pageAddress(`${server}/${env.GITHUB_REPOSITORY}`) ?? git.page;
}

function givenRepository(payload: unknown): Readonly<Record<string, unknown>> {
  const given = isRecord(payload) && isRecord(payload.repository) ? payload.repository : {};
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== ""));
}

function checkTag(ref: string): void {
  const tag = tagOf(ref);
  if (tag === undefined || RELEASE_NAME_PATTERN.test(tag)) return;
  throw refused({
    code: "source-tag-name",
    path: "version",
    message: `${JSON.stringify(tag)} is not a release's name: letters, digits and . _ + / @ - are allowed, up to 128`,
  });
}

async function readPayload(path: string | undefined): Promise<unknown> {
  if (!path) return {};
  try {
    const { size } = await stat(path);
    if (size > PAYLOAD_LIMIT) throw new Error(`it is larger than ${PAYLOAD_LIMIT / 1024 / 1024} MiB`);
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw refused({
      code: "source-event-payload",
      path: "GITHUB_EVENT_PATH",
      message: `the event's payload ${JSON.stringify(path)} cannot be read: ${reasonOf(error)}`,
    });
  }
}

function refused(problem: Problem): ProblemError {
  return new ProblemError("The event cannot be read:", [problem]);
}

export interface ReleasedEvent {
  /** What is released, regardless of any image's rules. */
  readonly event: ReleaseEvent;
  /** What is released of an image. */
  readonly eventOf: (image: ImageConfig) => ReleaseEvent;
  /** The git tag of an asserted version. */
  readonly gitTag?: string;
  /** Git tags at HEAD, or the event's own, that release one of this stack's images. */
  readonly releaseTags: readonly string[];
  readonly problems: readonly Problem[];
  /** What is released, and why. */
  readonly notices: readonly string[];
}

/**
 * What is released, by `readEvent`. For each image, only the tags at HEAD that its own rules match count; in a lane,
 * only the lane's git tags and versions.
 */
export async function readReleasedEvent(
  config: Config,
  env: Environment,
  git: GitSource,
  now: Date,
): Promise<ReleasedEvent> {
  return config.lane === undefined
    ? readEventOfImages(config, env, git, now)
    : readEventOfLane({ ...config, lane: config.lane }, env, git);
}

async function readEventOfImages(
  config: Config,
  env: Environment,
  git: GitSource,
  now: Date,
): Promise<ReleasedEvent> {
  const { images, version } = config;
  const read = (tags: readonly string[]) =>
    readEvent({ env, git: { ...git, tagsAtHead: tags }, version, namedTags: git.tagsAtHead });
  const whole = await read([]);
  const named = tagOf(whole.event.ref);
  const candidates = named === undefined ? git.tagsAtHead : [named];
  const tags = new Map(
    images.map((image) => [image.name, releaseTag(image, candidates, whole.event, now)] as const),
  );
  const selected = images.flatMap(({ name }) => (isSelected(config, name) ? [name] : []));
  const releaseTags = [...new Set(selected.flatMap((name) => tags.get(name) ?? []))];
  const sources = new Map(
    await Promise.all(
      [...new Set(tags.values())].map(async (tag) => [tag, await read(tag ? [tag] : [])] as const),
    ),
  );
  const sourceOf = (name: string) => sources.get(tags.get(name)) ?? whole;
  const origins = [...new Set(selected.map((name) => sourceOf(name).origin))];
  const others = candidates.filter((tag) => tag !== named && !releaseTags.includes(tag));
  return {
    event: whole.event,
    eventOf: ({ name }) => sourceOf(name).event,
    gitTag: version,
    releaseTags,
    problems: [],
    notices: [
      ...origins.map((origin) => {
        const of = selected.filter((name) => sourceOf(name).origin === origin);
        return `the release${origins.length === 1 ? "" : ` of ${of.join(", ")}`} is ${origin}`;
      }),
      ...(others.length === 0 ? [] : [`not released, but also at HEAD: ${others.join(", ")}`]),
    ],
  };
}

async function readEventOfLane(
  { lane, lanes, version }: Config & { readonly lane: Lane },
  env: Environment,
  git: GitSource,
): Promise<ReleasedEvent> {
  const tagsAtHead = laneTags(lane, git.tagsAtHead);
  const source = await readEvent({ env, git: { ...git, tagsAtHead }, version });
  const name = tagOf(source.event.ref);
  const path = version === undefined ? "GITHUB_REF" : "version";
  const problem = name === undefined ? undefined : laneVersionProblem({ lane, lanes }, name, path);
  const known = version === undefined ? undefined : laneVersion(lane, version);
  const example = `${lane.form.prefix}0.2.1`;
  // A version of another lane must not become one of this lane's tags, not even in a plan that is refused.
  const event = problem === undefined ? source.event : { ...source.event, ref: "" };
  return {
    event,
    eventOf: () => event,
    gitTag: known && laneGitTag(lane, known),
    releaseTags: tagsAtHead,
    problems: problem === undefined ? [] : [problem],
    notices: [
      `the release is ${source.origin}`,
      ...(name === undefined
        ? [
            `there is no version of the lane ${lane.name}, so none of its version tags is written, and ` +
              `without any tag \`up\` refuses: name one (TAG=${example}), or push a git tag ${lane.trigger}0.2.1`,
          ]
        : []),
    ],
  };
}
