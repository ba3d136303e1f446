import { checkbox, confirm, input } from "@inquirer/prompts";
import type { WorkflowHost } from "../../plan/github-config";
import { HOST_PATTERN, REPOSITORY_PATTERN } from "../../plan/reference";
import { parseRegistry } from "./default-answers";
import type { InitFlags } from "./flags";
import type { Answers, InitRegistry, Shape } from "./shape";

/** The person closed the questions by Ctrl-C. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === "ExitPromptError";
}

/**
 * Asks about what no flag has said; the default of each question is what was found.
 *
 * @throws ExitPromptError after Ctrl-C
 */
export async function ask(found: Answers, flags: InitFlags): Promise<Answers> {
  const shape = flags.image === undefined ? await askNames(found.shape) : found.shape;
  const registries =
    flags.registry === undefined && flags.dockerHub === undefined
      ? await askRegistries(found.registries)
      : found.registries;
  const hosts =
    flags.workflows === undefined
      ? await checkbox<WorkflowHost>({
          message: "Workflow files for",
          choices: (["github", "gitea"] as const).map((value) => ({
            value,
            checked: found.hosts.includes(value),
          })),
        })
      : found.hosts;
  return { ...found, shape, registries, hosts };
}

/** Whether to write what has been shown. */
export async function askToWrite(count: number): Promise<boolean> {
  return confirm({ message: `Write ${count === 1 ? "this file" : `these ${count} files`}?`, default: true });
}

async function askNames(shape: Shape): Promise<Shape> {
  switch (shape.kind) {
    case "fleet":
      return shape;
    case "images": {
      const images: (typeof shape.images)[number][] = [];
      for (const image of shape.images) {
        images.push({ ...image, name: await askName(`Name of the image in ${image.context}`, image.name) });
      }
      return { ...shape, images };
    }
    case "lanes":
      return {
        ...shape,
        image: { ...shape.image, name: await askName("Name of the image", shape.image.name) },
      };
    case "variants":
      return {
        ...shape,
        image: { ...shape.image, name: await askName("Name of the image", shape.image.name) },
      };
  }
}

async function askName(message: string, found: string): Promise<string> {
  return input({
    message,
    default: found,
    validate: (text) =>
      REPOSITORY_PATTERN.test(text) ||
      "Lower-case letters and digits, with . _ - between them, / between parts",
  });
}

async function askRegistries(found: readonly InitRegistry[]): Promise<InitRegistry[]> {
  const text = await input({
    message: "Registries, host/namespace, separated by spaces",
    default: found.map(({ host, namespace }) => (namespace === "" ? host : `${host}/${namespace}`)).join(" "),
    validate: (answer) => {
      const wrong = words(answer).find((word) => {
        const { host, namespace } = parseRegistry(word);
        return !HOST_PATTERN.test(host) || (namespace !== "" && !REPOSITORY_PATTERN.test(namespace));
      });
      if (words(answer).length === 0) return "Name one at least, such as ghcr.io/octo";
      return wrong === undefined || `${wrong} is not host/namespace, such as ghcr.io/octo`;
    },
  });
  return words(text).map((word, index) => ({
    ...parseRegistry(word),
    // Docker Hub beside another registry is skipped where there are no credentials for it.
    optional: index > 0 && word.startsWith("docker.io/"),
  }));
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
