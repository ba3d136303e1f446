import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { binary } from "./binaries";

/** What actionlint and zizmor say against some workflow files, a line each; nothing is what is wanted. */
export async function judge(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-workflows-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const names = Object.keys(files);
    const [lint, audit] = await Promise.all([actionlint(folder, names), zizmor(folder, names)]);
    return [...lint, ...audit];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function actionlint(folder: string, names: readonly string[]): Promise<string[]> {
  // Neither linter of scripts is provided: what a machine has would decide.
  const flags = ["-no-color", "-oneline", "-shellcheck=", "-pyflakes="];
  const { code, stdout, stderr } = await run(binary("actionlint"), [...flags, ...names], folder);
  if (code > 1) throw new Error(`actionlint ended with ${code}: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}

/** The strictest persona, which also tells what is probably no fault. */
async function zizmor(folder: string, names: readonly string[]): Promise<string[]> {
  const flags = ["--offline", "--no-config", "--no-progress", "--quiet", "--strict-collection"];
  const format = ["--persona=auditor", "--no-exit-codes", "--format=json"];
  const { code, stdout, stderr } = await run(binary("zizmor"), [...flags, ...format, ...names], folder);
  if (code !== 0) throw new Error(`zizmor ended with ${code}: ${stderr}`);
  const findings: unknown = JSON.parse(stdout);
  if (!Array.isArray(findings)) throw new Error(`zizmor answered ${stdout.slice(0, 200)}`);
  return findings.map((finding: { ident?: string; desc?: string; locations?: unknown[] }) => {
    const [where] = /"given_path":"[^"]+"/.exec(JSON.stringify(finding)) ?? [];
    const feature = /"feature":"(?:[^"\\]|\\.)*"/.exec(JSON.stringify(finding))?.[0];
    return `${where}: ${finding.desc} [${finding.ident}] ${feature}`;
  });
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && child.exitCode === null) reject(error);
      else resolve({ code: child.exitCode ?? 0, stdout, stderr });
    });
  });
}
