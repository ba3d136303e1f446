/** Expands a word's variables as BuildKit does in FROM. */

export type Lookup = (name: string) => string | undefined;

/** @throws UnresolvedError for a variable that has no value and no default, and for a form that is not supported */
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
