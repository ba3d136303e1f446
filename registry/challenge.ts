/** One way in which a registry accepts proof, e.g. `Bearer realm="https://…",service="…",scope="…"`. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, "y");
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, "y");
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const GAP = /[ \t,]*/y;

/**
 * Reads a `WWW-Authenticate` header, also one of several challenges, quoted commas and unquoted values. It stops at
 * the first thing that is no challenge and gives what it had understood by then.
 *
 * No kept library separates several challenges in one header, which RFC 9110 allows and proxies produce.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.www-authenticate
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (take(GAP); at < header.length; take(GAP)) {
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : take(PARAMETER);
    if (current !== undefined && parameter !== null) {
      const [, name = "", quoted, bare] = parameter;
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
      continue;
    }
    const scheme = take(SCHEME);
    if (scheme === null) break;
    challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    skipToken68(header, at, (end) => {
      at = end;
    });
  }
  return challenges;
}

/** `Negotiate YII=` carries one bare value where others have parameters. */
function skipToken68(header: string, at: number, moveTo: (end: number) => void): void {
  const blank = /[ \t]+/y;
  blank.lastIndex = at;
  if (!blank.test(header)) return;
  TOKEN68.lastIndex = blank.lastIndex;
  if (TOKEN68.test(header)) moveTo(TOKEN68.lastIndex);
}
