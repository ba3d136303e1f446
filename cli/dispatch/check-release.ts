import path from "node:path";
import type { Problem } from "../../plan/problem";
import { parseEnvFile } from "../../source/versions";
import type { PreflightInput } from "./preflight";
import { oneLine, requestFailure, statusOf } from "./problems";
import { readFileAt } from "./read-file-at";
import { secretsNobodyHas, settingOf } from "./repository-settings";
import type { WorkflowFile } from "./workflow-file";

/** Whether the files of pinned versions have their keys in the commit that is released. */
export async function checkPins(
  { octokit, repository, project, place, settings }: PreflightInput,
  sha: string,
): Promise<Problem[]> {
  // Without a place, the project's folder in the repository is unknown.
  if (place === undefined) return [];
  const what = settings.inputRef ?? settings.version ?? sha.slice(0, 12);
  const files = [...new Set(project.pins.map(({ file }) => file))];
  const texts = new Map(
    await Promise.all(
      files.map(async (file) => {
        const inRepository = path.posix.join(place, file.split(path.sep).join("/"));
        return [file, await readFileAt(octokit, repository, inRepository, sha)] as const;
      }),
    ),
  );
  return project.pins.flatMap(({ file, key }) => {
    const text = texts.get(file);
    if (text === undefined)
      return [
        {
          code: "build-arg-file",
          path: `${file} at ${what}`,
          message: `does not exist, and ${key} is read from it`,
        },
      ];
    const known = [...parseEnvFile(text).keys()];
    if (known.includes(key)) return [];
    const has = oneLine(known.slice(0, 10).join(", ")) || "no key at all";
    return [
      { code: "build-arg-key", path: `${file} at ${what}`, message: `has no key ${key}; it has ${has}` },
    ];
  });
}

/** Whether the repository's own setting agrees with what is asked for. */
export async function checkPolicy(input: PreflightInput): Promise<Problem[]> {
  const { settings, project } = input;
  const setting = await settingOf(input, "PUBLISH_VERSION_TAG", project.envPrefix);
  if (setting === undefined) return [];
  const { name, value } = setting;
  if (settings.publishVersionTag !== undefined && settings.publishVersionTag !== value) {
    const flag = settings.publishVersionTag ? "--publish-version-tag" : "--no-publish-version-tag";
    return [
      {
        code: "publish-policy",
        path: flag,
        message: `the repository's variable ${name} is ${value}`,
        hint: `Leave the flag out, or change the policy: gh variable set ${name} --body ${!value} --repo ${input.errors.path}`,
      },
    ];
  }
  if (!value || settings.version !== undefined) return [];
  return [
    {
      code: "publish-policy",
      path: name,
      message: "the repository wants a version's tag published with every release, but there is no version",
      hint: "Say --version vX.Y.Z.",
    },
  ];
}

/** Whether the workflow has what it needs to push: GHCR's permission, Docker Hub's secrets. */
export async function checkRegistries(input: PreflightInput, file: WorkflowFile): Promise<Problem[]> {
  const { project, settings } = input;
  const problems: Problem[] = [];
  const pushesToGhcr = project.registries.some(({ host }) => host === "ghcr.io");
  if (pushesToGhcr && file.packages === "none" && !file.secrets.includes("GHCR_TOKEN")) {
    problems.push({
      code: "packages-permission",
      path: settings.workflow,
      message: "no job has the permission `packages: write`, which pushing to ghcr.io needs",
      hint: "Commit the file that `slipway workflows` writes.",
    });
  }
  const hub = project.registries.find(({ host }) => host === "docker.io");
  const wanted = hub === undefined ? [] : hubSecrets(file, hub.username !== undefined);
  if (hub === undefined || wanted.length === 0) return problems;
  const missing = await missingSecrets(input, file, wanted);
  if (missing === undefined || missing.length === 0) return problems;
  const environment = file.environments.length === 1 ? ` --env ${file.environments[0]}` : "";
  const message = `the repository has no secret ${missing.join(" and no ")}`;
  if (hub.optional) {
    input.warn(`${message}: Docker Hub will be left out`);
    return problems;
  }
  problems.push({
    code: "repository-secrets",
    path: input.errors.path,
    message: `${message}, which Docker Hub needs`,
    hint: `Set ${missing.length === 1 ? "it" : "them"}: ${missing.map((name) => `gh secret set ${name}${environment} --repo ${input.errors.path}`).join("; ")}`,
  });
  return problems;
}

function hubSecrets({ secrets }: WorkflowFile, hasName: boolean): string[] {
  const names = hasName ? ["DOCKERHUB_TOKEN"] : ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"];
  return names.filter((name) => secrets.includes(name));
}

/** Undefined if the token may not see the names; the release itself will fail then. */
async function missingSecrets(
  input: PreflightInput,
  file: WorkflowFile,
  wanted: readonly string[],
): Promise<readonly string[] | undefined> {
  try {
    return await secretsNobodyHas(input, file, wanted);
  } catch (error) {
    const status = statusOf(error);
    if (status !== 403 && status !== 404) throw error;
    input.warn(`whether the secrets are set is not known: ${requestFailure(error)?.message}`);
    return undefined;
  }
}
