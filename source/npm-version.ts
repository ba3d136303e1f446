import { NPM_SOURCE_PATTERN, parseVersion } from "../plan/versions";
import { runCommand } from "./run-command";

/**
 * The newest version of a package, asked of the registry that npm is configured for (its `.npmrc` files, environment
 * and credentials count, the project's too).
 *
 * @throws Error that names the package, and the registry if npm gives it
 */
export async function latestOfNpm(
  source: string,
  options: {
    readonly projectDir: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly deadlineMs: number;
  },
): Promise<{ version: string; origin: string }> {
  const match = NPM_SOURCE_PATTERN.exec(source);
  if (match === null)
    throw new Error(`${JSON.stringify(source)} is not npm:<package> or npm:<package>@<tag>`);
  const [, name = "", tag = "latest"] = match;
  const fetchTimeout = Math.max(1000, Math.floor(options.deadlineMs / 2));
  const args = ["--json", "--prefer-online", "--fetch-retries=1", "--fetch-retry-mintimeout=200"];
  const result = await runCommand(
    "npm",
    ["view", ...args, `--fetch-timeout=${fetchTimeout}`, "--", `${name}@${tag}`, "version"],
    { cwd: options.projectDir, env: { ...options.env }, timeout: options.deadlineMs },
  );
  const asked = `npm view ${name}@${tag}`;
  if (result.failure === "timed-out")
    throw new Error(`${asked}: no answer within ${options.deadlineMs / 1000} seconds`);
  if (result.failure === "not-found") throw new Error(`${asked}: npm was not found`);
  const answer = parseJson(result.stdout);
  if (typeof answer === "string" && parseVersion(answer) !== undefined) {
    return { version: answer, origin: `the newest version of ${name} in the npm registry (${tag})` };
  }
  throw new Error(`${asked}: ${errorSummary(answer) ?? "there is no such version"}`);
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** npm's own `{"error": {"code", "summary"}}`, in one line. URLs lose their credentials. */
function errorSummary(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  const { error } = answer;
  if (typeof error !== "object" || error === null) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "error";
  const summary = "summary" in error && typeof error.summary === "string" ? error.summary : "";
  return `${code} ${summary.trim().split("\n")[0] ?? ""}`.replace(/\/\/[^/@\s]+@/g, "//").trim();
}
