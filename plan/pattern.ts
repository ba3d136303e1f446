/**
 * Whether a text is what a rule asks for: exactly, or as a whole by a regular expression between slashes.
 *
 * @example matches("/https:\/\/github\.com\/octo\/.+/", "https://github.com/octo/app")
 */
export function matches(rule: string, text: string): boolean {
  const pattern = patternOf(rule);
  return pattern === undefined ? rule === text : new RegExp(`^(?:${pattern})$`, "u").test(text);
}

/** As `matches`, for texts that mean the same in capitals and without: SPDX ids. */
export function matchesAnyCase(rule: string, text: string): boolean {
  const pattern = patternOf(rule);
  if (pattern === undefined) return rule.toLowerCase() === text.toLowerCase();
  return new RegExp(`^(?:${pattern})$`, "iu").test(text);
}

function patternOf(rule: string): string | undefined {
  return rule.length > 2 && rule.startsWith("/") && rule.endsWith("/") ? rule.slice(1, -1) : undefined;
}

/** What is wrong with a rule; undefined for nothing. */
export function patternProblem(rule: string): string | undefined {
  const pattern = patternOf(rule);
  if (pattern === undefined) return rule === "" ? "is empty" : undefined;
  try {
    new RegExp(`^(?:${pattern})$`, "u");
    return undefined;
  } catch {
    return "is not a regular expression between slashes";
  }
}
