import { randomInt } from "node:crypto";
import { encodings, type Form } from "./encodings";
import { Needles } from "./needles";
import { views } from "./views";

/** One planted secret. */
export interface Canary {
  /** Where it was planted. @example "registry password, environment" */
  readonly name: string;
  readonly value: string;
  /** Runs of letters and digits: if one half of any of them is seen, the secret has leaked. */
  readonly cores: readonly string[];
}

/** A leak. */
export interface Sighting {
  readonly canary: string;
  readonly form: Form;
  /** What stands around it, to find the place by. */
  readonly around: string;
}

/** At least this many of its letters and digits have to be in one piece to tell a canary. */
const HALF = 12;
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";

/** Secrets that are planted, and the search for them in what others can read. */
export class Canaries {
  readonly #planted: Canary[] = [];
  readonly #needles = new Needles<{ readonly canary: Canary; readonly form: Form }>();

  /**
   * A secret with blanks, quotes and everything else that encodings change, around letters and digits that they keep.
   *
   * @param around what stands around those. @default blanks and signs
   */
  plant(name: string, around: { readonly before?: string; readonly after?: string } = {}): string {
    const { before = `c+/=& `, after = ` %"'\\<é>$?:@#` } = around;
    const core = Array.from({ length: 2 * HALF }, () => LETTERS[randomInt(LETTERS.length)]).join("");
    return this.add(name, `${before}${core}${after}`);
  }

  /** A secret that cannot be chosen: a key, a token that somebody issues. Each of its long runs is looked for. */
  add(name: string, value: string): string {
    const cores = value.split(/[^A-Za-z0-9]+/).filter((run) => run.length >= HALF);
    if (cores.length === 0) throw new Error(`${name}: nothing in it is long enough to be told from chance`);
    const canary = { name, value, cores };
    this.#planted.push(canary);
    for (const piece of cores.flatMap(halves)) {
      for (const { form, text } of encodings(piece)) this.#needles.add(text, { canary, form });
    }
    return value;
  }

  get planted(): readonly Canary[] {
    return this.#planted;
  }

  /** The first sighting of each canary in each form. */
  findIn(text: string): Sighting[] {
    const found = new Map<string, Sighting>();
    for (const { text: view, forms } of views(text)) {
      for (const { at, length, value } of this.#needles.in(view)) {
        const { canary, form } = value;
        const key = `${canary.name}: ${form}`;
        if (!forms.includes(form) || found.has(key)) continue;
        found.set(key, { canary: canary.name, form, around: around(view, at, length) });
      }
    }
    return [...found.values()];
  }
}

function halves(core: string): string[] {
  const whole = core.slice(0, 2 * Math.max(HALF, Math.floor(core.length / 2)));
  const middle = Math.max(HALF, Math.floor(whole.length / 2));
  return [whole.slice(0, middle), whole.slice(-middle)];
}

function around(text: string, at: number, length: number): string {
  const before = text.slice(Math.max(0, at - 120), at);
  const after = text.slice(at + length, at + length + 60);
  return `${before}[HERE]${after}`.replace(/\s+/g, " ");
}
