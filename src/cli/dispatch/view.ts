import type { WriteStream } from "node:tty";
import stringWidth from "string-width";
import { type Colors, colorsFor } from "../terminal";

/** The state of a run, a job or a step, in GitHub's words. */
export interface Part {
  readonly status: string;
  /** Set once the status is `completed`. */
  readonly conclusion?: string | null;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
}

interface StepState extends Part {
  readonly number: number;
  readonly name: string;
}

interface JobState extends Part {
  readonly id: number;
  readonly name: string;
  readonly html_url: string | null;
  readonly steps: readonly StepState[];
}

export interface RunState extends Part {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly jobs: readonly JobState[];
}

const LOOKS = {
  done: ["✓", "green"],
  failed: ["✗", "red"],
  stopped: ["■", "dim"],
  skipped: ["-", "dim"],
  running: ["●", "yellow"],
  waiting: ["○", "dim"],
} as const;

/**
 * A run for a screen: a line for each job, with the steps of running and failed jobs. If these are too many for the
 * screen, only the running and failed steps.
 *
 * @param now in milliseconds, for the duration of what still runs
 */
export function runLines(
  run: RunState,
  now: number,
  colors: Colors,
  rows = Number.POSITIVE_INFINITY,
): string[] {
  const linesWith = (isShown: (step: StepState) => boolean) => [
    `${marked(run, colors)} ${colors.bold(run.title)}: ${phase(run)}`,
    ...run.jobs.flatMap((job) => [
      `  ${partLine(job, now, colors)}`,
      ...(isActive(job) ? job.steps : []).filter(isShown).map((step) => `    ${partLine(step, now, colors)}`),
    ]),
  ];
  const all = linesWith(() => true);
  return all.length <= rows ? all : linesWith(isActive);
}

/** Whether it runs or has failed. */
function isActive(part: Part): boolean {
  const looks = looksOf(part);
  return looks === "running" || looks === "failed";
}

function partLine(part: JobState | StepState, now: number, colors: Colors): string {
  const time = duration(part, now);
  const waiting = part.status === "waiting" ? ", waits for an approval" : "";
  return `${marked(part, colors)} ${part.name}${waiting}${time === "" ? "" : colors.dim(` ${time}`)}`;
}

/** A line for each change, for output that is not redrawn. */
export function changeLines(before: RunState | undefined, after: RunState): string[] {
  const lines: string[] = [];
  if (before?.status !== after.status) lines.push(`${after.title}: ${phase(after)}`);
  for (const job of after.jobs) {
    const old = before?.jobs.find(({ id }) => id === job.id);
    const steps = job.steps.flatMap((step) => {
      const earlier = old?.steps.find(({ number }) => number === step.number);
      return isShownChange(earlier, step) ? [`${job.name}: ${step.name}: ${phase(step)}`] : [];
    });
    // A job starts before its steps and ends after them.
    const own = isShownChange(old, job) ? [`${job.name}: ${phase(job)}`] : [];
    lines.push(...(job.status === "completed" ? [...steps, ...own] : [...own, ...steps]));
  }
  return lines;
}

/** Jobs and steps that have not begun or were skipped are not shown. */
function isShownChange(before: Part | undefined, after: Part): boolean {
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

/** `45s`, `2m 3s`, `1h 2m`; empty before it begins. */
export function duration({ status, started_at, completed_at }: Part, now: number): string {
  if (!started_at || (status !== "in_progress" && status !== "completed")) return "";
  const end = completed_at ? Date.parse(completed_at) : now;
  const seconds = Math.max(0, Math.round((end - Date.parse(started_at)) / 1000));
  if (!Number.isFinite(seconds)) return "";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

/** The first line and as many of the last as fit, each cut to the screen's width; colours have no width. */
export function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const shown = lines.length <= rows ? lines : [...lines.slice(0, 1), ...lines.slice(-(rows - 1))];
  return shown.map((line) => cut(line, columns));
}

function cut(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  let width = 0;
  let isCut = false;
  return line
    .split(COLORS)
    .map((piece, index) => {
      // Every second piece is a colour. All are kept, so that one that begins before the cut also ends.
      if (index % 2 === 1) return piece;
      let kept = "";
      for (const { segment } of GRAPHEMES.segment(piece)) {
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

const GRAPHEMES = new Intl.Segmenter();
const COLORS = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);

export interface Screen {
  readonly show: (run: RunState) => void;
  readonly say: (line: string) => void;
  /** Leaves the last state on the screen and restores the terminal. */
  readonly end: () => void;
}

/** A terminal is redrawn in place; anything else gets a line for each change. */
export function screenOn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  return stream.isTTY && env.TERM !== "dumb" && !env.CI ? redrawn(stream, env) : byLine(stream);
}

const ESC = String.fromCharCode(27);
const HIDE_CURSOR = `${ESC}[?25l`;
const SHOW_CURSOR = `${ESC}[?25h`;
/** Terminals differ in the width of some characters; a clipped line takes one row in each. */
const [CLIP, WRAP] = [`${ESC}[?7l`, `${ESC}[?7h`];
const CLEAR_LINE = `${ESC}[2K`;
const CLEAR_BELOW = `${ESC}[0J`;
/** Between two answers of GitHub, durations grow. */
const TICK_MS = 1000;

function redrawn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  const colors = colorsFor(true, env);
  let shown: RunState | undefined;
  let drawn: readonly string[] = [];
  let ticking: NodeJS.Timeout | undefined;
  const columns = () => stream.columns || 80;

  /** To the first line. A terminal that got narrower has wrapped the lines again, so their rows are counted now. */
  const back = () => {
    const rows = drawn.map((line) => Math.max(1, Math.ceil(stringWidth(line) / columns())));
    const above = rows.reduce((sum, count) => sum + count, 0);
    return above === 0 ? "" : `${ESC}[${above}A`;
  };
  /** Line over line: some terminals copy a screen that is cleared from its first row into their history. */
  const draw = (said = "") => {
    const lines = shown === undefined ? [] : viewOf(shown);
    const text = lines.map((line) => `${CLEAR_LINE}${line}\n`).join("");
    const over = said === "" ? "" : `${CLEAR_BELOW}${said}\n`;
    stream.write(back() + over + (text === "" ? "" : `${HIDE_CURSOR}${CLIP}${text}${WRAP}${CLEAR_BELOW}`));
    drawn = lines;
  };
  const viewOf = (run: RunState) => {
    const rows = (stream.rows || 24) - 1;
    return fitted(runLines(run, Date.now(), colors, rows), columns(), rows);
  };
  const redraw = () => draw();

  return {
    show: (run) => {
      shown = run;
      draw();
      if (ticking !== undefined) return;
      ticking = setInterval(redraw, TICK_MS).unref();
      stream.on("resize", redraw);
    },
    say: draw,
    end: () => {
      clearInterval(ticking);
      stream.off("resize", redraw);
      if (shown !== undefined) stream.write(SHOW_CURSOR);
      ticking = undefined;
      shown = undefined;
      drawn = [];
    },
  };
}

function byLine(stream: NodeJS.WritableStream): Screen {
  let before: RunState | undefined;
  return {
    show: (run) => {
      for (const line of changeLines(before, run)) stream.write(`${line}\n`);
      before = run;
    },
    say: (line) => {
      stream.write(`${line}\n`);
    },
    end: () => {},
  };
}
