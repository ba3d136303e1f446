import path from "node:path";
import { readConfig } from "../config/read";
import { readStackFile } from "../config/stack-file";
import { ProblemError } from "../plan/problem";
import type { ReleasePlan } from "../plan/release-plan";
import { providerConfig } from "../provider/provider-config";
import { Registries } from "../provider/registries";
import { inspectImages } from "../registry/inspect-images";
import { readRegistryState } from "../registry/read-state";
import { resolveImageDigests } from "../registry/resolve-images";
import { readManifestFile } from "../report/read-manifest-file";
import { MANIFEST_FILE } from "../report/write-artifacts";
import { planRelease } from "../source/plan-release";

/**
 * The plan that the program makes, from the same parts. The stack's state and its encrypted values stay closed: what
 * was released last and secret passwords are unknown here, so credentials come from the environment or from Docker.
 */
export async function planWithoutEngine(options: {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
}): Promise<ReleasePlan> {
  const projectDir = path.resolve(options.cwd);
  const { stack } = options;
  const file = await readStackFile({
    projectDir,
    stack,
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
  });
  const config = readConfig({ ...file, env: process.env });
  const registries = new Registries(providerConfig(config));
  return planRelease({
    config,
    stack,
    projectDir,
    env: process.env,
    now: new Date(),
    stackManifest: (other) => manifestWithoutEngine(projectDir, config.artifacts, other),
    registries: {
      inspectImages: (references) => inspectImages(references, (host) => registries.connect(host).client),
      resolveImages: (references) =>
        resolveImageDigests(references, (host) => registries.connect(host).client),
      readRegistries: (request) => readRegistryState(request, (host) => registries.connect(host)),
    },
  });
}

/** Another stack's outputs are the engine's to read; its manifest's file will do, where the last release wrote it here. */
async function manifestWithoutEngine(projectDir: string, artifacts: string, stack: string): Promise<unknown> {
  const file = path.join(projectDir, artifacts, MANIFEST_FILE);
  const manifest = await readManifestFile(file).catch(() => undefined);
  if (manifest?.stack === stack) return manifest;
  throw new ProblemError("No plan:", [
    {
      code: "plan-needs-engine",
      path: "promote.from",
      message: `what ${stack} released is in its outputs, which only the engine can read`,
      hint: "Use `pulumi preview`, or promote by statement (promote.statement).",
    },
  ]);
}
