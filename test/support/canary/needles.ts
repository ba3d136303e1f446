const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES = new Uint8Array(128);
for (let at = 0; at < ALPHABET.length; at++) CODES[ALPHABET.charCodeAt(at)] = at;
/** So many characters of base64's alphabet are one number of 24 bits. */
const START = 4;
const MASK = 0xffffff;

/** Many texts of base64's alphabet, looked for in one pass: logs have megabytes, and there are hundreds of texts. */
export class Needles<T> {
  readonly #byStart = new Map<number, { readonly text: string; readonly value: T }[]>();
  readonly #starts = new Uint8Array(MASK + 1);

  add(text: string, value: T): void {
    if (!/^[A-Za-z0-9+/]{4,}$/.test(text))
      throw new Error(`${text} has characters outside base64's alphabet`);
    const start = codeOf(text.slice(0, START));
    this.#starts[start] = 1;
    const others = this.#byStart.get(start) ?? [];
    this.#byStart.set(start, [...others, { text, value }]);
  }

  /** @param text of the same alphabet */
  *in(text: string): Generator<{ readonly at: number; readonly length: number; readonly value: T }> {
    let code = 0;
    for (let end = 0; end < text.length; end++) {
      code = ((code << 6) | (CODES[text.charCodeAt(end)] ?? 0)) & MASK;
      const at = end - START + 1;
      if (at < 0 || this.#starts[code] === 0) continue;
      for (const needle of this.#byStart.get(code) ?? []) {
        if (text.startsWith(needle.text, at)) yield { at, length: needle.text.length, value: needle.value };
      }
    }
  }
}

function codeOf(text: string): number {
  return [...text].reduce((code, char) => ((code << 6) | (CODES[char.charCodeAt(0)] ?? 0)) & MASK, 0);
}
