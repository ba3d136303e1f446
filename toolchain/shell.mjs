// @ts-check
// Lines for a POSIX shell to evaluate.

/** Within single quotes everything is literal, except the quote. @param {string} value */
const quote = (value) => `'${value.replaceAll("'", `'\\''`)}'`;

/** @param {Record<string, string>} variables @param {readonly string[]} cleared */
export function exportLines(variables, cleared) {
  const sets = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  return [...cleared.map((name) => `unset ${name}`), ...sets].join("\n");
}
