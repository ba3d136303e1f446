import path from "node:path";
import { isRecord } from "../../plan/record";
import { isLoopbackHost } from "../../plan/reference";
import type { Code } from "../../release/program-host";
import { overlayCode, overlayEnvironment } from "../../settings/overlay";
import { isSetupStack, readStackFile } from "../../settings/stack-file";
import { releaseCode } from "../plan/run-program";
import type { StackToRead } from "./pulumi";

interface EngineNeed extends StackToRead {
  /** What the program declares in code, if it was run already. @default the program is run */
  readonly code?: Code;
  /** Start a local builder and registry if the stack needs them. @default false */
  readonly services?: boolean;
  /** Whether this may run without a Pulumi login. @default false */
  readonly mayLogin?: boolean;
}

/** The environment to run pulumi in: the given one, and what this stack needs from the toolchain. */
export async function engineEnvironment(need: EngineNeed): Promise<NodeJS.ProcessEnv> {
  const { childEnvironment } = await import("#toolchain/project");
  return childEnvironment(await missingVariables(need), need.env, []);
}

export async function missingVariables(need: EngineNeed): Promise<Record<string, string>> {
  const { provideProject } = await import("#toolchain/project");
  const { stack, configFile, env, services = false, mayLogin = false } = need;
  const project = path.resolve(need.cwd);
  const file = await readStackFile({
    projectDir: project,
    stack,
    configFile: configFile && path.resolve(configFile),
  });
  // If the program fails here, the run that follows reports why.
  const code = need.code ?? (await releaseCode(project, file).catch(() => ({})));
  const { written } = overlayEnvironment(overlayCode(code, file.written), env);
  const setup = isSetupStack(written);
  const hasBuilder = isRecord(written.builder) && written.builder.name !== undefined;
  return provideProject(
    {
      project,
      stack: stack.split("/").at(-1) ?? stack,
      ports: setup ? [] : localPorts(written.registries),
      services: services && written.push !== false,
      builds: !setup && written.promote === undefined && !hasBuilder,
      setup,
      mayLogin,
    },
    env,
  );
}

/** The ports of registries on this machine; none if the stack also releases elsewhere. */
function localPorts(registries: unknown): number[] {
  const hosts = (Array.isArray(registries) ? registries : []).flatMap((registry) =>
    isRecord(registry) && typeof registry.host === "string" ? [registry.host] : [],
  );
  const ports = hosts.map((host) => (isLoopbackHost(host) ? Number(/:([0-9]+)$/.exec(host)?.[1] ?? 0) : 0));
  return ports.every((port) => port > 0) ? [...new Set(ports)] : [];
}
