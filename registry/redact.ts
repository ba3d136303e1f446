/** Removes what must not be seen from text that others wrote: a registry may echo what it was sent. */
export class Redactor {
  readonly #hidden = new Map<string, undefined>();

  /** From now on `value` is removed as it stands, in base64 and URL-encoded. The latest 200 values are remembered. */
  hide(value: string): void {
    if (value.length < 4) return;
    const base64 = Buffer.from(value).toString("base64");
    const forms = [value, base64, base64.replace(/=+$/, ""), encodeURIComponent(value)];
    for (const form of forms) {
      this.#hidden.delete(form);
      this.#hidden.set(form, undefined);
    }
    for (const oldest of this.#hidden.keys()) {
      if (this.#hidden.size <= 800) break;
      this.#hidden.delete(oldest);
    }
  }

  redact(text: string): string {
    let clean = text;
    for (const hidden of this.#hidden.keys()) clean = clean.split(hidden).join("[secret]");
    return clean;
  }
}

const SAFE_PARAMETERS = ["n", "last", "mount", "from", "digest", "artifactType", "service", "scope"];

/** A URL's path and those of its query parameters that carry no secret (signatures, upload states). */
export function safePath(url: URL): string {
  const query = SAFE_PARAMETERS.flatMap((name) =>
    url.searchParams.getAll(name).map((value) => `${name}=${value}`),
  );
  return query.length === 0 ? url.pathname : `${url.pathname}?${query.join("&")}`;
}

/** One line of printable text, at most `limit` characters. */
export function oneLine(text: string, limit = 300): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}

/**
 * Removes what looks like a secret, whoever made it: credentials in URLs, query parameters, headers, fields of JSON.
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
