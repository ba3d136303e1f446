import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { normalizeHost } from "../plan/reference";
import { parseDuration } from "../plan/trust";
import { expandedNames, imageProblems } from "./image-rules";
import {
  conflict,
  duplicates,
  type Entry,
  entriesOf,
  formatPath,
  problem,
  textOf,
  textsOf,
  type Written,
} from "./paths";

/**
 * Rules that look at more than one value. They run beside the schema, on unchecked settings, so that all problems are
 * reported at once; they skip values that the schema refuses.
 */
export function ruleProblems(written: Written): Problem[] {
  return [
    ...registryProblems(entriesOf(written, "registries")),
    ...imageProblems(written),
    ...unknownImages(written, "override", ":"),
    ...unknownImages(written, "adopt", "@"),
    ...checkProblems(written),
    ...promoteProblems(written),
    ...rollbackProblems(written),
    ...signProblems(written),
    ...githubProblems(written),
  ];
}

function registryProblems(registries: readonly Entry[]): Problem[] {
  const problems = duplicates(
    registries.map(({ path, value }) => ({ path, key: repositoryBase(value) })),
    (key, first) => `${key} is ${formatPath(first)} again`,
  );
  for (const { path, value } of registries) {
    const host = hostOf(value);
    if ((host !== "docker.io" && host !== "ghcr.io") || (value.namespace ?? "") !== "") continue;
    const message = `is required for ${host}; expected the user or organization that owns the images`;
    problems.push(problem("config-required", [...path, "namespace"], message));
  }
  if (registries[0]?.value.optional === true) {
    const message = "true is not possible for the first registry, which is the primary";
    const hint = "Put a registry that is always there first";
    problems.push(conflict([...registries[0].path, "optional"], message, hint));
  }
  return problems;
}

function repositoryBase(registry: Written): string | undefined {
  const host = hostOf(registry);
  const namespace = textOf(registry.namespace) ?? "";
  return host === undefined || namespace === "" ? host : `${host}/${namespace}`;
}

function hostOf(registry: Written): string | undefined {
  const host = textOf(registry.host);
  return host === undefined ? undefined : normalizeHost(host);
}

/** Entries of a list of `image:tag` or `image@digest` whose image does not exist. */
function unknownImages(written: Written, setting: "override" | "adopt", separator: ":" | "@"): Problem[] {
  const names = expandedNames(written);
  return textsOf(written[setting]).flatMap(([index, text]) => {
    const name = text.slice(0, text.lastIndexOf(separator));
    if (!text.includes(separator) || names.includes(name)) return [];
    const message = `${JSON.stringify(text)} names no image; there is ${names.join(", ") || "none"}`;
    return [problem("config-value", [setting, index], message)];
  });
}

function checkProblems(written: Written): Problem[] {
  const names = entriesOf(written, "checks").map(({ path, value }) => ({
    path: [...path, "name"],
    key: textOf(value.name),
  }));
  return duplicates(names, (key, first) => `${JSON.stringify(key)} is also the name at ${formatPath(first)}`);
}

function promoteProblems(written: Written): Problem[] {
  const { promote } = written;
  if (!isRecord(promote)) return [];
  const { from, statement, registry, verify } = promote;
  const problems = listedImages(written, "promote");
  if (isRecord(verify)) problems.push(...verifyProblems(verify));
  if (from === undefined && statement === undefined) {
    const message = "does not say what to promote; expected from: <stack> or statement: <version>";
    return [problem("config-required", "promote", message), ...problems];
  }
  if (from !== undefined && statement !== undefined) {
    const message = "is another way to say promote.from; keep one of them";
    return [conflict("promote.statement", message), ...problems];
  }
  if (registry !== undefined && statement === undefined) {
    const message = "belongs to promote.statement; a stack's manifest names its own registries";
    return [conflict("promote.registry", message), ...problems];
  }
  return problems;
}

function verifyProblems(verify: Written): Problem[] {
  const { minAge, maxAge } = verify;
  const least = typeof minAge === "string" ? parseDuration(minAge) : undefined;
  const most = typeof maxAge === "string" ? parseDuration(maxAge) : undefined;
  const problems = signerProblems(verify, "promote.verify");
  if (least === undefined || most === undefined || least <= most) return problems;
  const message = `is more than maxAge, ${String(maxAge)}: no release can satisfy both`;
  return [...problems, conflict("promote.verify.minAge", message)];
}

function rollbackProblems(written: Written): Problem[] {
  const { rollback } = written;
  if (!isRecord(rollback)) return [];
  const problems = listedImages(written, "rollback");
  const bad: unknown[] = Array.isArray(rollback.bad) ? rollback.bad : [];
  if (rollback.to === undefined) {
    if (rollback.images !== undefined) {
      return [conflict("rollback.images", "goes with rollback.to, which is not set"), ...problems];
    }
    if (bad.length > 0) return problems;
    const message = "is empty; expected to: <version>, bad: [<version>] or both";
    return [problem("config-required", "rollback", message), ...problems];
  }
  const plain = (version: unknown) => String(version).replace(/^v(?=\d)/, "");
  const conflicts = bad.flatMap((version, index) => {
    if (plain(version) !== plain(rollback.to)) return [];
    const message = `${JSON.stringify(version)} is also rollback.to; floating tags cannot go back to a bad version`;
    return [conflict(["rollback", "bad", index], message)];
  });
  return [...conflicts, ...problems];
}

/** Names in the `images` of a promotion or rollback that no image has. */
function listedImages(written: Written, key: "promote" | "rollback"): Problem[] {
  const setting = written[key];
  const names = expandedNames(written);
  return textsOf(isRecord(setting) ? setting.images : undefined).flatMap(([index, name]) => {
    if (names.includes(name)) return [];
    const message = `${JSON.stringify(name)} is no image; there is ${names.join(", ") || "none"}`;
    return [problem("config-value", [key, "images", index], message)];
  });
}

/** Rejects settings that the chosen mode ignores. */
function signProblems({ sign }: Written): Problem[] {
  if (!isRecord(sign)) return [];
  const { mode = "key", trusted } = sign;
  const isSet = (name: string) => sign[name] !== undefined;
  const only = (other: string, names: readonly string[]) =>
    names
      .filter((name) => mode !== other && isSet(name))
      .map((name) => conflict(`sign.${name}`, `belongs to mode ${other}, and the mode is ${String(mode)}`));
  const second = (text: string, file: string) =>
    isSet(text) && isSet(file)
      ? [conflict(`sign.${file}`, `is a second key beside sign.${text}; keep one of them`)]
      : [];
  const signers: unknown[] = Array.isArray(trusted) ? trusted : [];
  return [
    ...only("key", ["key", "keyFile", "password", "publicKey", "publicKeyFile"]),
    ...only("keyless", ["fulcio", "rekor", "trustedRoot"]),
    ...(mode === "none" && trusted !== undefined
      ? [conflict("sign.trusted", "is ignored where sign.mode is none, which verifies nothing")]
      : []),
    ...second("key", "keyFile"),
    ...second("publicKey", "publicKeyFile"),
    ...signers.flatMap((signer, index) =>
      isRecord(signer) ? signerProblems(signer, formatPath(["sign", "trusted", index])) : [],
    ),
  ];
}

function signerProblems(signer: Written, path: string): Problem[] {
  const isSet = (name: string) => signer[name] !== undefined;
  const [first, ...others] = ["key", "keyFile", "subject"].filter(isSet);
  const ofSubject = signer.subject === undefined ? ["issuer", "trustedRoot"].filter(isSet) : [];
  const missing = "does not name a signer; expected key, keyFile or subject";
  return [
    ...(first === undefined ? [problem("config-required", path, missing)] : []),
    ...others.map((name) =>
      conflict(`${path}.${name}`, `names a second signer beside ${first}; keep one of them`),
    ),
    ...ofSubject.map((name) => conflict(`${path}.${name}`, "belongs to a subject, not to a key")),
  ];
}

/** Pairs of which one is useless without the other. */
const PAIRS: readonly (readonly [name: string, token: string])[] = [
  ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"],
  ["GHCR_USERNAME", "GHCR_TOKEN"],
];

/** The rules for `github`, the only ones that a setup stack has to follow. */
export function githubProblems({ github, repository, sign }: Written): Problem[] {
  if (!isRecord(github)) return [];
  return [
    ...pairProblems(github),
    ...fileProblems(github),
    ...doubleProblems(github),
    ...placeProblems(github, repository),
    ...keylessProblems(github, sign),
  ];
}

/** A user without a token cannot log in, and a release would fail only when it pushes. */
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

function has(place: unknown, name: string): boolean {
  return isRecord(place) && place[name] !== undefined;
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

/** Keyless signing needs the right to an identity, and without keyless signing the right is one too many. */
function keylessProblems({ workflows }: Written, sign: unknown): Problem[] {
  if (!isRecord(workflows)) return [];
  const { keyless } = workflows;
  const mode = isRecord(sign) && typeof sign.mode === "string" ? sign.mode : "key";
  if (typeof keyless !== "boolean" || keyless === (mode === "keyless")) return [];
  const message = `${keyless} does not go with sign.mode ${mode}`;
  const hint = "Leave it out: jobs that sign keyless get id-token: write by themselves.";
  return [conflict("github.workflows.keyless", message, hint)];
}
