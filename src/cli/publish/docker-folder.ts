import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { isRecord } from "../../plan/record";

export interface DockerFolder {
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

const CONFIG = "config.json";
const DOCKER_HUB = ["docker.io", "index.docker.io", "https://index.docker.io/v1/"];

/**
 * A private copy of the person's Docker configuration: `login` writes into this one, so nothing is left on the machine,
 * in its keychain neither. Contexts, builders and plugins are the person's own, by links.
 */
export async function privateDockerFolder(
  env: NodeJS.ProcessEnv,
  hosts: readonly string[],
): Promise<DockerFolder> {
  const own = env.DOCKER_CONFIG || path.join(env.HOME || homedir(), ".docker");
  // Made for its owner alone.
  const folder = await mkdtemp(path.join(tmpdir(), "slipway-docker-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const name of await readdir(own).catch(() => [])) {
      if (name !== CONFIG) await symlink(path.resolve(own, name), path.join(folder, name));
    }
    const config = withoutStore(await readConfig(path.join(own, CONFIG)), hosts);
    await writeFile(path.join(folder, CONFIG), JSON.stringify(config), { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function readConfig(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    return recordOf(JSON.parse(text));
  } catch {
    throw new Error(`${file} is not JSON`);
  }
}

/** A store would keep what is logged in; hosts whose credentials it has already are asked for one by one instead. */
function withoutStore(config: Readonly<Record<string, unknown>>, hosts: readonly string[]): object {
  const { credsStore, credHelpers, auths, ...rest } = config;
  const keys = hosts.flatMap((host) => (host === "docker.io" ? DOCKER_HUB : [host]));
  const stored =
    typeof credsStore === "string" && credsStore !== ""
      ? Object.keys(recordOf(auths)).map((key): [string, unknown] => [key, credsStore])
      : [];
  const others = (entries: [string, unknown][]) =>
    Object.fromEntries(entries.filter(([key]) => !keys.includes(key)));
  return {
    ...rest,
    auths: others(Object.entries(recordOf(auths))),
    credHelpers: others([...stored, ...Object.entries(recordOf(credHelpers))]),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
