import stringWidth from "string-width";
import type { Colors } from "../terminal";

/** A run, a job or a step as it is now. */
export interface Part {
  readonly status: string;
  /** Set once the status is `completed`. */
  readonly conclusion?: string;
  /** ISO 8601. */
  readonly startedAt?: string;
  readonly completedAt?: string;
}

export interface StepState extends Part {
  readonly number: number;
  readonly name: string;
}

export interface JobState extends Part {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly steps: readonly StepState[];
}

export interface RunState extends Part {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly jobs: readonly JobState[];
}

/** The mark of each state, and its colour. */
const LOOKS = {
  done: ["✓", "green"],
  failed: ["✗", "red"],
  stopped: ["■", "dim"],
  skipped: ["-", "dim"],
  running: ["●", "yellow"],
  waiting: ["○", "dim"],
} as const;

/**
 * The whole run for a screen: a line for each job, with the steps of those that run or failed. Where that is more than
 * the screen has rows, only the steps that run or failed themselves.
 *
 * @param now milliseconds since 1970, for how long something runs already
 */
export function runLines(
  run: RunState,
  now: number,
  colors: Colors,
  rows = Number.POSITIVE_INFINITY,
): string[] {
  const lines = (isShown: (step: StepState) => boolean) => [
    `${marked(run, colors)} ${colors.bold(run.title)}: ${phase(run)}`,
    ...run.jobs.flatMap((job) => [
      `  ${partLine(job, now, colors)}`,
      ...(isNow(job) ? job.steps : []).filter(isShown).map((step) => `    ${partLine(step, now, colors)}`),
    ]),
  ];
  const all = lines(() => true);
  return all.length <= rows ? all : lines(isNow);
}

/** Runs or failed: what a person looks for. */
function isNow(part: Part): boolean {
  const looks = looksOf(part);
  return looks === "running" || looks === "failed";
}

function partLine(part: JobState | StepState, now: number, colors: Colors): string {
  const time = duration(part, now);
  const waiting = part.status === "waiting" ? ", waits for an approval" : "";
  return `${marked(part, colors)} ${part.name}${waiting}${time === "" ? "" : colors.dim(` ${time}`)}`;
}

/** What has changed since, one line each, for output that is not redrawn. @param before undefined at first */
export function changeLines(before: RunState | undefined, after: RunState): string[] {
  const lines: string[] = [];
  if (before?.status !== after.status) lines.push(`${after.title}: ${phase(after)}`);
  for (const job of after.jobs) {
    const old = before?.jobs.find(({ id }) => id === job.id);
    const steps = job.steps.flatMap((step) => {
      const earlier = old?.steps.find(({ number }) => number === step.number);
      return isNews(earlier, step) ? [`${job.name}: ${step.name}: ${phase(step)}`] : [];
    });
    // A job starts before its steps and ends after them.
    const news = isNews(old, job) ? [`${job.name}: ${phase(job)}`] : [];
    lines.push(...(job.status === "completed" ? [...steps, ...news] : [...news, ...steps]));
  }
  return lines;
}

/** Steps that have not begun or were skipped are not shown. */
function isNews(before: Part | undefined, after: Part): boolean {
  if (before?.status === after.status && before.conclusion === after.conclusion) return false;
  return after.status !== "queued" && after.status !== "pending" && after.conclusion !== "skipped";
}

const PHASES: Readonly<Record<string, string>> = {
  in_progress: "runs",
  queued: "is queued",
  requested: "is queued",
  pending: "waits for another run",
  waiting: "waits for an approval",
  success: "succeeded",
  failure: "failed",
  cancelled: "was cancelled",
  timed_out: "ran out of time",
  skipped: "was skipped",
  action_required: "needs an approval",
  startup_failure: "could not start",
};

export function phase({ status, conclusion }: Part): string {
  const word = status === "completed" ? (conclusion ?? "ended") : status;
  return PHASES[word] ?? word.replaceAll("_", " ");
}

function looksOf({ status, conclusion }: Part): keyof typeof LOOKS {
  if (status === "in_progress") return "running";
  if (status !== "completed") return "waiting";
  switch (conclusion) {
    case "success":
      return "done";
    case "skipped":
    case "neutral":
      return "skipped";
    case "cancelled":
      return "stopped";
    default:
      return "failed";
  }
}

function marked(part: Part, colors: Colors): string {
  const [mark, color] = LOOKS[looksOf(part)];
  return colors[color](mark);
}

/** `45s`, `2m 3s`, `1h 2m`; empty where it has not begun. */
export function duration({ status, startedAt, completedAt }: Part, now: number): string {
  if (startedAt === undefined || (status !== "in_progress" && status !== "completed")) return "";
  const end = completedAt === undefined ? now : Date.parse(completedAt);
  const seconds = Math.max(0, Math.round((end - Date.parse(startedAt)) / 1000));
  if (!Number.isFinite(seconds)) return "";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

/** The last lines of what does not fit a screen, each cut to its width in columns; colours have none. */
export function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const shown = lines.length <= rows ? lines : [...lines.slice(0, 1), ...lines.slice(-(rows - 1))];
  return shown.map((line) => cut(line, columns));
}

function cut(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  let width = 0;
  let isCut = false;
  return line
    .split(COLOURS)
    .map((piece, index) => {
      // Every second piece is a colour, and one that begins before the cut ends after it.
      if (index % 2 === 1) return piece;
      let kept = "";
      for (const { segment } of LETTERS.segment(piece)) {
        if (isCut) break;
        const next = width + stringWidth(segment);
        isCut = next >= columns;
        kept += isCut ? "…" : segment;
        width = next;
      }
      return kept;
    })
    .join("");
}

const LETTERS = new Intl.Segmenter();
const COLOURS = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);
