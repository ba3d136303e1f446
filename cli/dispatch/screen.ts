import type { WriteStream } from "node:tty";
import stringWidth from "string-width";
import { colorsFor } from "../terminal";
import type { RunState } from "./view";
import { changeLines, fitted, runLines } from "./view";

export interface Screen {
  readonly show: (run: RunState) => void;
  readonly say: (line: string) => void;
  /** What is shown stays as it is, and the terminal is as it was before. */
  readonly end: () => void;
}

/** A terminal is redrawn in place; anything else gets a line for each change. */
export function screenOn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  return stream.isTTY && env.TERM !== "dumb" && !env.CI ? redrawn(stream, env) : byLine(stream);
}

const ESC = String.fromCharCode(27);
const HIDE_CURSOR = `${ESC}[?25l`;
const SHOW_CURSOR = `${ESC}[?25h`;
/** A line whose width a terminal measures otherwise is clipped, and takes one row all the same. */
const [CLIP, WRAP] = [`${ESC}[?7l`, `${ESC}[?7h`];
const CLEAR_LINE = `${ESC}[2K`;
const CLEAR_BELOW = `${ESC}[0J`;
/** What runs gets older between two looks at it. */
const TICK_MS = 1000;

function redrawn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  const colors = colorsFor(true, env);
  let shown: RunState | undefined;
  let drawn: readonly string[] = [];
  let ticking: NodeJS.Timeout | undefined;
  const columns = () => stream.columns || 80;

  /** To the first line. Terminals wrap anew what stands there when they get narrower, so rows are counted now. */
  const back = () => {
    const rows = drawn.map((line) => Math.max(1, Math.ceil(stringWidth(line) / columns())));
    const above = rows.reduce((sum, count) => sum + count, 0);
    return above === 0 ? "" : `${ESC}[${above}A`;
  };
  /** Line over line: a screen that is cleared from its first row on goes into the history of some terminals each time. */
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

/** What a signal ends here is the waiting: a run that was started goes on. */
export interface Interruption {
  /** What an interruption would print now. */
  readonly leaves: (...lines: readonly string[]) => void;
  readonly end: () => void;
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Catches Ctrl-C and SIGTERM: says what is left behind, and exits as a shell would for the signal. */
export function onInterruption(tidy: () => void): Interruption {
  let left: readonly string[] = ["Nothing was dispatched."];
  const stop = (signal: "SIGINT" | "SIGTERM") => {
    tidy();
    // After the ^C that the terminal has written.
    process.stderr.write(`\n${left.join("\n")}\n`);
    process.exit(CODES[signal]);
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
