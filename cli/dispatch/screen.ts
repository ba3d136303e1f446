import type { WriteStream } from "node:tty";
import { colorsFor } from "./colors";
import type { RunState } from "./run-state";
import { changeLines, fitted, runLines } from "./view";

/** Where a person sees a run go by. */
export interface Screen {
  readonly show: (run: RunState) => void;
  /** A line that stays. */
  readonly say: (line: string) => void;
}

const UP_AND_CLEAR = (lines: number) => `${String.fromCharCode(27)}[${lines}A${String.fromCharCode(27)}[0J`;

/** A terminal is redrawn in place; anything else gets a line for each change. */
export function screenOn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  return stream.isTTY && env.TERM !== "dumb" && !env.CI ? redrawn(stream, env) : byLine(stream);
}

function redrawn(stream: WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  const colors = colorsFor(true, env);
  let drawn: readonly string[] = [];
  const draw = (above: readonly string[], lines: readonly string[]) => {
    const erase = drawn.length === 0 ? "" : UP_AND_CLEAR(drawn.length);
    stream.write(erase + [...above, ...lines].map((line) => `${line}\n`).join(""));
    drawn = lines;
  };
  return {
    show: (run) =>
      draw([], fitted(runLines(run, Date.now(), colors), stream.columns || 80, (stream.rows || 24) - 1)),
    say: (line) => draw([line], drawn),
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
  };
}
