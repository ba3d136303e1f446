// Reports what `npm audit` finds in the released packages, one line each.

import { projectDir } from "./paths.mjs";
import { runNpm } from "./run.mjs";

/** Severities that fail the audit. */
const SEVERE = ["high", "critical"];

/**
 * @param {{ project?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ text: string, code: 0 | 1 }>}
 */
export async function auditPackages({ project = projectDir, env = process.env } = {}) {
  const args = ["audit", "--omit=dev", "--json"];
  const { stdout, output } = await runNpm(args, { cwd: project, env, timeoutMs: 120_000 });
  return auditReport(stdout, output);
}

/**
 * @param {string} stdout npm's JSON: findings, or an error of the registry
 * @param {string} output everything that npm printed
 * @returns {{ text: string, code: 0 | 1 }}
 */
function auditReport(stdout, output) {
  const answer = parsed(stdout);
  const findings = answer?.vulnerabilities;
  if (!findings) {
    const reason =
      answer?.message ?? answer?.error?.summary ?? output.trim().split("\n").at(-1) ?? "no answer";
    return { text: `npm audit: NOT AUDITED, the registry did not answer: ${reason}`, code: 0 };
  }
  const found = Object.values(findings).sort((a, b) => a.name.localeCompare(b.name));
  // npm counts the project itself too.
  const packages = answer.metadata?.dependencies?.prod && answer.metadata.dependencies.prod - 1;
  if (found.length === 0) {
    return { text: `npm audit: no known vulnerabilities in ${packages ?? "the"} packages`, code: 0 };
  }
  const isSevere = found.some(({ severity }) => SEVERE.includes(severity));
  const lines = found.map(({ name, range, severity, via }) => {
    const titles = via.flatMap((one) =>
      typeof one === "string" ? [`through ${one}`] : [`${one.title}, ${one.url}`],
    );
    return `  ${severity}: ${name} ${range}: ${titles.join("; ")}`;
  });
  return {
    text: [
      `npm audit: ${found.length} of ${packages ?? "the"} packages have known vulnerabilities`,
      ...lines,
      isSevere
        ? "What you can do: raise the version in package.json, or add `overrides` for a dependency of it; `npm audit fix --dry-run` suggests changes."
        : "None is high or critical, so the audit passes.",
    ].join("\n"),
    code: isSevere ? 1 : 0,
  };
}

/**
 * @typedef {{ title: string, url: string }} Advisory
 * @typedef {{ name: string, range: string, severity: string, via: (string | Advisory)[] }} Finding
 * @typedef {{ message?: string, error?: { summary?: string }, vulnerabilities?: Record<string, Finding>,
 *   metadata?: { dependencies?: { prod?: number } } }} Answer
 */

/** @param {string} text @returns {Answer | undefined} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
