import { Secret } from "../plan/secret";
import type { Credentials } from "./credentials";
import { RegistryError } from "./errors";
import { oneLine } from "./redact";

/** Helpers may ask a cloud service, none waits for a person here. */
const DEADLINE_MS = 30_000;
/** The username by which a helper says that the secret is an identity token. */
const TOKEN_USERNAME = "<token>";
const NOT_FOUND = /credentials not found|no credentials server URL|not logged in/i;

export interface HelperOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** @default 30000 */
  readonly deadlineMs?: number;
}

/**
 * Asks `docker-credential-<name> get`, the server on its standard input.
 *
 * @returns undefined where the helper knows no credentials for the server.
 * @throws RegistryError `registry-credentials`; never with the helper's output on success, which is a secret.
 * @see https://github.com/docker/docker-credential-helpers
 */
export async function askHelper(
  name: string,
  registry: string,
  server: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const program = `docker-credential-${name}`;
  const failure = (what: string, hint: string) =>
    new RegistryError({
      code: "registry-credentials",
      registry,
      summary: `${program}, which Docker's configuration names for ${registry}, ${what}`,
      hint,
    });
  // The name becomes a program's: a path or an option must not hide in it.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw failure("has no valid name", "Fix credsStore or credHelpers in Docker's config.json.");
  }
  // Loaded here: it is an ES module, and slow to load.
  const { execa } = await import("execa");
  const running = execa(program, ["get"], {
    input: server,
    env: options.environment,
    extendEnv: false,
    reject: false,
    maxBuffer: 1024 * 1024,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.kill("SIGKILL");
    // What the helper itself has started can keep these open.
    running.stdout?.destroy();
    running.stderr?.destroy();
  }, deadlineMs);
  const result = await running.finally(() => clearTimeout(timer));
  if (late) {
    throw failure(
      `did not answer within ${deadlineMs / 1000} s`,
      "It may be waiting for you to unlock a keychain.",
    );
  }
  if (result.code === "ENOENT") {
    throw failure("is not installed", "Install it, or remove it from Docker's config.json and log in again.");
  }
  if (result.exitCode !== 0) {
    const said = oneLine(`${result.stdout} ${result.stderr}`);
    if (NOT_FOUND.test(said)) return undefined;
    const why =
      result.exitCode === undefined ? oneLine(result.shortMessage ?? "") : `exit code ${result.exitCode}`;
    // Only what it says on standard error: standard output is where secrets go.
    const error = oneLine(result.stderr, 200);
    throw failure(`failed: ${why}${error === "" ? "" : `: ${error}`}`, "Try `docker login` again.");
  }
  return readAnswer(result.stdout, () =>
    failure("answered something that is no credentials", "It must print JSON with Username and Secret."),
  );
}

function readAnswer(output: string, failure: () => RegistryError): Credentials | undefined {
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    throw failure();
  }
  if (typeof json !== "object" || json === null) throw failure();
  const username: unknown = Reflect.get(json, "Username");
  const secret: unknown = Reflect.get(json, "Secret");
  if (typeof username !== "string" || typeof secret !== "string") throw failure();
  if (secret === "") return undefined;
  return username === TOKEN_USERNAME
    ? { identityToken: new Secret(secret) }
    : { username, password: new Secret(secret) };
}
