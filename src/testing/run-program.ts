import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isInside, projectFiles } from "../inputs/project-files";
import { type PlannedRelease, type ReleasePlan, withFiles } from "../plan/release-plan";
import type { LiveRepository } from "../plan/setup/config";
import { assembleSetupPlan, type SetupPlan } from "../plan/setup/plan";
import { planRelease } from "../release/plan-release";
import { type Code, hostProgram } from "../release/program-host";
import { planText, refusalText } from "../report/plan-text";
import { readConfig } from "../settings/read";
import { readSetup } from "../settings/read-setup";
import { type Registered, record } from "./record";
import { type FakeRegistries, fakeRegistries } from "./registries";

/** The world that a program runs in: git, clock, files, settings and registries as values. */
export interface FakeWorld {
  /** The project's files, path -> text. @example { "api/Dockerfile": "FROM scratch\n" } */
  readonly files: Readonly<Record<string, string>>;
  /** The git tag, branch and remote of the one commit, which has all files. @default the branch `main` */
  readonly git?: { readonly tag?: string; readonly branch?: string; readonly remote?: string };
  /** @default 2026-01-01T00:00:00Z */
  readonly now?: Date;
  /** The tags in the registries. @default none */
  readonly registries?: FakeRegistries;
  /** The stack's settings, without `slipway:`. @default { sign: { mode: "none" } } */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** @default stage */
  readonly stack?: string;
  /** Environment variables. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** The manifests of other stacks, by their names. @default none */
  readonly manifests?: Readonly<Record<string, unknown>>;
  /** Run as `pulumi preview`. @default false, as `pulumi up` */
  readonly preview?: boolean;
}

/** What the program did. */
export interface RanProgram {
  /** The plans of its releases, in the program's order. */
  readonly plans: readonly ReleasePlan[];
  /** The plans of its repository setups. */
  readonly setups: readonly SetupPlan[];
  /** The plans as a preview prints them. */
  readonly text: string;
  /** `host/path:tag` -> what happens to it. @example { "ghcr.io/octo/api:1.2.3": "create" } */
  readonly tags: Readonly<Record<string, "create" | "move" | "unchanged" | "keep">>;
  /** Every resource in the order of its registration. */
  readonly resources: readonly Registered[];
  /** What the program returned. */
  readonly outputs: unknown;
}

/**
 * Runs a program in a fake world, without an engine and without a network. Git and files are real, in a temporary
 * folder that is removed afterwards. Every build, copy and tag succeeds.
 *
 * @param program what the program's file exports
 * @throws Error with every problem and refusal, as `pulumi preview` would report them
 *
 * @example
 * const { tags } = await runProgram(program, { files: { "api/Dockerfile": "FROM scratch\n" }, git: { tag: "v1.2.3" } });
 * expect(tags["ghcr.io/octo/api:1.2.3"]).toBe("create");
 */
export async function runProgram(program: () => unknown, world: FakeWorld): Promise<RanProgram> {
  const dir = mkdtempSync(path.join(tmpdir(), "slipway-world-"));
  const releases: PlannedRelease[] = [];
  const setups: SetupPlan[] = [];
  const removeHost = hostProgram({
    planRelease: async (code, options) => {
      const planned = withFiles(await planIn(dir, world, code), options);
      if (planned.plan.refusals.length > 0) throw new Error(refusalText(planned.plan));
      releases.push(planned);
      return planned;
    },
    planSetup: async (code) => {
      const plan = setupIn(dir, world, code);
      setups.push(plan);
      return plan;
    },
  });
  try {
    writeRepository(dir, world);
    const { resources, returned } = await record(program, {
      preview: world.preview ?? false,
      stack: world.stack ?? "stage",
      config: settingsOf(world),
    });
    const plans = releases.map(({ plan }) => plan);
    return {
      plans,
      setups,
      text: plans.map(planText).join("\n"),
      tags: Object.fromEntries(
        plans
          .flatMap(({ levels, left }) => [...levels.flatMap(({ tags }) => tags), ...left])
          .map(({ repository, name, action }) => [`${repository}:${name}`, action]),
      ),
      resources,
      outputs: returned,
    };
  } finally {
    removeHost();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function planIn(dir: string, world: FakeWorld, code: Code): Promise<PlannedRelease> {
  const { env = {}, stack = "stage", manifests = {}, now = new Date("2026-01-01T00:00:00Z") } = world;
  const config = readConfig(inputOf(dir, world, code));
  const plan = await planRelease({
    config,
    stack,
    projectDir: dir,
    env: { PATH: process.env.PATH, ...env },
    now,
    stackManifest: async (other) => manifests[other],
    registries: fakeRegistries(world.registries ?? {}),
  });
  return { plan, config, projectDir: dir };
}

export const EMPTY_REPOSITORY: LiveRepository = {
  defaultBranch: "main",
  secrets: [],
  organizationSecrets: [],
  variables: {},
  environments: {},
  rulesets: [],
  labels: [],
  files: {},
  mergedFiles: {},
  hasBranch: true,
  hasPullRequest: false,
  reviewers: {},
};

function setupIn(dir: string, world: FakeWorld, code: Code): SetupPlan {
  return assembleSetupPlan({ config: readSetup(inputOf(dir, world, code)), live: EMPTY_REPOSITORY });
}

function inputOf(dir: string, world: FakeWorld, code: Code) {
  const { env = {} } = world;
  return { written: settingsOf(world), code, env, secretKeys: [], readFile: projectFiles(dir) };
}

function settingsOf({ settings = {} }: FakeWorld): Readonly<Record<string, unknown>> {
  return { sign: { mode: "none" }, ...settings };
}

function writeRepository(dir: string, { files, git = {} }: FakeWorld): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.resolve(dir, name);
    if (!isInside(dir, file)) throw new Error(`${name} leads out of the project`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const { branch = "main", tag, remote } = git;
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
      cwd: dir,
      stdio: "pipe",
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        // The same files always give the same commit.
        GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
        GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
      },
    });
  run("init", "--quiet", `--initial-branch=${branch}`);
  run("add", "--all");
  run("commit", "--quiet", "--allow-empty", "--message=test");
  if (tag !== undefined) run("tag", tag);
  if (remote !== undefined) run("remote", "add", "origin", remote);
}
