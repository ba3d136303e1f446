/** Shorter secrets would match parts of ordinary words. */
const SHORTEST_SECRET = 4;
const REMEMBERED = 200;

/** Removes known secrets from text of other programs: a registry may echo what it received. */
export class Redactor {
  readonly #hidden = new Map<string, readonly string[]>();
  readonly #remembered: number;
  /** All forms of all values, the longest first, since one secret may be part of another. */
  #forms: readonly string[] | undefined;

  /** @param options.remembered how many of the latest values are kept. @default 200 */
  constructor(options: { readonly remembered?: number } = {}) {
    this.#remembered = options.remembered ?? REMEMBERED;
  }

  /** From now on `redact` removes `value` in each of its `secretForms`. */
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
 * A URL's path and its harmless query parameters, without signatures and upload states, as one short line: a registry
 * can name URLs too.
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
 * Removes what looks like a secret: credentials in URLs, query parameters, headers, fields of JSON. For text that is
 * stored; it complements a `Redactor`, which removes known secrets exactly.
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

/** How often text may be nested in JSON strings. */
const DEPTH = 4;
/** Each line of a key is a secret; shorter lines (`}`, `-----`) are not. */
const SHORTEST_LINE = 12;
/** Fewer characters of base64 or hex occur in any text by chance. */
const SHORTEST_ENCODED = 8;

/**
 * The forms in which a secret can appear, the longest first: as it is, each of its lines, in JSON (nested, and as Go
 * writes it), in a URL, in hex, and in base64 and base64url at any position of a longer text.
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

/** Go escapes `<`, `>` and `&` in JSON. */
function forHtml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

function inUrl(text: string): string[] {
  // encodeURIComponent throws for half a surrogate pair, which the buffer replaces.
  const component = encodeURIComponent(Buffer.from(text).toString("utf8"));
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [component, strict, strict.replaceAll("%20", "+")];
}

function encoded(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].flatMap((offset) => {
    // Leaves out the characters that depend on the bytes before and after the secret.
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return [padded.toString("base64").slice(from, to), padded.toString("base64url").slice(from, to)];
  });
  const hex = bytes.toString("hex");
  const padded = [bytes.toString("base64"), bytes.toString("base64url")];
  return [...padded, ...base64, hex, hex.toUpperCase()].filter((form) => form.length >= SHORTEST_ENCODED);
}
