import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { fromBufferPromise } from "yauzl";
import { plain } from "../../github/client";
import { type Problem, ProblemError, reasonOf } from "../../plan/problem";
import { MANIFEST_FILE, type ManifestFile, parseManifestFile } from "../../report/manifest-file";
import type { Session } from "./github";
import { type Part, phase, type RunState } from "./view";

const MAX_LOGS = 3;
const LOG_LIMIT = 4 * 1024 * 1024;

/** The error for a run that did not succeed, with the reasons that the failed jobs' logs give. */
export async function failedRun(session: Session, run: RunState): Promise<Error> {
  const ended = ENDINGS[run.conclusion ?? ""] ?? {
    code: "release-failed",
    message: `the run ${phase(run)}`,
  };
  const failed = run.jobs.filter(hasFailed);
  const logs = await Promise.all(failed.slice(0, MAX_LOGS).map((job) => readLog(session, job.id)));
  const problems: Problem[] = [{ ...ended, path: run.url }];
  const texts: string[] = [];
  for (const [index, job] of failed.entries()) {
    const step = job.steps.find(hasFailed);
    const where = step === undefined ? job.name : `${job.name}, step ${step.name}`;
    problems.push({ code: "job-failed", path: job.html_url ?? run.url, message: `${where} ${phase(job)}` });
    const log = logs[index];
    if (log === undefined) continue;
    const lines = logLines(log);
    problems.push(...reasonsInLog(lines.all));
    texts.push(`\nThe end of ${where}:\n${lines.tail.map((line) => `  | ${line}`).join("\n")}`);
  }
  const error = new ProblemError("The release did not succeed:", problems);
  error.message += texts.map((text) => `\n${text}`).join("");
  return error;
}

function hasFailed({ conclusion }: Part): boolean {
  return conclusion === "failure" || conclusion === "timed_out";
}

/** Undefined if the log is gone or the token may not read it; the run's page has it. */
async function readLog({ octokit, repository }: Session, job_id: number): Promise<string | undefined> {
  try {
    const { data } = await octokit.rest.actions.downloadJobLogsForWorkflowRun({ ...repository, job_id });
    // GitHub redirects to plain text, which Octokit's types leave out.
    const text: unknown = data;
    return typeof text === "string" ? plain(text.slice(-LOG_LIMIT)) : undefined;
  } catch {
    return undefined;
  }
}

const AGAIN = "Fix it and dispatch the same release again. What has been released is kept.";

const ENDINGS: Readonly<Record<string, Omit<Problem, "path">>> = {
  failure: { code: "release-failed", message: "the run failed", hint: AGAIN },
  cancelled: {
    code: "release-cancelled",
    message: "the run was cancelled",
    hint: "It was cancelled by hand, or a newer run replaced it. Dispatch the same release again to complete it.",
  },
  timed_out: {
    code: "release-timed-out",
    message: "the run took longer than the workflow allows",
    hint: AGAIN,
  },
  startup_failure: {
    code: "workflow-invalid",
    message: "GitHub could not start the run: the workflow's file is invalid, or an action is not allowed",
    hint: "The run's page shows the reason; `slipway workflows --check` compares the file with the settings.",
  },
  action_required: {
    code: "release-needs-approval",
    message: "the run ended because it must be approved first",
    hint: "Approve it on its page.",
  },
  skipped: {
    code: "release-skipped",
    message: "every job was skipped, so nothing was released",
    hint: "Check the conditions (`if:`) of the workflow's jobs.",
  },
};

const REASONS = [
  {
    code: "ghcr-permission",
    pattern:
      /permission_denied: (?:write_package|create_package)|installation not allowed to (?:create|write)|(?:ghcr\.io|packages: write).*\b(?:denied|403|forbidden)|\b(?:denied|403|forbidden)\b.*ghcr\.io/i,
    message: "GHCR does not let the job push",
    hint: "The job needs `packages: write`, and the package must give the repository write access (package settings, Manage Actions access); a token of its own (GHCR_TOKEN) needs write:packages.",
  },
  {
    code: "dockerhub-credentials",
    pattern:
      /DOCKERHUB_(?:USERNAME|TOKEN)|docker\.io.*\b(?:unauthorized|401|denied|incorrect username)|\b(?:unauthorized|incorrect username or password|insufficient_scope)\b.*docker\.io|incorrect username or password/i,
    message: "Docker Hub rejects the job's credentials",
    hint: "Set the environment's secrets DOCKERHUB_USERNAME and DOCKERHUB_TOKEN again (an access token that may read and write).",
  },
  {
    code: "registry-push",
    pattern: /failed to push|error pushing|push(?:ing)? .*(?:failed|5\d\d|timed? ?out)/i,
    message: "a registry rejected the image",
    hint: "No tag moves before everything is pushed: dispatch the same release again.",
  },
  {
    code: "image-build",
    pattern: /failed to solve|failed to build|buildx.*(?:error|failed)|ERROR: process ".*" did not complete/i,
    message: "the image could not be built",
    hint: "The log shows which step of the Dockerfile failed.",
  },
];

/** Slipway's own errors end with their code: `[tag-write-once]`. */
const OWN_CODE = /^\s*\S.*: .+ \[([a-z]+(?:-[a-z]+)+)\]\s*$/;
const MAX_OWN_LINES = 5;

/** Why a job failed, by its log: Slipway's own errors, and the first known pattern. */
export function reasonsInLog(lines: readonly string[]): Problem[] {
  const own = [...new Set(lines.filter((line) => OWN_CODE.test(line)).map((line) => line.trim()))];
  const reason = REASONS.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  const problems: Problem[] = own.slice(0, MAX_OWN_LINES).map((line) => {
    const code = OWN_CODE.exec(line)?.[1] ?? "";
    return { code, path: "log", message: line.replace(/\s*\[[a-z-]+\]$/, "") };
  });
  if (reason !== undefined && !own.some((line) => line.endsWith(`[${reason.code}]`))) {
    const { code, message, hint } = reason;
    problems.push({ code, path: "log", message, hint });
  }
  return problems;
}

const TAIL = 12;

/** A log's lines up to its error, without the runner's times and marks; `tail` is the last of them. */
export function logLines(log: string): { readonly all: readonly string[]; readonly tail: readonly string[] } {
  const lines = log
    .split("\n")
    .map((line) => line.replace(/^\uFEFF?\d{4}-\d\d-\d\dT[\d:.]+Z ?/, "").trimEnd())
    .filter((line) => line !== "" && !/^##\[(?:group|endgroup|debug)\]/.test(line));
  const error = lines.map((line) => line.startsWith("##[error]")).lastIndexOf(true);
  const until = error === -1 ? lines : lines.slice(0, error + 1);
  const shown = until.map((line) => line.replace(/^##\[(?:error|warning|notice)\]/, ""));
  return { all: shown, tail: shown.slice(-TAIL) };
}

const ARTIFACT = /^release-manifest(?:-.+)?$/;
const ARTIFACT_LIMIT = 20 * 1024 * 1024;

/** The release manifests that a run kept as artifacts. */
export async function readManifests(
  { octokit, repository }: Session,
  run_id: number,
): Promise<ManifestFile[]> {
  const artifacts = await octokit.paginate(octokit.rest.actions.listWorkflowRunArtifacts, {
    ...repository,
    run_id,
    per_page: 100,
  });
  const kept = artifacts
    .filter(({ name, expired }) => ARTIFACT.test(name) && !expired)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const manifests: ManifestFile[] = [];
  for (const { id, name, size_in_bytes } of kept) {
    if (size_in_bytes > ARTIFACT_LIMIT) throw new Error(`the artifact ${name} has ${size_in_bytes} bytes`);
    const { data } = await octokit.rest.actions.downloadArtifact({
      ...repository,
      artifact_id: id,
      archive_format: "zip",
    });
    if (!(data instanceof ArrayBuffer)) throw new Error(`the artifact ${name} is not a zip file`);
    manifests.push(...(await manifestsIn(Buffer.from(data), name)));
  }
  return manifests;
}

async function manifestsIn(zip: Buffer, artifact: string): Promise<ManifestFile[]> {
  const isManifest = (name: string) => name === MANIFEST_FILE || name.endsWith(`/${MANIFEST_FILE}`);
  try {
    return (await unzip(zip, isManifest, ARTIFACT_LIMIT)).map(({ name, bytes }) =>
      parseManifestFile(bytes.toString("utf8"), `${artifact}: ${name}`),
    );
  } catch (error) {
    throw new Error(`the artifact ${artifact}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Unpacks the selected entries. @throws for an entry that is larger than the limit or than the size it declares */
export async function unzip(
  zip: Buffer,
  isSelected: (name: string) => boolean,
  limit: number,
): Promise<{ readonly name: string; readonly bytes: Buffer }[]> {
  const found: { readonly name: string; readonly bytes: Buffer }[] = [];
  const file = await fromBufferPromise(zip);
  for await (const entry of file.eachEntry()) {
    const { fileName: name, uncompressedSize: size } = entry;
    if (!isSelected(name)) continue;
    if (size > limit) throw new Error(`${name} has ${size} bytes, more than ${limit}`);
    const bytes = await buffer(await file.openReadStreamPromise(entry));
    if (crc32(bytes) !== entry.crc32) throw new Error(`${name} is damaged`);
    found.push({ name, bytes });
  }
  return found;
}
