// @ts-check
// Versions as programs print them: "v3.259.0", "runc version 1.4.0", "go version go1.26.8 linux/amd64".

/**
 * @param {string} text
 * @returns {[number, number, number] | undefined}
 */
export function versionIn(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/**
 * Whether a version is at least another one.
 * @param {readonly number[]} version @param {readonly number[]} minimum
 */
export function isAtLeast(version, minimum) {
  for (const [index, wanted] of minimum.entries()) {
    const found = version[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}

/**
 * At least that version, and of the same major one.
 * @param {string} text @param {string} minimum
 */
export function fits(text, minimum) {
  const found = versionIn(text);
  const wanted = versionIn(minimum);
  return found !== undefined && wanted !== undefined && found[0] === wanted[0] && isAtLeast(found, wanted);
}
