/** The variables that hold a registry's credentials. */
export interface Pair {
  readonly username: string;
  readonly password: string;
}

/** Preferred pair first. */
export const PAIRS_BY_HOST: Readonly<Record<string, readonly Pair[]>> = {
  "ghcr.io": [
    { username: "GHCR_USERNAME", password: "GHCR_TOKEN" },
    { username: "GITHUB_ACTOR", password: "GITHUB_TOKEN" },
  ],
  "docker.io": [{ username: "DOCKERHUB_USERNAME", password: "DOCKERHUB_TOKEN" }],
};
export const CI_PAIR: Pair = { username: "CI_REGISTRY_USERNAME", password: "CI_REGISTRY_PASSWORD" };

/** The variables of any host: `QUAY_IO_USERNAME` and `QUAY_IO_PASSWORD` of quay.io. */
export function hostVariables(host: string): Pair {
  const name = variableName(host);
  return { username: `${name}_USERNAME`, password: `${name}_PASSWORD` };
}

/** The variable of a build secret: `BUILD_SECRET_NPM_TOKEN` of the id `npm-token`. */
export function buildSecretVariable(id: string): string {
  return `BUILD_SECRET_${variableName(id)}`;
}

function variableName(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}
