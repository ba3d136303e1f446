import path from "node:path";
import type { Code } from "../../inputs/program-host";
import { isRecord } from "../../plan/record";
import { isLoopbackHost } from "../../plan/reference";
import { overlayCode, overlayEnvironment } from "../../settings/overlay";
import { isSetupStack, readStackFile } from "../../settings/stack-file";
import { releaseCode } from "../plan/run-program";

interface EngineNeed {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the program gives in code, if it was run already. @default the program is run */
  readonly code?: Code;
  /** Start a local builder and registry where the stack needs them. @default false */
  readonly services?: boolean;
  /** Whether this may run without a Pulumi login. @default false */
  readonly mayLogin?: boolean;
}

/** The environment to run pulumi in: the given one, with what is missing for this stack provided by the toolchain. */
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
  // A program that fails gives nothing: what runs it next reports why.
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

/** Ports of registries on this machine; none where a stack also releases elsewhere. */
function localPorts(registries: unknown): number[] {
  const hosts = (Array.isArray(registries) ? registries : []).flatMap((registry) =>
    isRecord(registry) && typeof registry.host === "string" ? [registry.host] : [],
  );
  const ports = hosts.map((host) => (isLoopbackHost(host) ? Number(/:([0-9]+)$/.exec(host)?.[1] ?? 0) : 0));
  return ports.every((port) => port > 0) ? [...new Set(ports)] : [];
}
