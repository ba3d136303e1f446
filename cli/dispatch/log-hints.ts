import type { Problem } from "../../plan/problem";

interface Reason {
  readonly code: string;
  readonly pattern: RegExp;
  readonly message: string;
  readonly hint: string;
}

/** Known causes in a failed job's log, the most specific first. */
const REASONS: readonly Reason[] = [
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
    message: "Docker Hub does not take the job's credentials",
    hint: "Set the environment's secrets DOCKERHUB_USERNAME and DOCKERHUB_TOKEN again (an access token that may read and write).",
  },
  {
    code: "registry-push",
    pattern: /failed to push|error pushing|push(?:ing)? .*(?:failed|5\d\d|timed? ?out)/i,
    message: "a registry did not take the image",
    hint: "No tag was moved before everything was pushed: dispatch the same again.",
  },
  {
    code: "image-build",
    pattern: /failed to solve|failed to build|buildx.*(?:error|failed)|ERROR: process ".*" did not complete/i,
    message: "the image was not built",
    hint: "The log has the step of the Dockerfile that failed.",
  },
];

/** Slipway's own codes, as its errors end: `[tag-write-once]`. */
const OWN_CODE = /^\s*\S.*: .+ \[([a-z]+(?:-[a-z]+)+)\]\s*$/;
const OWN_LINES_SHOWN = 5;

/** Why a job failed, by its log: Slipway's own error, else known patterns. */
export function reasonsInLog(lines: readonly string[]): Problem[] {
  const own = [...new Set(lines.filter((line) => OWN_CODE.test(line)).map((line) => line.trim()))];
  const reason = REASONS.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  const known =
    reason === undefined
      ? []
      : [{ code: reason.code, path: "log", message: reason.message, hint: reason.hint }];
  return [
    ...own.slice(0, OWN_LINES_SHOWN).map((line) => {
      const code = OWN_CODE.exec(line)?.[1] ?? "";
      return { code, path: "log", message: line.replace(/\s*\[[a-z-]+\]$/, "") };
    }),
    ...known.filter(({ code }) => !own.some((line) => line.endsWith(`[${code}]`))),
  ];
}

const TAIL = 12;

/** The last lines before a job's error, without the runner's times and marks. @param log as GitHub gives it */
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
