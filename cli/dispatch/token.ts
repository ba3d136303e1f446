import { Secret } from "../../plan/secret";
import { runCommand } from "../../source/commands";
import { notDispatched } from "./problems";

const GH_DEADLINE_MS = 20_000;

/**
 * The token for a GitHub server: `GH_TOKEN`, `GITHUB_TOKEN` (for an Enterprise server `GH_ENTERPRISE_TOKEN` first, as
 * `gh` has it), then what `gh auth token` says.
 *
 * @throws ProblemError `github-token`
 */
export async function findToken(host: string, env: NodeJS.ProcessEnv, fallback: string): Promise<Secret> {
  const isEnterprise = host !== "github.com" && !host.endsWith(".ghe.com");
  const names = [
    ...(isEnterprise ? ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"] : []),
    "GH_TOKEN",
    "GITHUB_TOKEN",
  ];
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) return checked(value, name);
  }
  const gh = await runCommand("gh", ["auth", "token", "--hostname", host], { env, timeout: GH_DEADLINE_MS });
  const told = gh.stdout.trim();
  if (gh.code === 0 && told !== "") return checked(told, "gh auth token");
  const why = gh.failure === "not-found" ? "gh is not installed" : `gh is not logged in to ${host}`;
  throw notDispatched({
    code: "github-token",
    path: host,
    message: `there is no token for GitHub: neither GH_TOKEN nor GITHUB_TOKEN is set, and ${why}`,
    hint: `Log in with \`gh auth login\`, or set GH_TOKEN. ${fallback}`,
  });
}

/** A header takes no line end, and the error about it would show the token. */
function checked(value: string, from: string): Secret {
  if (/^[\x21-\x7e]+$/.test(value)) return new Secret(value);
  throw notDispatched({
    code: "github-token",
    path: from,
    message: "is not a token: it has spaces, line ends or letters outside ASCII",
  });
}
