import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { duplicates, entriesOf, formatPath, textOf } from "./paths";

/** Names that are of no use one without the other. */
const PAIRS: readonly (readonly [name: string, token: string])[] = [
  ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"],
  ["GHCR_USERNAME", "GHCR_TOKEN"],
];

/** Rules across settings of `slipway:github`. */
export function githubProblems(written: Readonly<Record<string, unknown>>): Problem[] {
  const { github } = written;
  if (!isRecord(github)) return [];
  return [
    ...pairProblems(github),
    ...fileProblems(github),
    ...doubleProblems(github),
    ...placeProblems(written),
    ...keylessProblems(written),
  ];
}

/** A user without a token cannot log in, and the release would find out last. */
function pairProblems(github: Readonly<Record<string, unknown>>): Problem[] {
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
    return [
      {
        code: "github-token-absent",
        path,
        message: `is required with ${name}`,
        hint: `Set it: pulumi config set --secret --path 'slipway:${path}'`,
      },
    ];
  });
}

function fileProblems(github: Readonly<Record<string, unknown>>): Problem[] {
  const files = entriesOf(github, "files").map(({ path, value }) => ({
    path: ["github", ...path, "path"],
    key: textOf(value.path),
  }));
  const problems = duplicates(
    files,
    (key, first) => `${JSON.stringify(key)} is also at ${formatPath(first)}`,
  );
  if (github.pullRequest === true && github.branch === undefined) {
    problems.push({
      code: "config-required",
      path: "github.branch",
      message: "is required with pullRequest; expected the branch that the pull request comes from",
    });
  }
  return problems;
}

/** GitHub keeps both and gives jobs the secret, so one of them is a mistake. */
function doubleProblems(github: Readonly<Record<string, unknown>>): Problem[] {
  const { secrets } = github;
  if (!isRecord(secrets) || !isRecord(github.variables)) return [];
  return Object.keys(github.variables)
    .filter((name) => name in secrets)
    .map((name) => ({
      code: "config-conflict",
      path: `github.variables.${name}`,
      message: "is a secret too, and everybody can read a variable",
    }));
}

function placeProblems(written: Readonly<Record<string, unknown>>): Problem[] {
  const { github } = written;
  if (!isRecord(github) || github.setup !== true) return [];
  if (github.repository !== undefined || written.repository !== undefined) return [];
  return [
    {
      code: "config-required",
      path: "github.repository",
      message: "is required; expected the GitHub repository, owner/name",
    },
  ];
}

/** The right to an identity goes with signing by it: without it the release fails at its end, alone it is one too many. */
function keylessProblems({ github, sign }: Readonly<Record<string, unknown>>): Problem[] {
  if (!isRecord(github) || !isRecord(github.workflows)) return [];
  const { keyless } = github.workflows;
  const mode = isRecord(sign) && typeof sign.mode === "string" ? sign.mode : "key";
  if (typeof keyless !== "boolean" || keyless === (mode === "keyless")) return [];
  return [
    {
      code: "config-conflict",
      path: "github.workflows.keyless",
      message: `${keyless} does not go with sign.mode ${mode}`,
      hint: "Leave it out: jobs that sign keyless get id-token: write by themselves.",
    },
  ];
}

function has(place: unknown, name: string): boolean {
  return isRecord(place) && place[name] !== undefined;
}
