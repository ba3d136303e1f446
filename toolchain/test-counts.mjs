// @ts-check
// Counts from vitest's JSON report.

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ testResults: { status?: string, assertionResults?: { status: string }[] }[] }} Report
 */

/** @param {Report} report @returns {Counts} */
export function countTests({ testResults }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults = [] } of testResults) {
    for (const { status: outcome } of assertionResults) {
      if (outcome === "passed") counts.passed += 1;
      else if (outcome === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
    // A file that could not be loaded, or whose set-up failed, ran none of its tests and is one failure.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) counts.failed += 1;
  }
  return counts;
}

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
