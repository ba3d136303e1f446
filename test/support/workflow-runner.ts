import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type EnvValue, type Job, valueText } from "../../src/workflows/model";
import type { EngineResult, Project } from "./project";

const CLI = path.resolve(__dirname, "../../src/cli/slipway.js");

/** What GitHub knows when a job starts: values of expressions, by their text, and the event's variables. */
export interface Started {
  /** `inputs.version` -> `v1.2.3`; secrets as `secrets.NAME`. What is not here is empty, as on GitHub. */
  readonly values?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly payload?: unknown;
  /** Folders whose files an artifact brings into a folder of the runner's temporary one: `{ parts: [from] }`. */
  readonly artifacts?: Readonly<Record<string, readonly string[]>>;
}

export interface JobResult extends EngineResult {
  /** What the job wrote on the run's page. */
  readonly summary: string;
  /** What steps put out, `name=value` lines. */
  readonly outputs: string;
  /** The runner's folder that is gone after the job: where a throwaway state is. */
  readonly temp: string;
}

/**
 * Carries out a job's own scripts in a project, as a runner would: a temporary folder of its own, no secret that is not
 * given, each script by bash with the variables of its step. Actions are passed over, and so is the installation of
 * packages, which the project has. Ends at the first script that fails.
 */
export async function runJob(
  project: Pick<Project, "run">,
  job: Job,
  started: Started = {},
): Promise<JobResult> {
  const temp = mkdtempSync(path.join(tmpdir(), "slipway-runner-"));
  const file = (name: string, text = "") => {
    writeFileSync(path.join(temp, name), text);
    return path.join(temp, name);
  };
  for (const [name, folders] of Object.entries(started.artifacts ?? {})) {
    for (const from of folders) cpSync(from, path.join(temp, name), { recursive: true });
  }
  const bin = path.join(temp, "bin");
  mkdirSync(bin);
  file("bin/npx", `#!/bin/sh\n# npx --no slipway …\nshift 2\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(path.join(bin, "npx"), 0o755);
  const [summary, output] = [file("summary.md"), file("output")];
  const common = {
    PATH: `${bin}${path.delimiter}${process.env.PATH}`,
    RUNNER_TEMP: temp,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_OUTPUT: output,
    GITHUB_EVENT_PATH: file("event.json", JSON.stringify(started.payload ?? {})),
    ...started.env,
  };
  let text = "";
  let exitCode = 0;
  for (const step of job.steps) {
    if (!("run" in step) || step.name === "Install packages" || exitCode !== 0) continue;
    const values = { ...started.values, ...stepOutputs(job, readFileSync(output, "utf8")) };
    const env = Object.fromEntries(
      Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluate(value, values, temp)]),
    );
    const script = file("script.sh", step.run.join("\n"));
    // GitHub's own ways to start bash: with pipefail only where a step names it.
    const flags = step.shell === "bash" ? ["--noprofile", "--norc", "-eo", "pipefail"] : ["-e"];
    const result = await project.run({ ...common, ...env }, "bash", ...flags, script);
    text += result.text;
    exitCode = result.exitCode;
  }
  return {
    exitCode,
    text,
    summary: readFileSync(summary, "utf8"),
    outputs: readFileSync(output, "utf8"),
    temp,
  };
}

export function removeRunner({ temp }: JobResult): void {
  rmSync(temp, { recursive: true, force: true });
}

function stepOutputs({ steps }: Job, output: string): Record<string, string> {
  const ids = steps.flatMap(({ id }) => id ?? []);
  return Object.fromEntries(
    output.split("\n").flatMap((line) => {
      const [name = "", ...value] = line.split("=");
      return name === "" ? [] : ids.map((id) => [`steps.${id}.outputs.${name}`, value.join("=")]);
    }),
  );
}

/** Expressions as Slipway's workflows use them: a value, or the first of several that is not empty. */
function evaluate(value: EnvValue, values: Readonly<Record<string, string>>, temp: string): string {
  if (typeof value !== "string") {
    const given = values[`secrets.${value.secret}`] ?? "";
    if (given !== "" || value.otherwise === undefined) return given;
    if (value.otherwise === "format('file://{0}', runner.temp)") return `file://${temp}`;
    throw new Error(`${valueText(value)} is not known here`);
  }
  return value.replace(/\$\{\{ (.*?) \}\}/g, (_, text: string) => {
    const given = values[text];
    if (given === undefined && !/^[\w.]+$/.test(text))
      throw new Error(`the expression ${text} is not known here`);
    return given ?? "";
  });
}
