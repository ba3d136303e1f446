import type { Environment } from "../config/environment";
import { runCommand } from "./run-command";

const DEADLINE_MS = 10_000;

/** Whether a Docker engine answers on this machine; `SLIPWAY_DOCKER=off` is as if there were none. */
export async function hasDockerEngine(env: Environment = process.env): Promise<boolean> {
  if (env.SLIPWAY_DOCKER === "off") return false;
  const answer = await runCommand("docker", ["info", "--format", "{{.ServerVersion}}"], {
    env: { ...env },
    timeout: DEADLINE_MS,
  });
  // Docker's program answers 0 without an engine too, with an empty version.
  return answer.code === 0 && answer.stdout.trim() !== "";
}
