import { checkbox, confirm, input, select } from "@inquirer/prompts";
import type { WorkflowHost } from "../../plan/config";
import { HOST_PATTERN, REPOSITORY_PATTERN } from "../../plan/reference";
import {
  defaultAnswers,
  defaultDockerfiles,
  foundRegistries,
  parseRegistry,
  stageOf,
} from "./default-answers";
import { dockerfiles, reasonToLeaveOut } from "./detect";
import type { RepositoryFacts } from "./facts";
import { type Answers, canSignKeyless, type InitFlags, type InitRegistry, type SignMode } from "./shape";

export function isInterruption(error: unknown): boolean {
  return error instanceof Error && (error.name === "ExitPromptError" || error.name === "AbortPromptError");
}

/** Asks for everything that no flag gives. The defaults are what was found in the repository. */
export async function ask(
  facts: RepositoryFacts,
  given: InitFlags,
  version: string,
  signal: AbortSignal,
): Promise<Answers> {
  const flags =
    foundRegistries(facts, given).length > 0
      ? given
      : { ...given, registry: (await askRegistries("Registries", [], signal)).map(registryText) };
  const isListed = flags.image?.some((image) => image.includes("=")) === true || flags.lane !== undefined;
  const chosen = isListed ? defaultDockerfiles(facts) : await askDockerfiles(facts, signal);
  const found = defaultAnswers(facts, flags, version, chosen);
  const registries =
    flags.registry === undefined && flags.dockerHub === undefined
      ? await askRegistries("Registries", found.registries, signal)
      : found.registries;
  const [stageRegistry] =
    flags.stageRegistry === undefined
      ? await askRegistries("Registry of stage", [stageOf(registries) ?? []].flat(), signal)
      : [found.stageRegistry];
  const hosts = flags.workflows === undefined ? await askHosts(found.hosts, signal) : found.hosts;
  const sign = flags.sign === undefined ? await askSign({ ...found, hosts }, signal) : found.sign;
  return { ...found, registries, stageRegistry, hosts, sign };
}

async function askDockerfiles(facts: RepositoryFacts, signal: AbortSignal): Promise<string[]> {
  const all = dockerfiles(facts.files);
  if (all.length < 2) return defaultDockerfiles(facts);
  const choices = all.map((value) => {
    const reason = reasonToLeaveOut(value, facts.files);
    const name = reason === undefined ? value : `${value} (${reason})`;
    return { value, name, checked: reason === undefined };
  });
  return checkbox({ message: "Dockerfiles to release", choices, required: true }, { signal });
}

async function askHosts(found: readonly WorkflowHost[], signal: AbortSignal): Promise<WorkflowHost[]> {
  const hosts = ["github", "gitea"] as const;
  const choices = hosts.map((value) => ({ value, checked: found.includes(value) }));
  return checkbox({ message: "Workflow files for", choices }, { signal });
}

async function askSign(answers: Answers, signal: AbortSignal): Promise<SignMode> {
  const can = canSignKeyless(answers);
  const choices: { value: SignMode; name: string }[] = [
    { value: "key", name: "a key pair for each stack, the private key encrypted in its settings" },
    { value: "keyless", name: "keyless: as the workflow on GitHub, in a public log" },
    { value: "none", name: "nothing: anyone who may push decides what is adopted" },
  ];
  const preferred = answers.sign === "keyless" && !can ? "key" : answers.sign;
  const possible = choices.filter(({ value }) => can || value !== "keyless");
  return select({ message: "Sign releases with", choices: possible, default: preferred }, { signal });
}

export async function askToWrite(count: number, signal: AbortSignal): Promise<boolean> {
  const message = `Write ${count === 1 ? "this file" : `these ${count} files`}?`;
  return confirm({ message, default: true }, { signal });
}

function registryText({ host, namespace }: InitRegistry): string {
  return namespace === "" ? host : `${host}/${namespace}`;
}

async function askRegistries(
  what: string,
  found: readonly InitRegistry[],
  signal: AbortSignal,
): Promise<InitRegistry[]> {
  const message = `${what}, host/namespace${what === "Registries" ? ", separated by spaces" : ""}`;
  const written = found.map(registryText);
  const text = await input({ message, default: written.join(" "), validate: registriesProblem }, { signal });
  return words(text).map((word, index) => ({
    ...parseRegistry(word),
    // A second registry on Docker Hub is skipped without credentials for it.
    optional: index > 0 && word.startsWith("docker.io/"),
  }));
}

function registriesProblem(answer: string): true | string {
  const wrong = words(answer).find((word) => {
    const { host, namespace } = parseRegistry(word);
    return !HOST_PATTERN.test(host) || (namespace !== "" && !REPOSITORY_PATTERN.test(namespace));
  });
  if (words(answer).length === 0) return "Name at least one, such as ghcr.io/octo";
  return wrong === undefined || `${wrong} is not host/namespace, such as ghcr.io/octo`;
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
