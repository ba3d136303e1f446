export type Lookup = (name: string) => string | undefined;

/**
 * Expands a word's variables as BuildKit does in FROM.
 *
 * @throws UnresolvedError for a variable without a value and a default, and for a form that is not supported
 */
export function expandWord(word: string, lookup: Lookup): string {
  let result = "";
  let rest = word;
  while (rest !== "") {
    const at = rest.search(/[\\$'"]/);
    if (at === -1) return result + rest;
    result += rest.slice(0, at);
    rest = rest.slice(at);
    if (rest.startsWith("\\")) {
      result += rest.slice(1, 2);
      rest = rest.slice(2);
    } else if (rest.startsWith("'")) {
      const end = rest.indexOf("'", 1);
      if (end === -1) throw new UnresolvedError(word, "has a quote that does not end");
      result += rest.slice(1, end);
      rest = rest.slice(end + 1);
    } else if (rest.startsWith('"')) {
      rest = rest.slice(1);
    } else {
      const { value, length } = expandVariable(rest, lookup);
      result += value;
      rest = rest.slice(length);
    }
  }
  return result;
}

class UnresolvedError extends Error {
  constructor(word: string, what: string) {
    super(`${JSON.stringify(word)} ${what}`);
    this.name = "UnresolvedError";
  }
}

function expandVariable(text: string, lookup: Lookup): { value: string; length: number } {
  const plain = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text);
  if (plain !== null) return { value: required(plain[0], plain[1] ?? "", lookup), length: plain[0].length };
  const open = /^\$\{([A-Za-z_][A-Za-z0-9_]*)/.exec(text);
  const end = text.startsWith("${") ? closingBrace(text) : -1;
  if (open === null || end === -1) throw new UnresolvedError(text, "is not a variable");
  const name = open[1] ?? "";
  const whole = text.slice(0, end + 1);
  const modifier = text.slice(open[0].length, end);
  return { value: applyModifier(whole, name, modifier, lookup), length: whole.length };
}

function applyModifier(whole: string, name: string, modifier: string, lookup: Lookup): string {
  if (modifier === "") return required(whole, name, lookup);
  const cut = /^(##?|%%?)(.*)$/s.exec(modifier);
  if (cut !== null) {
    const [, operator = "", pattern = ""] = cut;
    return trimmed(required(whole, name, lookup), operator, patternOf(whole, pattern, lookup));
  }
  const replace = /^(\/\/?)((?:\\.|[^\\/])*)\/(.*)$/s.exec(modifier);
  if (replace !== null) {
    const [, operator, pattern = "", text = ""] = replace;
    const found = new RegExp(
      expression(patternOf(whole, pattern, lookup), ".*"),
      operator === "//" ? "gs" : "s",
    );
    const replacement = expandWord(text, lookup);
    return required(whole, name, lookup).replace(found, () => replacement);
  }
  const match = /^(:?)([-+?])(.*)$/s.exec(modifier);
  if (match === null) throw new UnresolvedError(whole, "uses a form that Slipway cannot resolve");
  const [, colon, operator, word = ""] = match;
  const value = lookup(name);
  const given = value !== undefined && (colon === "" || value !== "");
  switch (operator) {
    case "-":
      return given ? value : expandWord(word, lookup);
    case "+":
      return given ? expandWord(word, lookup) : "";
    default:
      if (given) return value;
      throw new UnresolvedError(whole, `has no value: ${word}`);
  }
}

/** A wildcard, or a character that stands for itself. */
type PatternPart = { readonly wildcard: "*" | "?" } | { readonly character: string };

/** A pattern as BuildKit reads it: `*`, `?`, and `\\` before a character that stands for itself; no ranges. */
function patternOf(whole: string, text: string, lookup: Lookup): PatternPart[] {
  // Doubled, since expanding removes one.
  const expanded = expandWord(text.replace(/\\(.)/gs, "\\\\$1"), lookup);
  return [...expanded.matchAll(/\\?./gsu)].map(([part]) => {
    if (part === "*" || part === "?") return { wildcard: part };
    if (/^\\[^*?\\/}]$/.test(part))
      throw new UnresolvedError(whole, `has an escape that BuildKit refuses: ${part}`);
    return { character: part.slice(-1) };
  });
}

function expression(pattern: readonly PatternPart[], star: ".*" | ".*?"): string {
  return pattern
    .map((part) => {
      if ("wildcard" in part) return part.wildcard === "*" ? star : ".";
      return part.character.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    })
    .join("");
}

/** Removes the shortest (`#`, `%`) or longest (`##`, `%%`) match at the beginning or end. */
function trimmed(value: string, operator: string, pattern: readonly PatternPart[]): string {
  const star = operator.length === 2 ? ".*" : ".*?";
  if (operator.startsWith("#")) return value.replace(new RegExp(`^${expression(pattern, star)}`, "s"), "");
  // The shortest match at the end is the shortest one at the beginning of the reversed text.
  const backwards = (text: string): string => [...text].reverse().join("");
  const reversed = new RegExp(`^${expression([...pattern].reverse(), star)}`, "s");
  return backwards(backwards(value).replace(reversed, ""));
}

function required(whole: string, name: string, lookup: Lookup): string {
  const value = lookup(name);
  if (value === undefined) throw new UnresolvedError(whole, "has no value");
  return value;
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === "{") depth += 1;
    else if (text[index] === "}") {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return -1;
}
