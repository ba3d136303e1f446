import { spawn } from "node:child_process";
import path from "node:path";
import stringWidth from "string-width";

/** What a person does when a text has come. */
export type Step = { readonly when: string } & (
  | { readonly resize: readonly [columns: number, rows: number] }
  | { readonly type: string }
  | { readonly signal: "SIGTERM" | "SIGINT" | "SIGHUP" }
);

export interface OnTerminal {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns: number;
  readonly rows: number;
  readonly steps?: readonly Step[];
  /** Whether the screen is drawn; false for programs with sequences that the drawing does not know. @default true */
  readonly isDrawn?: boolean;
}

export interface TerminalEnd {
  /** Negative: ended by this signal. */
  readonly code: number;
  readonly terminal: Terminal;
  /** Everything that was printed, with its escape sequences. */
  readonly raw: string;
}

/** Runs a program on a terminal of its own, to its end. @throws Error where a step's text or the end does not come */
export function onTerminal({ steps = [], ...asked }: OnTerminal): Promise<TerminalEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn("python3", [path.join(__dirname, "on-terminal.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", () => {
      try {
        resolve(replayed(text, asked));
      } catch (error) {
        reject(error);
      }
    });
    child.stdin.end(JSON.stringify({ ...asked, steps }));
  });
}

interface Event {
  readonly out?: string;
  readonly resize?: readonly [number, number];
  readonly late?: string;
  readonly code?: number;
}

function replayed(
  text: string,
  { columns, rows, isDrawn = true }: Pick<OnTerminal, "columns" | "rows" | "isDrawn">,
): TerminalEnd {
  const terminal = new Terminal(columns, rows);
  const decoder = new TextDecoder();
  let raw = "";
  let code: number | undefined;
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const event: Event = JSON.parse(line);
    if (event.late !== undefined)
      throw new Error(`${JSON.stringify(event.late)} did not come:\n${raw.slice(-2000)}`);
    if (event.resize !== undefined) terminal.resize(...event.resize);
    if (event.out !== undefined) {
      const printed = decoder.decode(Buffer.from(event.out, "base64"), { stream: true });
      raw += printed;
      if (isDrawn) terminal.write(printed);
    }
    code = event.code ?? code;
  }
  if (code === undefined) throw new Error(`it did not run:\n${raw}`);
  return { code, terminal, raw };
}

interface Row {
  text: string;
  /** It goes on in the next row. */
  wraps: boolean;
}

const ESC = String.fromCharCode(27);
const PIECES = new RegExp(
  `${ESC}\\[(?<sequence>[?0-9;]*[A-Za-z])|(?<control>[\\r\\n])|(?<text>[^${ESC}\\r\\n]+)`,
  "gu",
);

/**
 * What a terminal shows, with what has scrolled away above it. It wraps long lines and, like most, wraps them anew when
 * its width changes. It knows the sequences that a live view needs, and no others; the cursor goes up only to column 0.
 */
export class Terminal {
  #columns: number;
  #rowsShown: number;
  #rows: Row[] = [{ text: "", wraps: false }];
  /** Where the next letter goes; always at the end of its row, or at column 0 of one that is cleared first. */
  #at = 0;
  #wrapping = true;
  isCursorShown = true;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rowsShown = rows;
  }

  /** Every row, also what has scrolled away; without empty ones at the end. */
  get lines(): string[] {
    const texts = this.#rows.map(({ text }) => text.trimEnd());
    while (texts.at(-1) === "") texts.pop();
    return texts;
  }

  write(text: string): void {
    let end = 0;
    for (const { 0: piece, index, groups = {} } of text.matchAll(PIECES)) {
      if (index !== end) throw new Error(`a sequence that nobody knows: ${JSON.stringify(text.slice(end))}`);
      end = index + piece.length;
      if (groups.sequence !== undefined) this.#obey(groups.sequence);
      else if (groups.control === "\n") this.#next(false);
      else if (groups.text !== undefined) this.#print(groups.text);
    }
    if (end !== text.length)
      throw new Error(`a sequence that nobody knows: ${JSON.stringify(text.slice(end))}`);
  }

  resize(columns: number, rows: number): void {
    const whole = this.#rows
      .map(({ text, wraps }) => text + (wraps ? "" : "\n"))
      .join("")
      .replace(/\n$/, "");
    this.#columns = columns;
    this.#rowsShown = rows;
    this.#rows = [{ text: "", wraps: false }];
    this.#at = 0;
    const wrapping = this.#wrapping;
    this.#wrapping = true;
    this.write(whole);
    this.#wrapping = wrapping;
  }

  #obey(sequence: string): void {
    if (sequence.endsWith("m")) return;
    if (sequence.endsWith("A")) {
      // Nobody reaches what has scrolled away.
      const top = Math.max(0, this.#rows.length - this.#rowsShown);
      this.#at = Math.max(top, this.#at - Number(sequence.slice(0, -1)));
    } else if (sequence === "0J" || sequence === "J") {
      this.#rows = [...this.#rows.slice(0, this.#at), { text: "", wraps: false }];
    } else if (sequence === "2K") this.#rows[this.#at] = { text: "", wraps: false };
    else if (sequence === "?25l" || sequence === "?25h") this.isCursorShown = sequence === "?25h";
    else if (sequence === "?7l" || sequence === "?7h") this.#wrapping = sequence === "?7h";
    else throw new Error(`a sequence that nobody knows: ${sequence}`);
  }

  #print(text: string): void {
    for (const { segment } of new Intl.Segmenter().segment(text)) {
      const row = this.#row();
      if (stringWidth(row.text + segment) <= this.#columns) row.text += segment;
      else if (this.#wrapping) {
        this.#next(true);
        this.#row().text += segment;
      }
    }
  }

  #row(): Row {
    const row = this.#rows[this.#at];
    if (row === undefined) throw new Error("the cursor is nowhere");
    return row;
  }

  #next(wraps: boolean): void {
    this.#row().wraps = wraps;
    this.#at += 1;
    if (this.#at === this.#rows.length) this.#rows.push({ text: "", wraps: false });
  }
}
