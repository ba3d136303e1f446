import { randomUUID } from "node:crypto";
import path from "node:path";
import { oneLine, requestFailure } from "../../github/client";
import { reasonOf } from "../../plan/problem";
import type { ManifestFile } from "../../report/manifest-file";
import { releaseTable } from "../../report/release-table";
import { releaseFlags } from "../commands/flags";
import { SIGNAL_EXIT_CODES, UsageError } from "../terminal";
import { cancelCommand, followCommand, followRun } from "./follow-run";
import { connect, type DispatchedRun, findToken, type Interruption, Pace, type Session } from "./github";
import { failedRun, readManifests } from "./outcome";
import { preflight } from "./preflight";
import {
  type DispatchFlags,
  type DispatchSettings,
  dispatchSettings,
  findStack,
  type Project,
  placeInRepository,
  projectSettings,
  readProject,
  remoteRepository,
} from "./settings";
import { startRun } from "./start-run";
import { screenOn } from "./view";

interface Report {
  readonly repository: string;
  readonly workflow: string;
  readonly workflowRef: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** null if the command did not wait and GitHub returned no run. */
  readonly run: { readonly id: number; readonly url: string; readonly conclusion?: string | null } | null;
  readonly manifests: readonly ManifestFile[];
}

/**
 * Dispatches the release workflow, finds its run, waits for it, and shows what it released.
 *
 * @param secondMs how long a second of waiting is
 * @returns the exit code: 0 released (or, without waiting, dispatched)
 * @throws UsageError for wrong flags or variables, ProblemError for everything else
 */
export async function dispatchRelease(
  flags: DispatchFlags,
  env: NodeJS.ProcessEnv,
  secondMs: number,
): Promise<number> {
  const cwd = path.resolve(flags.cwd);
  const file = await findStack(cwd, flags.stack);
  const settings = dispatchSettings(flags, env, projectSettings(file));
  const project = readProject(cwd, file, env, releaseFlags(flags));
  const { server } = settings;
  const repository = settings.repository ?? (await remoteRepository(cwd, server.host));
  if (repository === undefined) {
    throw new UsageError(
      `there is no repository to release: no git remote of ${path.basename(cwd)} is on ${server.host}; add --repo owner/name`,
    );
  }
  const name = `${repository.owner}/${repository.repo}`;
  const fallback = fallbackText(project, settings);
  const token = await findToken(server.host, env, fallback);
  const pace = new Pace(secondMs);
  const screen = screenOn(process.stderr, env);
  const { say } = screen;
  const octokit = await connect(server, token, pace, say);
  const place = await placeInRepository(cwd);
  const interruption = onInterruption(screen.end);
  try {
    return await release({
      flags,
      octokit,
      repository,
      settings,
      project,
      place,
      pace,
      say,
      screen,
      interruption,
      dispatchId: randomUUID(),
      repositoryName: name,
      fallback,
      runsPage: `https://${server.host}/${name}/actions/workflows/${settings.workflow}`,
    });
  } finally {
    screen.end();
    interruption.end();
  }
}

async function release(session: Session): Promise<number> {
  const { settings, repositoryName, flags, runsPage } = session;
  const ready = await preflight(session);
  const run = await startRun(session, ready);
  const report = {
    repository: repositoryName,
    workflow: settings.workflow,
    workflowRef: ready.workflowRef,
    inputs: ready.inputs,
  };
  if (!settings.wait) {
    print(flags, { ...report, run: run ?? null, manifests: [] }, `Not waiting. ${run?.url ?? runsPage}`);
    return 0;
  }
  if (run === undefined) throw new Error("startRun returned no run although the command waits for it");
  return waitForRun(session, run, report);
}

async function waitForRun(
  session: Session,
  run: DispatchedRun,
  report: Omit<Report, "run" | "manifests">,
): Promise<number> {
  const { repositoryName, say, screen, interruption, flags } = session;
  say(run.url);
  interruption.leaves(
    `The run goes on: ${run.url}`,
    `  Follow it: ${followCommand(run.id, repositoryName)}`,
    `  Cancel it: ${cancelCommand(run.id, repositoryName)}`,
  );
  const state = await followRun(session, run, screen.show);
  screen.end();
  interruption.leaves(`The run has ended: ${run.url}`);
  const ended = { id: state.id, url: state.url, conclusion: state.conclusion };
  if (state.conclusion !== "success") {
    if (flags.json) print(flags, { ...report, run: ended, manifests: [] }, "");
    throw await failedRun(session, state);
  }
  const manifests = await manifestsOf(session, state.id);
  const table = manifests.map(releaseTable).join("\n");
  print(flags, { ...report, run: ended, manifests }, `${table}\nReleased. ${state.url}`);
  return 0;
}

/** The run has released by now, so a manifest that cannot be read is only worth a warning. */
async function manifestsOf(session: Session, id: number): Promise<ManifestFile[]> {
  try {
    const manifests = await readManifests(session, id);
    if (manifests.length === 0) {
      session.say("warning: the run kept no release manifest, so its digests are not known here");
    }
    return manifests;
  } catch (error) {
    const reason = requestFailure(error)?.message ?? reasonOf(error);
    session.say(`warning: the release manifest cannot be read: ${oneLine(reason)}`);
    return [];
  }
}

function print({ json }: DispatchFlags, report: Report, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : `${text}\n`);
}

function fallbackText({ stack, envPrefix }: Project, { version }: DispatchSettings): string {
  const variable = envPrefix === undefined ? "RELEASE_TAG" : `${envPrefix}VERSION`;
  const setting = version === undefined ? "" : `${variable}=${version} `;
  return `Without CI, release from this machine: ${setting}pulumi up --stack ${stack ?? "<stack>"}`;
}

/** Handles Ctrl-C and SIGTERM until `end`, and exits with a shell's code for the signal. */
function onInterruption(tidy: () => void): Interruption {
  let left: readonly string[] = ["Nothing was dispatched."];
  const stop = (signal: "SIGINT" | "SIGTERM") => {
    tidy();
    // The terminal has printed ^C before.
    process.stderr.write(`\n${left.join("\n")}\n`);
    process.exit(SIGNAL_EXIT_CODES[signal]);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return {
    leaves: (...lines) => {
      left = lines;
    },
    end: () => {
      process.off("SIGINT", stop).off("SIGTERM", stop);
    },
  };
}
