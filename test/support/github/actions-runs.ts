import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { crc32, deflateRawSync } from "node:zlib";
import { OpenApiCheck } from "./openapi-check";

export interface StandInOptions {
  /** @default octo/app */
  readonly repository?: string;
  /** Branches and tags -> the files of their commit. `main` is the default branch. */
  readonly refs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly tags?: readonly string[];
  /** false: like an older server, 204 without a word about the run. @default true */
  readonly namesRuns?: boolean;
  /** @default active */
  readonly workflowState?: string;
  readonly secrets?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether the token may write. @default true */
  readonly push?: boolean;
  readonly archived?: boolean;
}

/** What becomes of a dispatch. */
export interface Fate {
  /** In the list of runs, and by its id, after so many looks. `never`: it is missing. @default 0 */
  readonly startsAfter?: number | "never";
  /** @default success */
  readonly conclusion?: string;
  /** Runs for ever. @default false */
  readonly stuck?: true | "waiting";
  /** Its jobs -> their steps, all but the last done while it runs. @default Release: Check out, Release */
  readonly jobs?: Readonly<Record<string, readonly string[]>>;
  /** The failed job's log. */
  readonly log?: string;
  /** Artifacts: name -> files. */
  readonly artifacts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** A neighbour's run, that starts when the dispatch is made. */
  readonly neighbour?: { readonly actor?: string; readonly branch?: string };
  /** Somebody deletes the run while it runs. */
  readonly deleted?: true;
}

interface Run {
  readonly id: number;
  readonly title: string;
  readonly branch: string;
  readonly actor: string;
  readonly fate: Fate;
  readonly startedAt: string;
  looks: number;
  steps: number;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly raw?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

export const TOKEN = "ghp_canary1234567890";
const LOGIN = "maintainer";
const WORKFLOW_ID = 77;
const AT = "2026-01-10T00:30:00Z";
const openApi = new OpenApiCheck();

/**
 * A stand-in for GitHub's Actions: repository, workflows, dispatches, runs that go on by one step with each look at
 * them, jobs, logs and artifacts. Requests and answers are checked against GitHub's OpenAPI.
 */
export class ActionsRuns {
  readonly requests: SeenRequest[] = [];
  /** Where requests or answers do not fit GitHub's description. */
  readonly problems: string[] = [];
  readonly dispatches: { readonly ref: string; readonly inputs: Readonly<Record<string, string>> }[] = [];
  /** What becomes of the next dispatches, in order; the last one counts for all that follow. */
  fates: Fate[] = [{}];
  /** For faults: its answer comes instead; `reset` cuts the connection, `hang` never answers. */
  intercept: (method: string, path: string) => Answer | "reset" | "after-reset" | "hang" | undefined = () =>
    undefined;
  readonly #options: StandInOptions;
  readonly #runs: Run[] = [];
  readonly #server: Server;
  #nextId = 1000;

  static async start(options: StandInOptions): Promise<ActionsRuns> {
    const standIn = new ActionsRuns(options);
    await new Promise<void>((resolve) => standIn.#server.listen(0, "127.0.0.1", resolve));
    return standIn;
  }

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        this.problems.push(String(error));
        response.writeHead(500).end(String(error));
      });
    });
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the stand-in does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  count(method: string, path: RegExp): number {
    return this.requests.filter((request) => request.method === method && path.test(request.path)).length;
  }

  /** A run that was there before. */
  addRun(branch = "main", actor = LOGIN): void {
    this.#add("Old release", branch, actor, {});
  }

  #add(title: string, branch: string, actor: string, fate: Fate): Run {
    this.#nextId += 1;
    const startedAt = new Date().toISOString();
    const run = { id: this.#nextId, title, branch, actor, fate, startedAt, looks: 0, steps: 0 };
    this.#runs.unshift(run);
    return run;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const url = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "GET";
    const path = url.pathname;
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const { authorization } = request.headers;
    if (path.startsWith("/blobs/")) {
      // Where GitHub's storage is: another host, which must not see the token.
      const [, , id = "", name = ""] = path.split("/");
      response.setHeader("content-type", name === "log" ? "text/plain; charset=utf-8" : "application/zip");
      response.end(this.#blob(Number(id), decodeURIComponent(name)));
      return;
    }
    this.requests.push({ method, path, body, authorization });
    this.problems.push(...openApi.request(method, path, url.searchParams, body));
    const fault = this.intercept(method, path);
    if (fault === "hang") return;
    if (fault === "reset") {
      request.socket.destroy();
      return;
    }
    const answer =
      fault !== undefined && fault !== "after-reset"
        ? fault
        : authorization === `token ${TOKEN}`
          ? this.#answer(method, path, url.searchParams, body)
          : refusal(401, "Bad credentials");
    if (fault === "after-reset") {
      request.socket.destroy();
      return;
    }
    this.problems.push(...openApi.answer(method, path, answer.status, answer.body));
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "4999",
      ...answer.headers,
    });
    response.end(answer.raw ?? (answer.body === undefined ? "" : JSON.stringify(answer.body)));
  }

  #answer(method: string, path: string, query: URLSearchParams, body: unknown): Answer {
    if (path === "/user") return ok(user(LOGIN));
    const base = `/repos/${this.#repository}`;
    if (path === base) return ok(this.#repositoryBody());
    if (!path.startsWith(`${base}/`)) return notFound;
    const rest = path.slice(base.length + 1);
    const [, commit] = /^commits\/(.+)$/.exec(rest) ?? [];
    if (commit !== undefined) return this.#commit(decodeURIComponent(commit));
    const [, file] = /^contents\/(.+)$/.exec(rest) ?? [];
    if (file !== undefined) return this.#contents(decodeURIComponent(file), query.get("ref") ?? "main");
    const [, variable] = /^actions\/variables\/(.+)$/.exec(rest) ?? [];
    if (variable !== undefined) return this.#variable(variable);
    if (rest === "actions/secrets") return ok(listOf("secrets", (this.#options.secrets ?? []).map(secret)));
    if (rest === "actions/organization-secrets") return ok(listOf("secrets", []));
    if (/^environments\/[^/]+\/secrets$/.test(rest)) return notFound;
    if (rest === "actions/workflows") return ok(listOf("workflows", [this.#workflow()]));
    if (rest.startsWith("actions/workflows/")) return this.#workflows(method, rest, body);
    return this.#runsAnswer(rest);
  }

  get #repository(): string {
    return this.#options.repository ?? "octo/app";
  }

  #workflows(method: string, rest: string, body: unknown): Answer {
    const [, , which = "", what] = rest.split("/");
    const isKnown = which === "release-docker.yml" || which === String(WORKFLOW_ID);
    if (!isKnown || this.#files("main")[".github/workflows/release-docker.yml"] === undefined)
      return notFound;
    if (what === undefined) return ok(this.#workflow());
    if (what === "runs") {
      for (const run of this.#runs) run.looks += 1;
      return ok(
        listOf(
          "workflow_runs",
          this.#visible().map((run) => this.#runBody(run)),
        ),
      );
    }
    return method === "POST" && what === "dispatches" ? this.#dispatch(body) : notFound;
  }

  #dispatch(body: unknown): Answer {
    const { ref, inputs = {}, return_run_details } = Object(body);
    if (this.#options.namesRuns === false && return_run_details !== undefined)
      return refusal(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.');
    if (this.#options.refs[ref] === undefined) return refusal(422, `No ref found for: ${ref}`);
    this.dispatches.push({ ref, inputs });
    const fate = this.fates.length > 1 ? this.fates.shift() : this.fates[0];
    const { neighbour } = fate ?? {};
    if (neighbour !== undefined)
      this.#add("Release (neighbour)", neighbour.branch ?? "main", neighbour.actor ?? LOGIN, {});
    const id = inputs.dispatch_id === undefined ? "" : ` (${inputs.dispatch_id})`;
    const run = this.#add(
      `Release ${inputs.version ?? inputs.input_ref ?? ref}${id}`,
      ref,
      LOGIN,
      fate ?? {},
    );
    if (this.#options.namesRuns === false) return { status: 204 };
    const run_url = `${this.url}/repos/${this.#repository}/actions/runs/${run.id}`;
    return ok({ workflow_run_id: run.id, run_url, html_url: this.#page(run.id) });
  }

  #visible(): Run[] {
    return this.#runs.filter(
      ({ fate: { startsAfter = 0 }, looks }) => startsAfter !== "never" && looks > startsAfter,
    );
  }

  #runsAnswer(rest: string): Answer {
    const [, kind, id = "", what] = rest.split("/");
    if (kind === "jobs" && what === "logs") {
      const log = this.#runs.find((run) => run.id === Math.floor(Number(id) / 10))?.fate.log;
      return log === undefined ? notFound : redirect(`${this.url}/blobs/${id}/log`);
    }
    if (kind === "artifacts" && what === "zip") {
      const run = this.#runs.find((one) => one.id === Math.floor(Number(id) / 10));
      const name = Object.keys(run?.fate.artifacts ?? {})[Number(id) % 10];
      return name === undefined ? notFound : redirect(`${this.url}/blobs/${run?.id}/${name}`);
    }
    const run = this.#runs.find((one) => one.id === Number(id));
    if (kind !== "runs" || run === undefined) return notFound;
    if (what === "artifacts") {
      const names = Object.keys(run.fate.artifacts ?? {});
      return ok(
        listOf(
          "artifacts",
          names.map((name, index) => artifact(run.id * 10 + index, name)),
        ),
      );
    }
    // A run that could not start has no jobs.
    if (what === "jobs")
      return ok(listOf("jobs", run.fate.conclusion === "startup_failure" ? [] : this.#jobs(run)));
    run.looks += 1;
    if (what !== undefined || !this.#visible().includes(run)) return notFound;
    run.steps += 1;
    return run.fate.deleted && run.steps > 2 ? notFound : ok(this.#runBody(run));
  }

  /** queued, then running for two looks, then as it was fated. */
  #status({ fate, steps }: Run): { status: string; conclusion: string | null } {
    if (steps <= 1) return { status: "queued", conclusion: null };
    if (fate.stuck === "waiting") return { status: "waiting", conclusion: null };
    if (steps <= 3 || fate.stuck) return { status: "in_progress", conclusion: null };
    return { status: "completed", conclusion: fate.conclusion ?? "success" };
  }

  #blob(id: number, name: string): Buffer | string {
    const run = this.#runs.find((one) => one.id === id || one.id === Math.floor(id / 10));
    if (name === "log") return run?.fate.log ?? "";
    return zipOf(run?.fate.artifacts?.[name] ?? {});
  }

  #files(ref: string): Readonly<Record<string, string>> {
    const { refs } = this.#options;
    return refs[ref] ?? refs[Object.keys(refs).find((name) => shaOf(name) === ref) ?? ""] ?? {};
  }

  #commit(ref: string): Answer {
    const name = ref.replace(/^(?:heads|tags)\//, "");
    const isTag = ref.startsWith("tags/");
    const known =
      this.#options.refs[name] !== undefined && (!isTag || (this.#options.tags ?? []).includes(name));
    if (!known) return refusal(422, `No commit found for SHA: ${ref}`);
    return ok(commitBody(shaOf(name)));
  }

  #contents(path: string, ref: string): Answer {
    const text = this.#files(ref)[path];
    if (text === undefined) return notFound;
    const name = path.split("/").at(-1) ?? "";
    const links = { self: this.url, git: null, html: null };
    return ok({
      ...{ type: "file", encoding: "base64", size: text.length, name, path, sha: shaOf(path) },
      content: Buffer.from(text).toString("base64"),
      ...{ url: this.url, git_url: null, html_url: null, download_url: null, _links: links },
    });
  }

  #variable(name: string): Answer {
    const value = this.#options.variables?.[name];
    return value === undefined ? notFound : ok({ name, value, created_at: AT, updated_at: AT });
  }

  #page(id: number): string {
    return `https://github.com/${this.#repository}/actions/runs/${id}`;
  }

  #workflow() {
    const state = this.#options.workflowState ?? "active";
    const path = ".github/workflows/release-docker.yml";
    const [url, html_url, badge_url] = [this.url, this.url, this.url];
    return {
      ...{ id: WORKFLOW_ID, node_id: "W_1", name: "Release", path, state, created_at: AT, updated_at: AT },
      ...{ url, html_url, badge_url },
    };
  }

  #runBody(run: Run) {
    const sha = shaOf(run.branch);
    const urls = Object.fromEntries(
      "url jobs_url logs_url check_suite_url artifacts_url cancel_url rerun_url workflow_url"
        .split(" ")
        .map((name) => [name, this.url]),
    );
    const commit = { id: sha, tree_id: sha, message: "m", timestamp: AT, author: null, committer: null };
    return {
      ...{ id: run.id, node_id: "R_1", name: "Release", run_number: run.id, display_title: run.title },
      ...{ event: "workflow_dispatch", ...this.#status(run), head_branch: run.branch, head_sha: sha },
      ...{
        path: ".github/workflows/release-docker.yml",
        workflow_id: WORKFLOW_ID,
        html_url: this.#page(run.id),
      },
      ...{ created_at: AT, updated_at: AT, pull_requests: [], actor: user(run.actor), head_commit: commit },
      ...{ head_repository: this.#minimalRepository(), repository: this.#minimalRepository(), ...urls },
    };
  }

  #jobs(run: Run) {
    const jobs = run.fate.jobs ?? { Release: ["Check out", "Release"] };
    return Object.entries(jobs).map(([name, steps], index) =>
      this.#job(run, run.id * 10 + index, name, steps),
    );
  }

  #job(run: Run, id: number, jobName: string, stepNames: readonly string[]) {
    const state = this.#status(run);
    const isDone = state.status === "completed";
    const step = (number: number, name: string, conclusion: string | null) => ({
      ...{ number, name, conclusion, status: conclusion === null ? "in_progress" : "completed" },
      ...{ started_at: run.startedAt, completed_at: conclusion === null ? null : run.startedAt },
    });
    const steps =
      state.status === "queued" || state.status === "waiting"
        ? []
        : stepNames.map((name, index) =>
            step(index + 1, name, index + 1 < stepNames.length ? "success" : state.conclusion),
          );
    return {
      ...{ id, run_id: run.id, run_url: this.url, node_id: "J_1", head_sha: shaOf(run.branch) },
      ...{ url: this.url, html_url: `${this.#page(run.id)}/job/${id}`, ...state, steps },
      ...{ created_at: AT, started_at: run.startedAt, completed_at: isDone ? run.startedAt : null },
      ...{ name: jobName, labels: [] },
      ...{
        check_run_url: this.url,
        runner_id: 1,
        runner_name: "r",
        runner_group_id: 1,
        runner_group_name: "g",
      },
      ...{ workflow_name: "Release", head_branch: run.branch },
    };
  }

  #minimalRepository() {
    const [owner = "", name = ""] = this.#repository.split("/");
    return {
      ...{ id: 1, node_id: "R", name, full_name: this.#repository, private: false, owner: user(owner) },
      ...{ html_url: this.url, description: null, fork: false, url: this.url, hooks_url: this.url },
      ...Object.fromEntries(REPOSITORY_URLS.map((key) => [key, this.url])),
    };
  }

  #repositoryBody() {
    const { push = true, archived = false } = this.#options;
    const counts = ["forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count"];
    const more = ["watchers", "watchers_count", "network_count", "subscribers_count"];
    const flags = ["has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions"];
    return {
      ...this.#minimalRepository(),
      ...Object.fromEntries([...counts, ...more].map((key) => [key, 0])),
      ...Object.fromEntries(flags.map((key) => [key, false])),
      ...Object.fromEntries(["clone_url", "git_url", "ssh_url", "svn_url"].map((key) => [key, this.url])),
      ...{ homepage: null, language: null, mirror_url: null, license: null, archived, disabled: false },
      ...{ default_branch: "main", pushed_at: AT, created_at: AT, updated_at: AT },
      permissions: { admin: false, push, pull: true },
    };
  }
}

const REPOSITORY_URLS = (
  "archive_url assignees_url blobs_url branches_url collaborators_url comments_url commits_url compare_url " +
  "contents_url contributors_url deployments_url downloads_url events_url forks_url git_commits_url git_refs_url " +
  "git_tags_url issue_comment_url issue_events_url issues_url keys_url labels_url languages_url merges_url " +
  "milestones_url notifications_url pulls_url releases_url stargazers_url statuses_url subscribers_url " +
  "subscription_url tags_url teams_url trees_url"
).split(" ");

const notFound = refusal(404, "Not Found");

function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function refusal(status: number, message: string, headers?: Readonly<Record<string, string>>): Answer {
  return { status, body: { message }, ...(headers === undefined ? {} : { headers }) };
}

function redirect(location: string): Answer {
  return { status: 302, headers: { location } };
}

function listOf(name: string, entries: readonly unknown[]) {
  return { total_count: entries.length, [name]: entries };
}

function secret(name: string) {
  return { name, created_at: AT, updated_at: AT };
}

function artifact(id: number, name: string) {
  return {
    ...{ id, node_id: "A_1", name, size_in_bytes: 10, url: "u", archive_download_url: "u" },
    ...{ expired: false, created_at: AT, expires_at: AT, updated_at: AT },
  };
}

function user(login: string) {
  const urls =
    "avatar_url url html_url followers_url following_url gists_url starred_url subscriptions_url organizations_url repos_url events_url received_events_url";
  return {
    ...{ login, id: 1, node_id: "U_1", gravatar_id: "", type: "User", site_admin: false },
    ...Object.fromEntries(urls.split(" ").map((key) => [key, "https://github.com/u"])),
    ...{ name: null, company: null, blog: null, location: null, email: null, hireable: null, bio: null },
    ...{ public_repos: 0, public_gists: 0, followers: 0, following: 0, created_at: AT, updated_at: AT },
  };
}

function commitBody(sha: string) {
  const url = "https://github.com/c";
  const commit = {
    ...{ url, author: null, committer: null, message: "m", comment_count: 0, tree: { sha, url } },
  };
  const more = { author: null, committer: null, parents: [] };
  return { url, sha, node_id: "C_1", html_url: url, comments_url: url, commit, ...more };
}

/** A commit for a name: the same name, the same commit. */
function shaOf(name: string): string {
  return crc32(name).toString(16).padStart(8, "0").repeat(5);
}

/** A zip as actions/upload-artifact makes it: deflated, sizes behind the bytes. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const bytes = Buffer.from(text);
    const packed = deflateRawSync(bytes);
    const sizes = [crc32(bytes), packed.length, bytes.length];
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(8, 6);
    head.writeUInt16LE(8, 8);
    head.writeUInt16LE(Buffer.byteLength(name), 26);
    const behind = Buffer.alloc(16);
    behind.writeUInt32LE(0x08074b50, 0);
    for (const [index, size] of sizes.entries()) behind.writeUInt32LE(size, 4 + 4 * index);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 8);
    entry.writeUInt16LE(8, 10);
    for (const [index, size] of sizes.entries()) entry.writeUInt32LE(size, 16 + 4 * index);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE(offset, 42);
    const parts = [head, Buffer.from(name), packed, behind];
    local.push(...parts);
    central.push(entry, Buffer.from(name));
    offset += Buffer.concat(parts).length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
