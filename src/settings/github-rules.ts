import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { conflict, duplicates, entriesOf, formatPath, problem, textOf, type Written } from "./paths";

/** Names that are of no use one without the other. */
const PAIRS: readonly (readonly [name: string, token: string])[] = [
  ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"],
  ["GHCR_USERNAME", "GHCR_TOKEN"],
];

export function githubProblems(written: Written): Problem[] {
  const { github } = written;
  if (!isRecord(github)) return [];
  return [
    ...pairProblems(github),
    ...fileProblems(github),
    ...doubleProblems(github),
    ...placeProblems(github, written.repository),
    ...keylessProblems(github, written.sign),
  ];
}

/** A user without a token cannot log in, and the release would find out last. */
function pairProblems(github: Written): Problem[] {
  const environments = Object.entries(isRecord(github.environments) ? github.environments : {});
  const places: [path: string, place: unknown][] = [
    ["github", github],
    ...environments.map(([name, place]): [string, unknown] => [`github.environments.${name}`, place]),
  ];
  const given = (name: string) =>
    places.find(([, place]) => isRecord(place) && (has(place.secrets, name) || has(place.variables, name)));
  return PAIRS.flatMap(([name, token]) => {
    const at = given(name)?.[0];
    if (at === undefined || given(token) !== undefined) return [];
    const path = `${at}.secrets.${token}`;
    const hint = `Set it: pulumi config set --secret --path 'slipway:${path}'`;
    return [problem("github-token-absent", path, `is required with ${name}`, hint)];
  });
}

function fileProblems(github: Written): Problem[] {
  const files = entriesOf(github, "files").map(({ path, value }) => ({
    path: ["github", ...path, "path"],
    key: textOf(value.path),
  }));
  const repeated = duplicates(
    files,
    (key, first) => `${JSON.stringify(key)} is also at ${formatPath(first)}`,
  );
  if (github.pullRequest !== true || github.branch !== undefined) return repeated;
  const message = "is required with pullRequest; expected the branch that the pull request comes from";
  return [...repeated, problem("config-required", "github.branch", message)];
}

/** GitHub keeps both and gives jobs the secret, so one of them is a mistake. */
function doubleProblems({ secrets, variables }: Written): Problem[] {
  if (!isRecord(secrets) || !isRecord(variables)) return [];
  return Object.keys(variables)
    .filter((name) => name in secrets)
    .map((name) => conflict(`github.variables.${name}`, "is a secret too, and everyone can read a variable"));
}

function placeProblems(github: Written, repository: unknown): Problem[] {
  if (github.setup !== true || github.repository !== undefined || repository !== undefined) return [];
  const message = "is required; expected the GitHub repository, owner/name";
  return [problem("config-required", "github.repository", message)];
}

/** The right to an identity goes with signing by it: without it the release fails at its end, alone it is one too many. */
function keylessProblems({ workflows }: Written, sign: unknown): Problem[] {
  if (!isRecord(workflows)) return [];
  const { keyless } = workflows;
  const mode = isRecord(sign) && typeof sign.mode === "string" ? sign.mode : "key";
  if (typeof keyless !== "boolean" || keyless === (mode === "keyless")) return [];
  const message = `${keyless} does not go with sign.mode ${mode}`;
  const hint = "Leave it out: jobs that sign keyless get id-token: write by themselves.";
  return [conflict("github.workflows.keyless", message, hint)];
}

function has(place: unknown, name: string): boolean {
  return isRecord(place) && place[name] !== undefined;
}
