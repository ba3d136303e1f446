/** Why GitHub refuses (403, 429), as far as its answer says; otherwise a permission is missing. */
export type Refusal =
  | { readonly kind: "rate-limit" /** ISO 8601 */; readonly until?: string }
  /** The token is not authorised for an organisation with single sign-on. */
  | { readonly kind: "sso"; readonly url: string };

/** @param headers with names in small letters */
export function refusalOf(
  status: number,
  message: string,
  headers: Readonly<Record<string, unknown>>,
): Refusal | undefined {
  if (status !== 403 && status !== 429) return undefined;
  if (status === 429 || headers["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message)) {
    const reset = Number(headers["x-ratelimit-reset"]);
    return reset > 0
      ? { kind: "rate-limit", until: new Date(reset * 1000).toISOString() }
      : { kind: "rate-limit" };
  }
  const url = /\burl=(https:\/\/\S+)/.exec(String(headers["x-github-sso"] ?? ""))?.[1];
  return url === undefined ? undefined : { kind: "sso", url };
}
