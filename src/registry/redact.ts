/** A shorter one would be found in innocent words. */
const SHORTEST_SECRET = 4;
const REMEMBERED = 200;

/** Removes what must not be seen from text that others wrote: a registry may echo what it was sent. */
export class Redactor {
  readonly #hidden = new Map<string, readonly string[]>();
  readonly #remembered: number;
  /** All forms of all values, the longest first: one secret may be a part of another. Made when it is needed. */
  #forms: readonly string[] | undefined;

  /** @param options.remembered how many values, the latest ones. @default 200 */
  constructor(options: { readonly remembered?: number } = {}) {
    this.#remembered = options.remembered ?? REMEMBERED;
  }

  /** From now on `value` is removed in every form of `secretForms`. */
  hide(value: string): void {
    if (value.length < SHORTEST_SECRET) return;
    const known = this.#hidden.get(value);
    this.#hidden.delete(value);
    this.#hidden.set(value, known ?? secretForms(value));
    if (known !== undefined) return;
    this.#forms = undefined;
    const [oldest] = this.#hidden.keys();
    if (oldest !== undefined && this.#hidden.size > this.#remembered) this.#hidden.delete(oldest);
  }

  redact(text: string): string {
    this.#forms ??= [...new Set([...this.#hidden.values()].flat())].sort((a, b) => b.length - a.length);
    let clean = text;
    for (const form of this.#forms) clean = clean.replaceAll(form, "[secret]");
    return clean;
  }
}

const SAFE_PARAMETERS = ["n", "last", "mount", "from", "digest", "artifactType", "service", "scope"];

/**
 * A URL's path and those of its query parameters that carry no secret (signatures, upload states), as one short line,
 * since a registry can name URLs too.
 */
export function safePath(url: URL): string {
  const query = SAFE_PARAMETERS.flatMap((name) =>
    url.searchParams.getAll(name).map((value) => `${name}=${value}`),
  );
  return oneLine(query.length === 0 ? url.pathname : `${url.pathname}?${query.join("&")}`);
}

/** One line of printable text, at most `limit` characters. */
export function oneLine(text: string, limit = 300): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}

/**
 * Removes what looks like a secret: credentials in URLs, query parameters, headers, fields of JSON.
 * For text that is kept; what a redactor knows it removes exactly.
 */
export function scrub(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, "$1[secret]@")
    .replace(/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, "$1?[query]")
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+/gi, "$1 [secret]")
    .replace(
      /("?\b(?:access_?|refresh_?|identity_?|id_?)?(?:token|secret|password|passwd|authorization|signature|_state)"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s,;&}]+)/gi,
      "$1[secret]",
    )
    .replace(/\b(?:dckr_pat_|dckr_oat_|ghp_|gho_|ghs_|github_pat_)[A-Za-z0-9_-]+/g, "[secret]")
    .replace(/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, "[secret]");
}

/** Text inside JSON inside JSON inside JSON. */
const DEPTH = 4;
/** A line of a key is a secret too; shorter ones (`}`, `-----`) are not. */
const SHORTEST_LINE = 12;
/** Fewer characters of base64 or hex may stand in any text by chance. */
const SHORTEST_ENCODED = 8;

/**
 * How a secret may stand in a text of others, the longest first: as it is, each line of it, in JSON (also as Go writes
 * it, also nested), in a URL, in base64 and base64url wherever it begins in a longer text, in hex.
 */
function secretForms(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE && line !== secret);
  const forms = [secret, ...lines].flatMap((one) => [...inJson(one), ...inUrl(one), ...encoded(one)]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function inJson(text: string): string[] {
  let last = new Set([text]);
  const all = new Set(last);
  for (let depth = 0; depth < DEPTH; depth++) {
    last = new Set([...last].flatMap((form) => [escaped(form), forHtml(escaped(form))]));
    for (const form of last) all.add(form);
  }
  return [...all];
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Go escapes what a browser would take for markup. */
function forHtml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

function inUrl(text: string): string[] {
  // Half a surrogate pair has no UTF-8.
  const component = encodeURIComponent(Buffer.from(text).toString("utf8"));
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [component, strict, strict.replaceAll("%20", "+")];
}

function encoded(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].flatMap((offset) => {
    // What depends on the bytes before and behind is left out.
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return [padded.toString("base64").slice(from, to), padded.toString("base64url").slice(from, to)];
  });
  const hex = bytes.toString("hex");
  const padded = [bytes.toString("base64"), bytes.toString("base64url")];
  return [...padded, ...base64, hex, hex.toUpperCase()].filter((form) => form.length >= SHORTEST_ENCODED);
}
