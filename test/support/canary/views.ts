import type { Form } from "./encodings";

/** A text without what hides a secret in it, and the forms that can be seen then. */
export interface View {
  /** Of base64's alphabet. */
  readonly text: string;
  readonly forms: readonly Form[];
}

/** Text inside JSON inside JSON: nobody nests deeper. */
const DEPTH = 4;

/**
 * The same text as somebody reads it who undoes escapes (JSON's, Go's, a URL's, HTML's) and line breaks, with anything
 * between two lines that is neither letter nor digit: blanks, quotes, plus signs, backslashes.
 */
export function views(text: string): View[] {
  const read = [...new Set([text, unescaped(text), percentDecoded(unescaped(text))])];
  return read.flatMap((one): View[] => [
    { text: one.replace(/[^A-Za-z0-9]+/g, ""), forms: ["plain"] },
    { text: one.replace(/[^A-Fa-f0-9]+/g, "").toLowerCase(), forms: ["hex"] },
    {
      text: one
        .replace(/-/g, "+")
        .replace(/_/g, "/")
        .replace(/[^A-Za-z0-9+/]+/g, ""),
      forms: ["base64", "base64 twice"],
    },
    { text: one.replace(/[^0-9]+/g, "/"), forms: ["bytes"] },
  ]);
}

function unescaped(text: string): string {
  let read = text;
  for (let depth = 0; depth < DEPTH && read.includes("\\"); depth++) {
    const next = read.replace(
      /\\(?:u\{?([0-9a-fA-F]{4,6})\}?|x([0-9a-fA-F]{2})|(.))/g,
      (_, unicode: string | undefined, hex: string | undefined, sign: string | undefined) => {
        const code = unicode ?? hex;
        if (code !== undefined) return codePoint(code);
        return sign !== undefined && "nrtbf".includes(sign) ? "\n" : (sign ?? "");
      },
    );
    if (next === read) break;
    read = next;
  }
  return read.replace(/&#x([0-9a-fA-F]{1,6});/g, (_, code: string) => codePoint(code));
}

function codePoint(hex: string): string {
  const code = Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

/** Byte for byte: what is no UTF-8 stays readable where it is ASCII. */
function percentDecoded(text: string): string {
  let read = text;
  for (let depth = 0; depth < 2 && /%[0-9a-fA-F]{2}/.test(read); depth++) {
    read = read.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => codePoint(code));
  }
  return read;
}
