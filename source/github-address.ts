/**
 * Where GitHub's REST API is, from what a person gives as base URL: github.com, GitHub Enterprise Cloud and Server, by the
 * same rules as the GitHub provider. An unknown host is a server, with its API below `/api/v3`.
 */
export function githubApiUrl(baseUrl: string | undefined): string {
  if (baseUrl === undefined) return "https://api.github.com";
  const url = new URL(baseUrl);
  if (url.hostname === "github.com" || url.hostname === "api.github.com") return "https://api.github.com";
  if (/^api\.[a-zA-Z0-9-]+\.ghe\.com$/.test(url.hostname)) return url.origin;
  if (url.hostname.endsWith(".ghe.com")) return `https://api.${url.hostname}`;
  const path = url.pathname.replace(/\/+$/, "").replace(/\/api\/v3$/, "");
  return `${url.origin}${path}/api/v3`;
}
