import { posix } from "node:path";
import type { Problem } from "../plan/problem";
import { isRecord } from "../plan/record";
import { isReference, normalizeHost, parseReference, referenceText } from "../plan/reference";
import { baseProblems, expandedNames } from "./base-rules";
import { githubProblems } from "./github-rules";
import { contextKind, escapes, pathProblem } from "./grammar";
import { laneRuleProblems, tagRuleProblems } from "./lane-rules";
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
import { promotionProblems, trustProblems } from "./promotion-rules";

/**
 * Rules that look at more than one value. They run beside the schema, on what is written, so that all problems are
 * reported at once; a value that the schema refuses is passed over here.
 */
export function ruleProblems(written: Written): Problem[] {
  const registries = entriesOf(written, "registries");
  const images = entriesOf(written, "images");
  return [
    ...registryProblems(registries),
    ...nameProblems(registries, images),
    ...images.flatMap(imageProblems),
    ...descriptionProblems(images),
    ...baseProblems(written),
    ...unknownImages(written, "override", ":"),
    ...unknownImages(written, "adopt", "@"),
    ...laneRuleProblems(written),
    ...tagRuleProblems(written),
    ...checkProblems(written),
    ...promotionProblems(written, expandedNames(written)),
    ...trustProblems(written),
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

function nameProblems(registries: readonly Entry[], images: readonly Entry[]): Problem[] {
  const named = images.map(({ path, value }) => ({ path: [...path, "name"], key: textOf(value.name) }));
  const problems = duplicates(
    named,
    (key, first) => `${JSON.stringify(key)} is also the name at ${formatPath(first)}`,
  );
  const longest = Math.max(0, ...registries.map(({ value }) => (textOf(value.namespace) ?? "").length));
  for (const { path, key } of named) {
    if (key === undefined || longest + 1 + key.length <= 255) continue;
    const message = "is too long: namespace and name together may have 255 characters";
    problems.push(problem("config-value", path, message));
  }
  return problems;
}

function imageProblems({ path, value }: Entry): Problem[] {
  const problems: Problem[] = [];
  const context = textOf(value.context) ?? ".";
  const dockerfile = textOf(value.dockerfile) ?? "Dockerfile";
  // From a good context a Dockerfile may lie anywhere in the project, outside of the context too.
  const upward = dockerfile.startsWith("../") && pathProblem(context) === undefined;
  const wrong = pathProblem(upward ? posix.join(context, dockerfile) : dockerfile);
  if (wrong !== undefined && dockerfile !== "") {
    const message = `${JSON.stringify(dockerfile)} ${wrong}`;
    problems.push(problem("config-value", [...path, "dockerfile"], message));
  }
  const contexts = Object.entries(isRecord(value.contexts) ? value.contexts : {});
  for (const [name, source] of contexts) {
    if (typeof source !== "string" || contextKind(source) !== "folder") continue;
    if (pathProblem(context) !== undefined || !escapes(posix.join(context, source))) continue;
    const message = `${JSON.stringify(source)} leads out of the project`;
    problems.push(problem("config-value", [...path, "contexts", name], message));
  }
  problems.push(
    ...duplicates(
      contexts.map(([name]) => ({
        path: [...path, "contexts", name],
        key: isReference(name) ? referenceText(parseReference(name)) : undefined,
      })),
      (key, first) => `${key} is also the name at ${formatPath(first)}`,
    ),
    ...duplicates(
      textsOf(value.platforms).map(([index, key]) => ({ path: [...path, "platforms", index], key })),
      (key, first) => `${JSON.stringify(key)} is already at ${formatPath(first)}`,
    ),
    ...duplicates(
      textsOf(value.extraLabels).map(([index, label]) => ({
        path: [...path, "extraLabels", index],
        key: label.split("=")[0],
      })),
      (key, first) => `${JSON.stringify(key)} is already set at ${formatPath(first)}`,
    ),
  );
  for (const name of ["BUILDKIT_ATTEST_PROVENANCE", "BUILDKIT_ATTEST_SBOM"]) {
    if (!isRecord(value.buildArgs) || !(name in value.buildArgs)) continue;
    const setting = name === "BUILDKIT_ATTEST_SBOM" ? "sbom" : "provenance";
    const message = `is set by Slipway itself; use the image's \`${setting}\``;
    problems.push(conflict([...path, "buildArgs", name], message));
  }
  return problems;
}

function descriptionProblems(images: readonly Entry[]): Problem[] {
  const described = images.filter(({ value }) => isRecord(value.description));
  return duplicates(
    described.map(({ path, value }) => ({
      path: [...path, "description"],
      key: textOf(value.repository) ?? textOf(value.name),
    })),
    (repository, first) => `${formatPath(first)} describes the repository ${repository} already`,
  );
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

function repositoryBase(registry: Written): string | undefined {
  const host = hostOf(registry);
  const namespace = textOf(registry.namespace) ?? "";
  return host === undefined ? undefined : namespace === "" ? host : `${host}/${namespace}`;
}

function hostOf(registry: Written): string | undefined {
  const host = textOf(registry.host);
  return host === undefined ? undefined : normalizeHost(host);
}
