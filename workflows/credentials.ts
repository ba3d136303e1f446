import { isLoopbackHost } from "../plan/loopback";
import { buildSecretVariable, CI_PAIR, hostVariables } from "../plan/variables";
import type { EnvValue, Permissions } from "./model";
import { expression } from "./model";
import { builds, type StateKind, type WorkflowStack } from "./stack";

type Variables = Readonly<Record<string, EnvValue>>;

/** GHCR takes the job's own token, where no secrets name a better one; the program falls back by itself. */
const GHCR: Variables = {
  GHCR_USERNAME: { secret: "GHCR_USERNAME", optional: true },
  GHCR_TOKEN: { secret: "GHCR_TOKEN", optional: true },
  GITHUB_TOKEN: expression("github.token"),
};

/** What the program reads to sign in to the stack's registries. Secrets of optional registries are optional. */
export function registryVariables(stack: WorkflowStack): Variables {
  const { config } = stack;
  // The job that builds has no engine, and only the engine can decrypt a setting.
  const isReadable = (path: string) => config.encrypted.includes(path) && !builds(stack);
  const variables = config.registries.map(({ host, optional, password }, index): Variables => {
    if (host === "ghcr.io") return GHCR;
    if (host === "docker.io") return pair("DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN", optional);
    if (isLoopbackHost(host)) return {};
    const hasPassword = password !== undefined || isReadable(`registries[${index}].password`);
    const own = index === 0 ? CI_PAIR : hostVariables(host);
    return pair(own.username, own.password, optional || hasPassword);
  });
  return Object.assign({}, ...variables);
}

/** The build secrets of the stack's images. */
export function buildSecrets({ config: { images } }: WorkflowStack): Variables {
  const names = images.flatMap(({ secrets }) => Object.keys(secrets).map(buildSecretVariable));
  return Object.fromEntries(names.map((name) => [name, { secret: name }]));
}

/** The engine's state and the key to the stack's secrets. */
export function engineVariables(state: StateKind): Variables {
  return {
    PULUMI_BACKEND_URL: {
      secret: "PULUMI_BACKEND_URL",
      ...(state === "throwaway" ? { otherwise: "format('file://{0}', runner.temp)" } : {}),
    },
    PULUMI_CONFIG_PASSPHRASE: { secret: "PULUMI_CONFIG_PASSPHRASE", optional: true },
  };
}

/** The stack's further secrets, as variables of the same name. */
export function furtherSecrets({ workflows }: WorkflowStack): Variables {
  return Object.fromEntries(workflows.secrets.map((name) => [name, { secret: name }]));
}

/** The signing key and its password, where the environment of a release has them and not the stack's own file. */
export function signingVariables({ config: { sign, promote } }: WorkflowStack): Variables {
  if (sign.mode !== "key" || promote !== undefined) return {};
  return pair("COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD", true);
}

/** What the job's token needs on GHCR; nothing where images go elsewhere. */
export function packagePermission({ config }: WorkflowStack, access: "read" | "write"): Permissions {
  return config.registries.some(({ host }) => host === "ghcr.io") ? { packages: access } : {};
}

/** Two secrets that belong together, as variables of the same names. */
function pair(first: string, second: string, optional: boolean): Variables {
  const rest = optional ? { optional: true } : {};
  return { [first]: { secret: first, ...rest }, [second]: { secret: second, ...rest } };
}
