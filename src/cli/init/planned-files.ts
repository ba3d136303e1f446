import path from "node:path";
import { dependencies, devDependencies } from "../../../package.json";
import { readCheckoutNeeds } from "../../inputs/checkout";
import { ignoreRules } from "../../inputs/context-files";
import { contextUse } from "../../inputs/dockerfile";
import { isInside, projectFiles } from "../../inputs/project-files";
import type { CheckoutNeeds, WorkflowStack } from "../../plan/config";
import { ProblemError } from "../../plan/problem";
import { isRecord, sortedRecord } from "../../plan/record";
import { readConfig } from "../../settings/read";
import { readSetup } from "../../settings/read-setup";
import { compareFile, type FileDifference, workflowFiles } from "../../workflows/generate";
import { foundText, type ProjectFile } from "../repository-files";
import { UsageError } from "../terminal";
import { existingProgram } from "./default-answers";
import type { RepositoryFacts } from "./facts";
import { programText, releaseArgs } from "./program";
import { type Answers, builtFiles } from "./shape";
import { pulumiYaml, sharedSettings, stackSettings, stackYaml } from "./stacks";

export interface PlannedFile extends ProjectFile {
  readonly difference: FileDifference;
  /** `own`: a file of the project. `person`: one of the user's files, to which lines are added. */
  readonly kind: "own" | "person";
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "node16",
    moduleResolution: "node16",
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
  },
  files: ["index.ts"],
};

/**
 * Every file for the answers, compared with the repository. Existing files of the project belong to the user and stay as
 * they are. Checks the settings as `slipway plan` does.
 */
export async function plannedFiles(
  root: string,
  answers: Answers,
  facts: RepositoryFacts,
): Promise<PlannedFile[]> {
  const stacks = checkedStacks(root, answers, await readCheckoutNeeds(root));
  const exists = existingProgram(facts, answers.folder) !== undefined;
  const own: ProjectFile[] = [
    { path: "Pulumi.yaml", text: pulumiYaml(answers) },
    ...stackSettings(answers).map((stack) => ({
      path: `Pulumi.${stack.stack}.yaml`,
      text: stackYaml(stack),
    })),
    { path: "index.ts", text: programText(answers) },
    { path: "tsconfig.json", text: `${JSON.stringify(TSCONFIG, undefined, 2)}\n` },
  ].map((file) => ({ ...file, path: path.posix.join(answers.folder, file.path) }));
  // `slipway workflows` writes those of an existing project.
  const workflows = exists ? [] : workflowFiles(stacks);
  const planned = async (
    kind: PlannedFile["kind"],
    { path: file, text }: ProjectFile,
  ): Promise<PlannedFile> => {
    if (!isInside(root, path.resolve(root, file)))
      throw new UsageError(`${file} is outside of the repository.`);
    const found = await foundText(root, file);
    const desired = kind === "own" && exists ? (found ?? text) : text;
    return { path: file, text: desired, kind, difference: compareFile(file, desired, found) };
  };
  const files = await Promise.all([
    ...[...own, ...workflows].map((file) => planned("own", file)),
    ...additions(answers, facts).map((file) => planned("person", file)),
  ]);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Checks the settings of every stack. @returns the stacks with workflows */
function checkedStacks(root: string, answers: Answers, checkout: CheckoutNeeds): WorkflowStack[] {
  const readRootFile = projectFiles(root);
  const common = { env: {}, secretKeys: [], readFile: (file: string) => readRootFile(file, ".") };
  const code = releaseArgs(answers);
  return stackSettings(answers).flatMap(({ stack, settings }) => {
    const { promote, ...others } = settings;
    // Without `verify`, since its key file is made after the files are written.
    const unverified = promote === undefined ? {} : { promote: { ...Object(promote), verify: undefined } };
    const written = { ...sharedSettings(answers), ...others, ...unverified };
    try {
      if (stack === "setup") {
        readSetup({ ...common, written });
        return [];
      }
      const config = readConfig({ ...common, written, code });
      const workflows = config.github?.workflows;
      return workflows === undefined
        ? []
        : [{ stack, config, workflows, configFile: `Pulumi.${stack}.yaml`, checkout }];
    } catch (error) {
      if (error instanceof ProblemError) throw new UsageError(`${stack}: ${error.message}`);
      throw error;
    }
  });
}

/** The user's files that lack lines, with these lines added. Pure. */
export function additions(answers: Answers, facts: Pick<RepositoryFacts, "files" | "texts">): ProjectFile[] {
  const { folder } = answers;
  const at = (file: string) => (folder === "." ? file : `${folder}/${file}`);
  const text = (file: string) => facts.texts[file];
  const ignored = text(at(".gitignore"));
  const made = [
    { path: at("package.json"), text: withPackage(text(at("package.json")), answers) },
    { path: at(".gitignore"), text: withLines(ignored, missingLines(ignored)) },
    ...ignoreFiles(answers, facts).map(({ file, context, readsGit }) => ({
      path: file,
      text: withIgnored(text(file), answers, context, readsGit),
    })),
  ];
  return made.filter((file) => file.text !== text(file.path));
}

function withPackage(found: string | undefined, { name, packageSpec }: Answers): string {
  const parsed: unknown =
    found === undefined ? { name: `${name}-release`, private: true } : JSON.parse(found);
  if (!isRecord(parsed)) throw new Error("package.json is not a JSON object");
  const known = [parsed.dependencies, parsed.devDependencies].flatMap((list) =>
    isRecord(list) ? Object.keys(list) : [],
  );
  const needed = {
    dependencies: { slipway: packageSpec, "@pulumi/pulumi": dependencies["@pulumi/pulumi"] },
    devDependencies: {
      typescript: devDependencies.typescript,
      "@types/node": devDependencies["@types/node"],
    },
  };
  const added = Object.entries(needed).flatMap(([list, packages]) => {
    const missing = Object.entries(packages).filter(([name]) => !known.includes(name));
    const own = isRecord(parsed[list]) ? parsed[list] : {};
    return missing.length === 0 ? [] : [[list, sortedRecord({ ...own, ...Object.fromEntries(missing) })]];
  });
  if (added.length === 0 && found !== undefined) return found;
  const indent = /^[{[]\r?\n([ \t]+)/.exec(found ?? "")?.[1] ?? "  ";
  return `${JSON.stringify({ ...parsed, ...Object.fromEntries(added) }, undefined, indent)}\n`;
}

function ignoreFiles(
  { shape, folder }: Answers,
  { files, texts }: Pick<RepositoryFacts, "files" | "texts">,
): { file: string; context: string; readsGit: boolean }[] {
  const used = shape.kind === "services" && shape.folder !== undefined ? [] : builtFiles(shape);
  const holding = used.filter(({ context }) => context === "." || `${folder}/`.startsWith(`${context}/`));
  const found = holding.map(({ context, dockerfile }) => {
    const own = path.posix.join(context, `${dockerfile}.dockerignore`);
    const readsGit = needsGit(texts[path.posix.join(context, dockerfile)] ?? "");
    return { context, readsGit, file: files.includes(own) ? own : path.posix.join(context, ".dockerignore") };
  });
  const needing = new Set(found.flatMap(({ file, readsGit }) => (readsGit ? [file] : [])));
  const byFile = new Map(found.map((one) => [one.file, { ...one, readsGit: needing.has(one.file) }]));
  return [...byFile.values()];
}

/** Whether a Dockerfile uses a path in `.git`, or copies everything and runs git. */
function needsGit(dockerfile: string): boolean {
  const use = contextUse(dockerfile);
  const copiesAll = use.reads("any other name");
  if (!copiesAll) return use.readsBelow(".git");
  return /\bgit\s[^|&;\n]*\b(?:describe|log|rev-list|rev-parse|show)\b/.test(dockerfile);
}

/** Lines for files that do not belong into an image. A line is needed unless `probe` is ignored already. */
const OF_THE_PROJECT = [
  { line: "node_modules", probe: "node_modules/a.js" },
  { line: "artifacts", probe: "artifacts/a.json" },
  { line: "Pulumi*.yaml", probe: "Pulumi.stage.yaml" },
  { line: "cosign*.pub", probe: "cosign.pub" },
  { line: "index.ts", probe: "index.ts" },
  { line: "tsconfig.json", probe: "tsconfig.json" },
];
const OF_GIT = [
  { line: ".git", probe: ".git/HEAD" },
  { line: ".github", probe: ".github/workflows/a.yml" },
  { line: ".gitea", probe: ".gitea/workflows/a.yml" },
];

function withIgnored(
  found: string | undefined,
  { folder, hosts }: Answers,
  context: string,
  readsGit: boolean,
): string {
  const rules = ignoreRules(found ?? "");
  const place = path.posix.relative(context, folder);
  const project = place === "" ? OF_THE_PROJECT : [{ line: place, probe: `${place}/Pulumi.yaml` }];
  const git = OF_GIT.filter(({ line }) =>
    line === ".git" ? !readsGit : hosts.some((host) => line === `.${host}`),
  );
  const missing = [...(context === "." ? git : []), ...project].filter(({ probe }) => !rules.ignores(probe));
  return withLines(
    found,
    missing.map(({ line }) => line),
  );
}

function missingLines(found = ""): string[] {
  const known = found.split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, ""));
  return ["node_modules", "artifacts"].filter((line) => !known.includes(line));
}

function withLines(found: string | undefined, lines: readonly string[]): string {
  if (lines.length === 0) return found ?? "";
  const before = found === undefined || found === "" ? "" : `${found.replace(/\r?\n?$/, "\n")}\n`;
  return `${before}# Slipway\n${lines.map((line) => `${line}\n`).join("")}`;
}
