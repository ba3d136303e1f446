import path from "node:path";
import { lookUp } from "../../config/environment";
import type { Config } from "../../plan/config";
import { ProblemError } from "../../plan/problem";
import type { ReleasePlan } from "../../plan/release-plan";
import { FROM_DOCKER, type Registries } from "../../provider/registries";
import type { Login } from "./commands";

/** `CI_DOCKER_CLI`, then `DOCKER_CLI`, then docker. A path is the person's own, not the project's. */
export function cliProgram(env: NodeJS.ProcessEnv, config: Config): string {
  const program = lookUp(env, ["CI_DOCKER_CLI", "DOCKER_CLI"], config.envPrefix)?.value.trim() ?? "docker";
  return /[/\\]/.test(program) ? path.resolve(program) : program;
}

/** Build secrets that only the engine can decrypt would be built in as nothing. */
export function refuseUnreadable({ encrypted }: Config, plan: ReleasePlan): void {
  const unreadable = plan.images.flatMap(({ content, intent: { image } }) =>
    content.from === "build" && Object.keys(image.secrets).length > 0
      ? encrypted.filter((secret) => secret.startsWith(`${image.at ?? ""}.secrets`))
      : [],
  );
  if (unreadable.length === 0) return;
  throw new ProblemError(
    "Nothing was built:",
    [...new Set(unreadable)].map((secret) => ({
      code: "publish-needs-engine",
      path: `slipway:${secret}`,
      message: "is encrypted, and only the engine can read it",
      hint: "Release with `pulumi up`, or build from a stack file that does not encrypt it (--config-file).",
    })),
  );
}

/** What the CLI does not know by itself: credentials of the environment and of the stack. */
export async function readLogins(
  config: Config,
  plan: ReleasePlan,
  registries: Registries,
): Promise<Login[]> {
  const hosts = config.registries.map(({ host }) => host).filter((host) => !(host in plan.skipped));
  const found = await Promise.all(
    [...new Set(hosts)].map(async (host) => {
      const credentials = await registries.connect(host).credentials();
      if (credentials === undefined || credentials.from === FROM_DOCKER) return [];
      if (!("username" in credentials.credentials)) return [];
      const { username, password } = credentials.credentials;
      return [{ host, username, password, from: credentials.from }];
    }),
  );
  return found.flat();
}
