import { checkbox, confirm, input, select } from "@inquirer/prompts";
import type { WorkflowHost } from "../../plan/github-config";
import { HOST_PATTERN, REPOSITORY_PATTERN } from "../../plan/reference";
import { parseRegistry } from "./default-answers";
import type { InitFlags, SignMode } from "./flags";
import { type Answers, canSignKeyless, type InitRegistry, type Shape } from "./shape";

/** The person closed the questions by Ctrl-C, or a signal did. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && (error.name === "ExitPromptError" || error.name === "AbortPromptError");
}

/**
 * Asks about what no flag has said; the default of each question is what was found.
 *
 * @param signal ends the questions
 * @throws ExitPromptError after Ctrl-C, AbortPromptError after the signal
 */
export async function ask(found: Answers, flags: InitFlags, signal: AbortSignal): Promise<Answers> {
  const shape = flags.image === undefined ? await askNames(found.shape, signal) : found.shape;
  const registries =
    flags.registry === undefined && flags.dockerHub === undefined
      ? await askRegistries(found.registries, signal)
      : found.registries;
  const hosts =
    flags.workflows === undefined
      ? await checkbox<WorkflowHost>(
          {
            message: "Workflow files for",
            choices: (["github", "gitea"] as const).map((value) => ({
              value,
              checked: found.hosts.includes(value),
            })),
          },
          { signal },
        )
      : found.hosts;
  const sign = flags.sign === undefined ? await askSign({ ...found, hosts }, signal) : found.sign;
  return { ...found, shape, registries, hosts, sign };
}

async function askSign(answers: Answers, signal: AbortSignal): Promise<SignMode> {
  const can = canSignKeyless(answers);
  const choices = [
    { value: "key" as const, name: "a key pair for each stack, the private key encrypted in its settings" },
    ...(can
      ? [{ value: "keyless" as const, name: "keyless: as the workflow on GitHub, in a public log" }]
      : []),
    { value: "none" as const, name: "nothing: anyone who may push decides what is adopted" },
  ];
  const preferred = answers.sign === "keyless" && !can ? "key" : answers.sign;
  return select<SignMode>({ message: "Sign releases with", choices, default: preferred }, { signal });
}

/** Whether to write what has been shown. */
export async function askToWrite(count: number, signal: AbortSignal): Promise<boolean> {
  const message = `Write ${count === 1 ? "this file" : `these ${count} files`}?`;
  return confirm({ message, default: true }, { signal });
}

async function askNames(shape: Shape, signal: AbortSignal): Promise<Shape> {
  switch (shape.kind) {
    case "fleet":
      return shape;
    case "images": {
      const images: (typeof shape.images)[number][] = [];
      for (const image of shape.images) {
        images.push({
          ...image,
          name: await askName(`Name of the image in ${image.context}`, image.name, signal),
        });
      }
      return { ...shape, images };
    }
    case "lanes":
      return {
        ...shape,
        image: { ...shape.image, name: await askName("Name of the image", shape.image.name, signal) },
      };
    case "variants":
      return {
        ...shape,
        image: { ...shape.image, name: await askName("Name of the image", shape.image.name, signal) },
      };
  }
}

async function askName(message: string, found: string, signal: AbortSignal): Promise<string> {
  const validate = (text: string) =>
    REPOSITORY_PATTERN.test(text) ||
    "Lower-case letters and digits, with . _ - between them, / between parts";
  return input({ message, default: found, validate }, { signal });
}

async function askRegistries(found: readonly InitRegistry[], signal: AbortSignal): Promise<InitRegistry[]> {
  const message = "Registries, host/namespace, separated by spaces";
  const written = found.map(({ host, namespace }) => (namespace === "" ? host : `${host}/${namespace}`));
  const text = await input({ message, default: written.join(" "), validate: registriesProblem }, { signal });
  return words(text).map((word, index) => ({
    ...parseRegistry(word),
    // Docker Hub beside another registry is skipped where there are no credentials for it.
    optional: index > 0 && word.startsWith("docker.io/"),
  }));
}

/** true, or what is wrong. */
function registriesProblem(answer: string): true | string {
  const wrong = words(answer).find((word) => {
    const { host, namespace } = parseRegistry(word);
    return !HOST_PATTERN.test(host) || (namespace !== "" && !REPOSITORY_PATTERN.test(namespace));
  });
  if (words(answer).length === 0) return "Name one at least, such as ghcr.io/octo";
  return wrong === undefined || `${wrong} is not host/namespace, such as ghcr.io/octo`;
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
