import path from "node:path";
import { isRecord } from "../../plan/record";
import { ignoreRules } from "../../source/ignore-file";
import type { RepositoryFacts } from "./facts";
import type { ProjectFile } from "./render-project";
import { type Answers, hasSetup, SETUP_STACK, stackNames } from "./shape";

/**
 * What files that belong to the person need besides: nothing in them is changed or taken out, so that `--force` is not
 * asked for. A file that has everything is left out. Pure.
 *
 * @throws Error for a package.json that is no JSON object
 */
export function additions(answers: Answers, facts: Pick<RepositoryFacts, "files" | "texts">): ProjectFile[] {
  const { folder } = answers;
  const at = (file: string) => (folder === "." ? file : `${folder}/${file}`);
  const text = (file: string) => facts.texts[file];
  const made = [
    { path: at("package.json"), text: withPackage(text(at("package.json")), answers) },
    {
      path: at(".gitignore"),
      text: withLines(
        text(at(".gitignore")),
        missingLines(text(at(".gitignore")), ["node_modules", "artifacts"]),
      ),
    },
    ...ignoreFiles(answers, facts).map(({ file, context }) => ({
      path: file,
      text: withIgnored(text(file), answers, context),
    })),
  ];
  return made.filter((file) => file.text !== text(file.path));
}

function withPackage(found: string | undefined, answers: Answers): string {
  const { folder, name, packageSpec } = answers;
  const parsed: unknown =
    found === undefined ? { name: `${name}-release`, private: true } : JSON.parse(found);
  if (!isRecord(parsed)) throw new Error("package.json is not a JSON object");
  const kind = folder === "." ? "devDependencies" : "dependencies";
  const isThere = [parsed.dependencies, parsed.devDependencies].some(
    (list) => isRecord(list) && "slipway" in list,
  );
  const scripts = { ...scriptsOf(answers), ...(isRecord(parsed.scripts) ? parsed.scripts : {}) };
  const wanted = {
    ...parsed,
    scripts: isRecord(parsed.scripts)
      ? { ...parsed.scripts, ...missingKeys(scripts, parsed.scripts) }
      : scripts,
    ...(isThere
      ? {}
      : { [kind]: sorted({ ...(isRecord(parsed[kind]) ? parsed[kind] : {}), slipway: packageSpec }) }),
  };
  const indent = /^[{[]\r?\n([ \t]+)/.exec(found ?? "")?.[1] ?? "  ";
  return JSON.stringify(wanted) === JSON.stringify(parsed) && found !== undefined
    ? found
    : `${JSON.stringify(wanted, undefined, indent)}\n`;
}

function missingKeys(wanted: Readonly<Record<string, unknown>>, found: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => !(key in found)));
}

/** `image:keys`, `image:plan`, `image:preview` and `image:release`; several stacks have their name in it. */
export function scriptsOf(
  answers: Pick<Answers, "shape" | "stack" | "setup" | "sign">,
): Record<string, string> {
  const stacks = stackNames(answers);
  const setup = {
    "image:setup": `pulumi stack select --create ${SETUP_STACK} && slipway up --stack ${SETUP_STACK}`,
  };
  const keys = stacks.map(
    (stack) => `pulumi stack select --create ${stack} && slipway keys --stack ${stack}`,
  );
  const signing: Record<string, string> = answers.sign === "key" ? { "image:keys": keys.join(" && ") } : {};
  const releases = Object.fromEntries(
    stacks.flatMap((stack) => {
      const suffix = stacks.length === 1 ? "" : `:${stack}`;
      const select = `pulumi stack select --create ${stack}`;
      return [
        [`image:plan${suffix}`, `slipway plan --stack ${stack}`],
        [`image:preview${suffix}`, `${select} && pulumi preview --stack ${stack}`],
        [`image:release${suffix}`, `${select} && pulumi up --stack ${stack}`],
      ];
    }),
  );
  return { ...signing, ...releases, ...(hasSetup(answers) ? setup : {}) };
}

/** The ignore files of the build contexts that the project's own files would be part of. */
function ignoreFiles(
  { shape, folder }: Answers,
  { files }: Pick<RepositoryFacts, "files">,
): { file: string; context: string }[] {
  const used =
    shape.kind === "images"
      ? shape.images.map(({ context, dockerfile }) => ({ context, dockerfile }))
      : shape.kind === "lanes"
        ? shape.lanes.map(({ dockerfile }) => ({ context: shape.image.context, dockerfile }))
        : shape.kind === "variants"
          ? [shape.image.dockerfile, shape.base.dockerfile].map((dockerfile) => ({
              context: shape.image.context,
              dockerfile,
            }))
          : [{ context: shape.context, dockerfile: path.posix.relative(shape.context, shape.dockerfile) }];
  const holding = used.filter(({ context }) => context === "." || `${folder}/`.startsWith(`${context}/`));
  const found = holding.map(({ context, dockerfile }) => {
    const own = path.posix.join(context, `${dockerfile}.dockerignore`);
    return { context, file: files.includes(own) ? own : path.posix.join(context, ".dockerignore") };
  });
  return [...new Map(found.map((one) => [one.file, one])).values()];
}

/** What changes without the image's content having changed; each by a path that shows whether it is ignored. */
const OF_THE_PROJECT = [
  { line: "node_modules", probe: "node_modules/a.js" },
  { line: "artifacts", probe: "artifacts/a.json" },
  { line: "Pulumi*.yaml", probe: "Pulumi.release.yaml" },
  { line: "cosign*.pub", probe: "cosign.pub" },
  { line: "program.js", probe: "program.js" },
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

/** Lines that a file of patterns does not have, with or without slashes around them. */
function missingLines(found: string | undefined, wanted: readonly string[]): string[] {
  const known = (found ?? "").split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, ""));
  return wanted.filter((line) => !known.includes(line));
}

function withLines(found: string | undefined, lines: readonly string[]): string {
  if (lines.length === 0) return found ?? "";
  const before = found === undefined || found === "" ? "" : `${found.replace(/\r?\n?$/, "\n")}\n`;
  return `${before}# Slipway\n${lines.map((line) => `${line}\n`).join("")}`;
}

function sorted(list: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
}
