import path from "node:path";
import { dependencies, devDependencies } from "../../package.json";
import { isRecord } from "../../plan/record";
import { ignoreRules } from "../../source/context-files";
import type { ProjectFile } from "../repository-files";
import type { RepositoryFacts } from "./facts";
import { type Answers, builtFiles } from "./shape";

/**
 * The user's own files with the lines that they lack; nothing in them is changed or removed. Files that lack nothing are
 * left out. Pure.
 */
export function additions(answers: Answers, facts: Pick<RepositoryFacts, "files" | "texts">): ProjectFile[] {
  const { folder } = answers;
  const at = (file: string) => (folder === "." ? file : `${folder}/${file}`);
  const text = (file: string) => facts.texts[file];
  const ignored = text(at(".gitignore"));
  const made = [
    { path: at("package.json"), text: withPackage(text(at("package.json")), answers) },
    { path: at(".gitignore"), text: withLines(ignored, missingLines(ignored)) },
    ...ignoreFiles(answers, facts).map(({ file, context }) => ({
      path: file,
      text: withIgnored(text(file), answers, context),
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
    return missing.length === 0 ? [] : [[list, sorted({ ...own, ...Object.fromEntries(missing) })]];
  });
  if (added.length === 0 && found !== undefined) return found;
  const indent = /^[{[]\r?\n([ \t]+)/.exec(found ?? "")?.[1] ?? "  ";
  return `${JSON.stringify({ ...parsed, ...Object.fromEntries(added) }, undefined, indent)}\n`;
}

/** The ignore files of the build contexts that contain the project's folder. */
function ignoreFiles(
  { shape, folder }: Answers,
  { files }: Pick<RepositoryFacts, "files">,
): { file: string; context: string }[] {
  const used = shape.kind === "services" && shape.folder !== undefined ? [] : builtFiles(shape);
  const holding = used.filter(({ context }) => context === "." || `${folder}/`.startsWith(`${context}/`));
  const found = holding.map(({ context, dockerfile }) => {
    const own = path.posix.join(context, `${dockerfile}.dockerignore`);
    return { context, file: files.includes(own) ? own : path.posix.join(context, ".dockerignore") };
  });
  return [...new Map(found.map((one) => [one.file, one])).values()];
}

/** Files that are no part of an image's content. `probe` is a path that shows whether the line is needed. */
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

function withIgnored(found: string | undefined, { folder, hosts }: Answers, context: string): string {
  const rules = ignoreRules(found ?? "");
  const place = path.posix.relative(context, folder);
  const project = place === "" ? OF_THE_PROJECT : [{ line: place, probe: `${place}/Pulumi.yaml` }];
  const git = OF_GIT.filter(({ line }) => line === ".git" || hosts.some((host) => line === `.${host}`));
  const missing = [...(context === "." ? git : []), ...project].filter(({ probe }) => !rules.ignores(probe));
  return withLines(
    found,
    missing.map(({ line }) => line),
  );
}

/** What .gitignore lacks, with or without slashes around it. */
function missingLines(found = ""): string[] {
  const known = found.split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, ""));
  return ["node_modules", "artifacts"].filter((line) => !known.includes(line));
}

function withLines(found: string | undefined, lines: readonly string[]): string {
  if (lines.length === 0) return found ?? "";
  const before = found === undefined || found === "" ? "" : `${found.replace(/\r?\n?$/, "\n")}\n`;
  return `${before}# Slipway\n${lines.map((line) => `${line}\n`).join("")}`;
}

function sorted(list: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
}
