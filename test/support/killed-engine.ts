import { spawn } from "node:child_process";
import { expect } from "vitest";
import { processesLeft, processesWith } from "../../toolchain/run.mjs";
import type { FaultProxy, FaultRule } from "./fault-proxy";
import type { EngineResult, Project } from "./project";

/** The engine's other plugins look for it every five minutes, and are idle meanwhile. */
const PLUGINS = /pulumi-language-nodejs|pulumi-resource-docker-build/;
const SECONDS_MS = 5_000;

/**
 * An `up` whose engine is killed by SIGKILL at a request. Program and provider have to end with it.
 *
 * @param args further ones of `pulumi up`
 */
export async function upKilledAt(
  project: Project,
  proxy: FaultProxy,
  request: Omit<FaultRule, "fault" | "times">,
  { env = {}, args = [] }: { readonly env?: NodeJS.ProcessEnv; readonly args?: readonly string[] } = {},
): Promise<EngineResult> {
  const killed = await new Promise<EngineResult>((resolve, reject) => {
    const up = ["up", "--yes", "--non-interactive", "--skip-preview", "--stack", project.stack, ...args];
    const child = spawn("pulumi", up, {
      cwd: project.dir,
      env: { ...project.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        text += chunk;
      });
    }
    const run = () => void child.kill("SIGKILL");
    const mend = proxy.inject({ ...request, times: 1, fault: { kind: "call", run } });
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      mend();
      if (signal === "SIGKILL") resolve({ exitCode: 137, text });
      else reject(new Error(`pulumi ended before it was killed:\n${text}`));
    });
  });
  const mark = `PULUMI_BACKEND_URL=${project.env.PULUMI_BACKEND_URL}`;
  expect(await processesLeft(mark, { withinMs: SECONDS_MS, except: PLUGINS })).toEqual([]);
  for (const { pid } of processesWith(mark)) process.kill(pid, "SIGKILL");
  return killed;
}
