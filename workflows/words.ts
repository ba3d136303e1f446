/** A value as one word of a shell's line, in single quotes where it needs any. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9@%_+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text as a string of an expression: `'it''s'`. */
export function expressionText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A job's id: letters, digits, `_` and `-`, beginning with a letter. */
export function jobId(...parts: readonly string[]): string {
  const id = parts.join("-").replace(/[^A-Za-z0-9_-]/g, "-");
  return /^[A-Za-z]/.test(id) ? id : `stack-${id}`;
}

/** A pattern of git tags in GitHub's syntax, where `+` and `?` repeat what stands before them. */
export function tagFilter(pattern: string): string {
  return pattern.replace(/[+?[\]!]/g, "\\$&");
}

/** A file's name without `.yml`. */
export function stem(file: string): string {
  return file.replace(/\.ya?ml$/, "");
}
