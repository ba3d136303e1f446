import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  ActionsRuns,
  type Fate,
  refusal,
  type StandInOptions,
  TOKEN,
} from "../../support/github/actions-runs";
import {
  DIGEST,
  FILE,
  INPUTS,
  KEPT,
  PINS,
  REPOSITORY,
  releaseProject,
  TREE,
  UNMARKED,
  USUAL,
  workflow,
} from "../../support/github/release-project";
import { linkedExample } from "../../support/linked";
import { type Ended, slipway } from "../../support/slipway";

/** How long a second of waiting is. */
const SECOND_MS = 10;
/** Where a run has to appear before the command gives up, also on a busy machine. */
const LONGER_SECOND_MS = 50;
const VERSION = ["--version", "v1.2.3"];
const LOCAL = "AWL_DOCKER_RELEASE_VERSION=v1.2.3 pulumi up --stack release";
let dir: string;
const started: ActionsRuns[] = [];

beforeAll(() => {
  dir = releaseProject();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(async () => {
  for (const standIn of started.splice(0)) {
    await standIn.close();
    expect(standIn.problems).toEqual([]);
  }
});

async function github(options: Partial<StandInOptions> = {}, ...fates: Fate[]): Promise<ActionsRuns> {
  const standIn = await ActionsRuns.start({ ...USUAL, ...options });
  if (fates.length > 0) standIn.fates = fates;
  started.push(standIn);
  return standIn;
}

async function dispatch(
  standIn: ActionsRuns | undefined,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  secondMs = SECOND_MS,
): Promise<Ended> {
  return checked(await slipway(argumentsOf(args), environment(standIn, env), secondMs));
}

/** @returns what a dispatch that fails prints */
async function failure(
  standIn: ActionsRuns | undefined,
  args = VERSION,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { code, err } = await dispatch(standIn, args, env);
  expect(code, err).toBe(1);
  return err;
}

/** The command as a process of its own: for signals, and for two dispatches at once. */
function dispatchProcess(standIn: ActionsRuns, args: string[], onStart?: (child: ChildProcess) => void) {
  return new Promise<Ended>((resolve, reject) => {
    const program = path.resolve(__dirname, "../../support/github/quick-slipway.cjs");
    const child = spawn(process.execPath, [program, ...argumentsOf(args)], { env: environment(standIn) });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve(checked({ code, out, err })));
    onStart?.(child);
  });
}

function argumentsOf(args: readonly string[]): string[] {
  return ["dispatch", "-C", dir, ...args];
}

function environment(standIn: ActionsRuns | undefined, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  const server = standIn === undefined ? {} : { GITHUB_API_URL: standIn.url };
  return { PATH, HOME, GIT_CONFIG_GLOBAL: "/dev/null", GH_TOKEN: TOKEN, ...server, ...more };
}

function checked(ended: Ended): Ended {
  expect(ended.out + ended.err).not.toContain(TOKEN);
  return ended;
}

describe("a release", () => {
  test("runs the default branch's workflow where the version's tag has none", async () => {
    const standIn = await github({ refs: { main: TREE, "v1.2.3": PINS } }, { artifacts: KEPT });
    const { code } = await dispatch(standIn, VERSION);
    expect(standIn.dispatches.map(({ ref }) => ref)).toEqual(["main"]);
    expect(code).toBe(0);
  });

  test("is dispatched, followed, and ends with the manifest's digests and a link", async () => {
    const standIn = await github({}, { artifacts: KEPT });
    const { code, out, err } = await dispatch(standIn, VERSION);
    expect(err).toContain("Release: Release: succeeded");
    expect(err.match(/^Release: runs$/gm)).toHaveLength(1);
    expect(out).toContain(DIGEST);
    expect(out).toContain(`Released. https://github.com/${REPOSITORY}/actions/runs/1001`);
    expect(code).toBe(0);
    expect(standIn.dispatches).toEqual([
      {
        ref: "v1.2.3",
        inputs: { version: "v1.2.3", input_ref: "refs/tags/v1.2.3", dispatch_id: expect.any(String) },
      },
    ]);
    expect(standIn.requests.every(({ authorization }) => authorization === `token ${TOKEN}`)).toBe(true);
  });

  test("is reported as JSON, with every setting from the stack's variables", async () => {
    const standIn = await github({ refs: { ...USUAL.refs, ci: TREE } }, { artifacts: KEPT });
    const prefix = "AWL_DOCKER_RELEASE_";
    const env = {
      [`${prefix}VERSION`]: "v1.2.3",
      [`${prefix}INPUT_REF`]: "v1.2.3",
      [`${prefix}WORKFLOW_REF`]: "ci",
      [`${prefix}PUBLISH_VERSION_TAG`]: "false",
    };
    const { code, out } = await dispatch(standIn, ["--json"], env);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      repository: REPOSITORY,
      run: { id: 1001, conclusion: "success" },
      manifests: [{ images: [{ digest: DIGEST }] }],
    });
    expect(standIn.dispatches).toMatchObject([
      { ref: "ci", inputs: { version: "v1.2.3", input_ref: "v1.2.3", publish_version_tag: "false" } },
    ]);
  });

  test.each([true, false])("is not waited for with --no-wait (names its run: %s)", async (namesRuns) => {
    const standIn = await github({ namesRuns }, { stuck: true });
    const { code, out } = await dispatch(standIn, [...VERSION, "--no-wait"]);
    expect(code).toBe(0);
    expect(out).toContain(namesRuns ? "/actions/runs/1001" : "/actions/workflows/release-docker.yml");
    expect(standIn.count("GET", /\/actions\/runs\//)).toBe(0);
  });
});

test("without a token in the environment, gh gives the one for this server", async () => {
  const standIn = await github({}, { artifacts: KEPT });
  const server = new URL(standIn.url).host;
  const script = `[ "$*" = "auth token --hostname ${server}" ] && echo ${TOKEN}`;
  const env = { GH_TOKEN: "", PATH: await withGh(script) };
  const { code, err } = await dispatch(standIn, [...VERSION, "--no-wait"], env);
  expect(err).toContain("Dispatched release-docker.yml");
  expect(code).toBe(0);
  expect(standIn.requests.every(({ authorization }) => authorization === `token ${TOKEN}`)).toBe(true);
});

/** @returns a PATH with a `gh` that runs the script */
async function withGh(script: string): Promise<string> {
  const bin = path.join(dir, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(path.join(bin, "gh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${bin}:${process.env.PATH}`;
}

test("the files of a project in a folder are looked for in that folder of the repository", async () => {
  const folder = path.join(dir, "release");
  await mkdir(folder, { recursive: true });
  try {
    for (const name of ["Pulumi.yaml", "index.ts"])
      await copyFile(path.join(dir, name), path.join(folder, name));
    const settings = await readFile(path.join(dir, "Pulumi.release.yaml"), "utf8");
    const below = settings.replace("config:\n", "config:\n  slipway:root: ..\n");
    await writeFile(path.join(folder, "Pulumi.release.yaml"), below);
    const standIn = await github();
    const { code, err } = await dispatch(standIn, [...VERSION, "-C", folder, "--no-wait"]);
    expect(err).toContain("Dispatched release-docker.yml");
    expect(code).toBe(0);
    const none = await github({ refs: { main: TREE, "v1.2.3": { [FILE]: TREE[FILE] ?? "" } } });
    const refused = await dispatch(none, [...VERSION, "-C", folder]);
    expect(refused.err).toContain("VERSIONS.env at v1.2.3: does not exist");
    expect(none.requests.map((request) => request.path).join()).toContain("/contents/VERSIONS.env");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each(["v0.2.1", "docker-v0.2.1"])("a lane's version %s is its own git tag", async (version) => {
  const lanes = linkedExample("docker-release-runbook");
  try {
    const tree = { [FILE]: workflow(["version", "ref"]) };
    const standIn = await github({ refs: { main: tree, "docker-v0.2.1": tree }, tags: ["docker-v0.2.1"] });
    const args = ["--stack", "main", "--repo", REPOSITORY, "--no-wait"];
    const { code, err } = await dispatch(standIn, ["-C", lanes, ...args, "--version", version]);
    expect(code, err).toBe(0);
    expect(standIn.dispatches).toEqual([
      { ref: "docker-v0.2.1", inputs: { version, ref: "refs/tags/docker-v0.2.1" } },
    ]);
  } finally {
    await rm(lanes, { recursive: true });
  }
});

describe("its own run", () => {
  test.each([
    ["named by GitHub", true, TREE],
    ["found by its mark", false, TREE],
    ["found alone", false, UNMARKED],
  ])("starts late: %s", async (_, namesRuns, tree) => {
    const standIn = await github(
      { namesRuns, refs: { main: tree, "v1.2.3": tree } },
      { startsAfter: 2, artifacts: KEPT },
    );
    standIn.addRun();
    const { code, out } = await dispatch(standIn, VERSION, {}, LONGER_SECOND_MS);
    expect(out).toContain("/actions/runs/1002");
    expect(code).toBe(0);
    expect(standIn.dispatches).toHaveLength(1);
  });

  test("is distinguished from another dispatch's at the same time", async () => {
    const standIn = await github({ namesRuns: false }, { conclusion: "failure" }, { artifacts: KEPT });
    const [first, second] = await Promise.all([
      dispatchProcess(standIn, VERSION),
      dispatchProcess(standIn, VERSION),
    ]);
    expect([first?.code, second?.code].sort()).toEqual([0, 1]);
    const [good, bad] = first?.code === 0 ? [first, second] : [second, first];
    expect(good?.out).toContain("/actions/runs/1002");
    expect(bad?.err).toContain("/actions/runs/1001");
  });

  test("is not guessed if it cannot be distinguished", async () => {
    const standIn = await github(
      { namesRuns: false, refs: { main: UNMARKED, "v1.2.3": UNMARKED } },
      { neighbour: { branch: "v1.2.3" }, startsAfter: 1 },
    );
    const err = await failure(standIn);
    expect(err).toContain("[run-ambiguous]");
    expect(err).toContain("/actions/runs/1001");
    expect(err).toContain("/actions/runs/1002");
  });

  test.each([{ actor: "another", branch: "v1.2.3" }, { branch: "develop" }])(
    "is not a neighbour's: %j",
    async (neighbour) => {
      const standIn = await github(
        { namesRuns: false, refs: { main: UNMARKED, "v1.2.3": UNMARKED } },
        { neighbour, startsAfter: 2, artifacts: KEPT },
      );
      const { code, out } = await dispatch(standIn, VERSION, {}, LONGER_SECOND_MS);
      expect(out).toContain("/actions/runs/1002");
      expect(code).toBe(0);
    },
  );

  test.each([true, false])("never starts (named: %s)", async (namesRuns) => {
    const standIn = await github({ namesRuns }, { startsAfter: "never" });
    expect(await failure(standIn)).toContain("[run-missing]");
  });
});

function failed(log: string): Fate {
  return { conclusion: "failure", log: `${log}\n` };
}

describe("a run that does not succeed", () => {
  test.each<[string, Fate]>([
    ["release-cancelled", { conclusion: "cancelled" }],
    ["release-timed-out", { conclusion: "timed_out" }],
    ["release-skipped", { conclusion: "skipped" }],
    ["workflow-invalid", { conclusion: "startup_failure" }],
    ["release-failed", { conclusion: "failure" }],
    ["run-gone", { deleted: true }],
    ["ghcr-permission", failed("denied: permission_denied: write_package")],
    ["dockerhub-credentials", failed("docker.io: unauthorized: incorrect username or password")],
    ["image-build", failed("ERROR: failed to solve: exit 1")],
    ["registry-push", failed("failed to push ghcr.io/x: 500")],
    ["tag-write-once", failed("  ghcr.io/x:v1: is another digest [tag-write-once]")],
  ])("%s", async (expected, fate) => {
    const err = await failure(await github({}, fate));
    expect(err).toContain(`[${expected}]`);
    expect(err).toContain("/actions/runs/1001");
  });

  test("shows the end of its log, without control characters", async () => {
    const log =
      "2026-01-10T00:30:00.1Z \u001b]0;title\u0007\u001b[31mno space\u001b[0m\n##[error]exit 1\nclean-up";
    const err = await failure(await github({}, failed(log)));
    expect(err).toContain("| no space\n  | exit 1\n");
    expect(err).not.toContain("clean-up");
    expect(err).not.toContain("\u001b");
  });

  test("is not waited for longer than the timeout", async () => {
    const err = await failure(await github({}, { stuck: "waiting" }), [...VERSION, "--timeout", "60s"]);
    expect(err).toContain("has waited for an approval");
    expect(err).toContain("[run-timeout]");
  });

  test.each<[string, RegExp, string, number]>([
    ["while everything is checked", /^GET .*secrets/, "Nothing was dispatched.", 0],
    ["while GitHub is asked", /^POST/, "Whether the release was dispatched is not known: look at", 0],
    ["while its run is looked for", /runs$/, "The run goes on, once it has begun:", 1],
    ["while its manifest is read", /zip$/, "The run has ended: https", 1],
  ])("SIGTERM %s", async (_, at, text, runs) => {
    const standIn = await github({ namesRuns: at.source !== "runs$" }, { artifacts: KEPT });
    const { code, err } = await dispatchProcess(standIn, VERSION, (child) => {
      const isSent = () => standIn.dispatches.length > 0;
      standIn.intercept = (method, where) => {
        if (!at.test(`${method} ${where}`) || (at.source === "runs$" && !isSent())) return undefined;
        child.kill("SIGTERM");
        return "hang";
      };
    });
    expect(err).toContain(text);
    expect(code).toBe(143);
    expect(standIn.dispatches).toHaveLength(runs);
  });

  test("a success without a manifest is a success with a warning", async () => {
    const { code, err } = await dispatch(await github({}), VERSION);
    expect(err).toContain("kept no release manifest");
    expect(code).toBe(0);
  });
});

describe("nothing is dispatched", () => {
  const tagged = (files: Readonly<Record<string, string>>) => ({ refs: { main: TREE, "v1.2.3": files } });
  const variable = (name: string) => ({ variables: { [name]: "true" } });

  test.each<[string, string, Partial<StandInOptions>, string[]?]>([
    ["no tag", "release-tag-missing", { tags: [] }],
    ["no ref", "input-ref-missing", {}, [...VERSION, "--input-ref", "nowhere"]],
    ["another commit", "release-tag-elsewhere", {}, [...VERSION, "--input-ref", "main"]],
    ["no workflow ref", "workflow-ref-missing", {}, [...VERSION, "--workflow-ref", "nowhere"]],
    ["not on the ref", "workflow-missing-on-ref", tagged(PINS), [...VERSION, "--workflow-ref", "v1.2.3"]],
    ["no workflow", "workflow-missing", {}, [...VERSION, "--workflow", "other.yml"]],
    ["disabled", "workflow-disabled", { workflowState: "disabled_manually" }],
    ["no trigger", "workflow-not-dispatchable", { refs: { main: { [FILE]: "on: push\n" }, "v1.2.3": PINS } }],
    [
      "no input",
      "workflow-input",
      tagged({ ...PINS, [FILE]: workflow(["version"]) }),
      [...VERSION, "--no-publish-version-tag"],
    ],
    ["no VERSIONS.env", "build-arg-file", tagged({ [FILE]: workflow(INPUTS) })],
    ["no AGENT_KIT_REF", "build-arg-key", tagged({ "VERSIONS.env": "OTHER=1\n" })],
    ["policy", "publish-policy", variable("PUBLISH_VERSION_TAG"), [...VERSION, "--no-publish-version-tag"]],
    ["policy without version", "publish-policy", variable("AWL_DOCKER_RELEASE_PUBLISH_VERSION_TAG"), []],
    ["no secret", "repository-secrets", { secrets: ["DOCKERHUB_USERNAME"] }],
    ["no permission", "packages-permission", tagged({ ...PINS, [FILE]: workflow(INPUTS, "read") })],
    ["reader", "dispatch-permission", { push: false }],
    ["archived", "repository-closed", { archived: true }],
    ["no repository", "repository-missing", {}, [...VERSION, "--repo", "octo/none"]],
  ])("%s: %s", async (_, expected, options, args) => {
    const standIn = await github(options);
    const err = await failure(standIn, args);
    expect(err).toContain(`[${expected}]`);
    expect(err).toContain("Nothing was dispatched:");
    expect(standIn.dispatches).toEqual([]);
  });

  test.each<[string, string[], NodeJS.ProcessEnv, string]>([
    ["version", ["--version", "1.2.3"], {}, "did you mean v1.2.3?"],
    ["version by variable", [], { AWL_DOCKER_RELEASE_VERSION: "latest" }, "AWL_DOCKER_RELEASE_VERSION"],
    ["policy", ["--publish-version-tag"], {}, "there is no version"],
    ["plain http", ["--api-url", "http://github.example/api/v3"], {}, "use https"],
    ["flag", ["--nonsense"], {}, "unknown option"],
  ])("used wrongly: %s", async (_, args, env, text) => {
    const { code, err } = await dispatch(undefined, args, env);
    expect(err).toContain(text);
    expect(code).toBe(2);
  });

  test("without a token: the error shows how to log in, and how to release without CI", async () => {
    const err = await failure(await github(), VERSION, { GH_TOKEN: "", PATH: "/nonexistent" });
    expect(err).toContain("[github-token]");
    expect(err).toContain(LOCAL);
  });

  test.each([
    ["is not logged in", "exit 1"],
    ["prints nothing", "exit 0"],
  ])("if gh %s and there is no other token", async (_, script) => {
    const err = await failure(await github(), VERSION, { GH_TOKEN: "", PATH: await withGh(script) });
    expect(err).toContain("gh is not logged in to 127.0.0.1:");
    expect(err).toContain("[github-token]");
  });

  test("with a token that GitHub rejects", async () => {
    const err = await failure(await github(), VERSION, { GH_TOKEN: "ghp_old" });
    expect(err).toContain("[github-token-refused]");
  });
});

describe("faults", () => {
  test("GitHub is unreachable: the error shows how to release without it", async () => {
    const env = { GITHUB_API_URL: "http://127.0.0.1:9" };
    const err = await failure(undefined, VERSION, env);
    expect(err).toContain("[github-unreachable]");
    expect(err).toContain(LOCAL);
  });

  test("a dispatch without an answer is not sent again, and its run is found", async () => {
    const standIn = await github({}, { artifacts: KEPT });
    standIn.intercept = (method) => (method === "POST" ? "after-reset" : undefined);
    const { code, out } = await dispatch(standIn, VERSION);
    expect(out).toContain("/actions/runs/1001");
    expect(code).toBe(0);
    expect(standIn.dispatches).toHaveLength(1);
  });

  test("a dispatch without an answer and without a run is reported as uncertain", async () => {
    const standIn = await github();
    standIn.intercept = (method) => (method === "POST" ? "reset" : undefined);
    expect(await failure(standIn)).toContain("[dispatch-uncertain]");
    expect(standIn.count("POST", /dispatches/)).toBe(1);
  });

  test("a token that may not start workflows", async () => {
    const standIn = await github();
    const message = "Resource not accessible by personal access token";
    standIn.intercept = (method) => (method === "POST" ? refusal(403, message) : undefined);
    expect(await failure(standIn)).toContain("[dispatch-permission]");
  });

  test.each([
    ["GET", ""],
    ["POST", "Nothing was dispatched"],
  ])(
    "an organisation's single sign-on (%s): the error shows where to authorise the token",
    async (refused, text) => {
      const standIn = await github();
      const url = "https://github.com/orgs/graysurf/sso?authorization_request=AB12";
      const message = "Resource protected by organization SAML enforcement.";
      const headers = { "x-github-sso": `required; url=${url}` };
      standIn.intercept = (method) => (method === refused ? refusal(403, message, headers) : undefined);
      const err = await failure(standIn);
      expect(err).toContain("[github-sso]");
      expect(err).toContain(`Authorise it: ${url}`);
      expect(err).toContain(text);
      expect(standIn.dispatches).toEqual([]);
    },
  );

  test("rate limits are waited for, and faults while the run goes on are tolerated", async () => {
    const standIn = await github({}, { artifacts: KEPT });
    let asked = 0;
    standIn.intercept = (_, where) => {
      if (!/\/actions\/runs\/\d+$/.test(where)) return undefined;
      asked += 1;
      if (asked === 1)
        return refusal(403, "You have exceeded a secondary rate limit", { "retry-after": "7" });
      return asked < 9 ? refusal(502, "Bad Gateway") : undefined;
    };
    const { code, err } = await dispatch(standIn, VERSION);
    expect(err).toContain("secondary rate limit is reached: waiting 7 s");
    expect(err).toContain("GitHub does not answer (1 of 5)");
    expect(code).toBe(0);
  });

  test("a rate limit of almost an hour is an error", async () => {
    const standIn = await github();
    standIn.intercept = () =>
      refusal(403, "API rate limit exceeded", {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 3000),
      });
    expect(await failure(standIn)).toContain("[github-rate-limit]");
  });
});
