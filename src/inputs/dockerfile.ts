import path from "node:path";
import { Add, Copy, type Dockerfile, DockerfileParser, From, type Instruction, Run } from "dockerfile-ast";
import type { NamedContext } from "../plan/config";
import { type Problem, reasonOf } from "../plan/problem";
import { parseReference, type Reference, referenceText } from "../plan/reference";
import { expandWord, type Lookup } from "./dockerfile-words";

interface DockerfileImage extends Reference {
  /** Normalised, with its tag or digest: `docker.io/library/node:22`. */
  readonly text: string;
}

export interface DockerfileInput {
  /** The text. An empty one has no images and no problems: the caller reports a missing Dockerfile. */
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Stage to build. Default: the last. */
  readonly target?: string;
  /** The platforms to build for, since a FROM may contain `TARGETARCH` and its like. */
  readonly platforms: readonly string[];
  /** Named contexts, which come before stages and images of the same name. */
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Path shown in problems, e.g. `images[0].dockerfile`. */
  readonly path: string;
}

interface DockerfileImages {
  /** Sorted by text. */
  readonly images: readonly DockerfileImage[];
  /** The text of each base -> the platforms that FROM uses it for; no entry if only the builder knows them. */
  readonly platforms: Readonly<Record<string, readonly string[]>>;
  /** `dockerfile-no-stage`, `dockerfile-target`, `dockerfile-variable`, `dockerfile-reference` */
  readonly problems: readonly Problem[];
}

/**
 * The images that building the target pulls: bases of the stages that it reaches, images of `COPY --from` and
 * `RUN --mount=from=`, named contexts that are images, and the frontend of `# syntax=` (or of the build argument
 * BUILDKIT_SYNTAX). `ONBUILD` lines are left out, since they act in other builds.
 */
export function readDockerfileImages(input: DockerfileInput): DockerfileImages {
  if (input.dockerfile === "") return { images: [], platforms: {}, problems: [] };
  const outline = outlineDockerfile(input.dockerfile);
  const found = new Map<string, DockerfileImage>();
  const platforms: Record<string, Set<string>> = {};
  const problems = new Map<string, Problem>();
  const contexts = namedContexts(input.contexts);
  const report = (code: string, message: string) =>
    problems.set(message, { code, path: input.path, message });
  const add = (word: string, where: string, platform?: string) => {
    const image = normalise(word);
    if (image === undefined)
      return report("dockerfile-reference", `${where}: ${JSON.stringify(word)} is not an image`);
    if (!found.has(image.text)) found.set(image.text, image);
    if (platform !== undefined) platforms[image.text] = new Set([...(platforms[image.text] ?? []), platform]);
  };

  const syntax = input.buildArgs.BUILDKIT_SYNTAX ?? outline.syntax;
  if (syntax) add(syntax, "# syntax");
  for (const context of contexts.values()) if (context.kind === "image") add(context.reference, "");
  const last = startStage(outline, input.target);
  if (last === undefined) {
    if (outline.stages.length === 0) report("dockerfile-no-stage", "has no FROM line");
    else report("dockerfile-target", targetMessage(outline, input.target ?? ""));
  } else {
    for (const platform of input.platforms)
      visit({ outline, contexts }, last, lookupFor(outline, input.buildArgs, platform), add, report);
  }
  return {
    images: [...found.values()].sort((a, b) => (a.text < b.text ? -1 : 1)),
    platforms: Object.fromEntries(Object.entries(platforms).map(([text, set]) => [text, [...set].sort()])),
    problems: [...problems.values()],
  };
}

type Contexts = ReadonlyMap<string, NamedContext>;

/** Keyed by the names that BuildKit compares: `node` is `node:latest`. */
function namedContexts(contexts: DockerfileInput["contexts"] = {}): Contexts {
  return new Map(Object.entries(contexts).map(([name, context]) => [normalise(name)?.text ?? name, context]));
}

function visit(
  { outline, contexts }: { outline: DockerfileOutline; contexts: Contexts },
  start: number,
  lookup: Lookup,
  add: (word: string, where: string, platform?: string) => void,
  report: (code: string, message: string) => void,
): void {
  const seen = new Set<number>();
  const queue = [start];
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    const stage = outline.stages[index];
    if (stage === undefined || seen.has(index)) continue;
    seen.add(index);
    if (stage.name !== undefined && contexts.has(normalise(stage.name)?.text ?? "")) continue;
    for (const use of [stage.base, ...stage.uses]) {
      const where = `line ${use.line}: ${use.by}`;
      const word = expand(use, lookup, (message) => report("dockerfile-variable", `${where}: ${message}`));
      if (word === undefined) continue;
      const context = contexts.get(normalise(word)?.text ?? "");
      if (context?.kind === "image") add(context.reference, where, platformOf(use, lookup));
      if (context !== undefined) continue;
      const earlier = earlierStage(outline.stages, index, word, use);
      if (earlier !== undefined) queue.push(earlier);
      else if (/^[0-9]+$/.test(word))
        report("dockerfile-reference", `${where}: there is no earlier stage ${word}`);
      else if (word.toLowerCase() !== "scratch") add(word, where, platformOf(use, lookup));
    }
  }
}

/** Undefined for COPY and RUN, and for the builder's own platform, which may be another machine's. */
function platformOf({ by, platform }: Use, lookup: Lookup): string | undefined {
  if (by !== "FROM" || /\$\{?BUILD/.test(platform ?? "")) return undefined;
  try {
    return expandWord(platform ?? "$TARGETPLATFORM", lookup);
  } catch {
    return undefined;
  }
}

function expand(use: Use, lookup: Lookup, report: (message: string) => void): string | undefined {
  // BuildKit expands variables in FROM only.
  if (use.by !== "FROM") {
    if (!use.word.includes("$")) return use.word;
    report(`${JSON.stringify(use.word)}: variables have no effect here; name a stage that is made FROM it`);
    return undefined;
  }
  try {
    return expandWord(use.word, lookup);
  } catch (error) {
    report(reasonOf(error));
    return undefined;
  }
}

/** The index of the stage that a word means, by its name or, outside of FROM, its number. */
function earlierStage(stages: readonly Stage[], before: number, word: string, use: Use): number | undefined {
  if (use.by !== "FROM" && /^[0-9]+$/.test(word)) return Number(word) < before ? Number(word) : undefined;
  return stageNamed(stages.slice(0, before), word);
}

function startStage({ stages }: DockerfileOutline, target: string | undefined): number | undefined {
  if (target === undefined) return stages.length === 0 ? undefined : stages.length - 1;
  const named = stageNamed(stages, target);
  if (named !== undefined) return named;
  return /^[0-9]+$/.test(target) && Number(target) < stages.length ? Number(target) : undefined;
}

function stageNamed(stages: readonly Stage[], name: string): number | undefined {
  const index = stages.map((stage) => stage.name).lastIndexOf(name.toLowerCase());
  return index === -1 ? undefined : index;
}

function targetMessage({ stages }: DockerfileOutline, target: string): string {
  const names = stages.flatMap((stage) => stage.name ?? []);
  const known = names.length === 0 ? "no stage has a name" : `the stages are ${names.join(", ")}`;
  return `has no stage ${JSON.stringify(target)}; ${known}`;
}

/** Values for FROM: ARG lines before it, overridden by build arguments, and the platform's own. */
function lookupFor(
  outline: DockerfileOutline,
  buildArgs: Readonly<Record<string, string>>,
  platform: string,
): Lookup {
  const values = new Map([...platformArgs("TARGET", platform), ...platformArgs("BUILD", MACHINE)]);
  for (const { name, value } of outline.globalArgs) {
    const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    if (given !== undefined) values.set(name, given);
    // A default that cannot be expanded stays unknown: only its use is a problem.
    else if (value === undefined) values.set(name, values.get(name) ?? "");
    else {
      try {
        values.set(
          name,
          expandWord(value, (other) => values.get(other)),
        );
      } catch {
        values.delete(name);
      }
    }
  }
  return (name) => values.get(name);
}

/** The platform that a build runs on, unless the builder is another machine. */
const MACHINE = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;

function platformArgs(prefix: "TARGET" | "BUILD", platform: string): [string, string][] {
  const [os = "", arch = "", variant = ""] = platform.split("/");
  return [
    [`${prefix}PLATFORM`, platform],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, arch],
    [`${prefix}VARIANT`, variant],
  ];
}

function normalise(word: string): DockerfileImage | undefined {
  try {
    const reference = parseReference(word);
    const tag = reference.tag ?? (reference.digest === undefined ? "latest" : undefined);
    return { ...reference, tag, text: referenceText(reference) };
  } catch {
    return undefined;
  }
}

/** The parts of a Dockerfile that name images. Words are not expanded. */
interface DockerfileOutline {
  /** The frontend of `# syntax=`. */
  readonly syntax?: string;
  /** ARG lines before the first FROM, in order. */
  readonly globalArgs: readonly { readonly name: string; readonly value?: string }[];
  readonly stages: readonly Stage[];
}

interface Stage {
  /** Lower case, since BuildKit ignores case. */
  readonly name?: string;
  readonly base: Use;
  /** The images and stages that its instructions copy or mount. */
  readonly uses: readonly Use[];
}

interface Use {
  readonly word: string;
  readonly by: "FROM" | "COPY --from" | "RUN --mount";
  /** The value of `--platform`. */
  readonly platform?: string;
  /** Counted from 1. */
  readonly line: number;
}

function outlineDockerfile(text: string): DockerfileOutline {
  const dockerfile = DockerfileParser.parse(text);
  const lines = text.split(/\r?\n/);
  const stages: { name?: string; base: Use; uses: Use[] }[] = [];
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction instanceof From) {
      const name = instruction.getBuildStage()?.toLowerCase();
      const platform = instruction.getPlatformFlag()?.getValue() ?? undefined;
      const word = baseWord(instruction, lines);
      const base = { word, by: "FROM" as const, platform, line: lineOf(instruction) };
      stages.push({ name, base, uses: [] });
    } else {
      stages.at(-1)?.uses.push(...usesOf(instruction));
    }
  }
  return {
    syntax: syntaxOf(dockerfile)?.trim().split(/\s/)[0] || undefined,
    globalArgs: dockerfile.getInitialARGs().flatMap((arg) =>
      arg.getProperties().map((property) => {
        const value = property.getUnescapedValue();
        return { name: property.getName(), value: value ?? undefined };
      }),
    ),
    stages,
  };
}

function syntaxOf(dockerfile: Dockerfile): string | undefined {
  const directives = dockerfile.getDirectives();
  return directives.find((directive) => directive.getName().toLowerCase() === "syntax")?.getValue();
}

/** The word as it is written: the library removes escapes, which a pattern needs. */
function baseWord(instruction: From, lines: readonly string[]): string {
  const { start, end } = instruction.getArguments()[0]?.getRange() ?? instruction.getRange();
  const written =
    start.line === end.line ? lines[start.line]?.slice(start.character, end.character) : undefined;
  const word = instruction.getImage() ?? "";
  return word === "" ? "" : (written ?? word);
}

function usesOf(instruction: Instruction): Use[] {
  const line = lineOf(instruction);
  if (instruction instanceof Copy) {
    // The library's getFromFlag finds it only if the instruction has no other flag.
    const from = instruction.getFlags().find((flag) => flag.getName().toLowerCase() === "from");
    const word = from?.getValue();
    return word ? [{ word, by: "COPY --from", line }] : [];
  }
  if (!(instruction instanceof Run)) return [];
  return instruction.getFlags().flatMap((flag) => {
    if (flag.getName().toLowerCase() !== "mount") return [];
    const from = (flag.getValue() ?? "").split(",").find((field) => /^\s*from=/i.test(field));
    const word = from?.slice(from.indexOf("=") + 1).trim();
    return word ? [{ word, by: "RUN --mount" as const, line }] : [];
  });
}

function lineOf(instruction: Instruction): number {
  return instruction.getRange().start.line + 1;
}

/** What a Dockerfile reads from its build context; true in doubt. */
export interface ContextUse {
  /** Whether some instruction can read a path. */
  reads(path: string): boolean;
  /** Whether some instruction can name something in a folder. */
  readsBelow(folder: string): boolean;
}

/**
 * The parts of the context that COPY, ADD and `RUN --mount` of any stage can read. A frontend that is not Docker's
 * (`# syntax=`) can read all of it. What a base's ONBUILD lines copy is unknown.
 */
export function contextUse(dockerfile: string): ContextUse {
  const sources = contextSources(dockerfile);
  const segments = (text: string) => text.split("/");
  const agree = (source: string, file: string) => {
    const [pattern, found] = [segments(source), segments(file)];
    return pattern.slice(0, found.length).every((segment, index) => isNameOf(segment, found[index] ?? ""));
  };
  return {
    reads: (file) =>
      sources.some(
        (source) =>
          source === "" || (segments(source).length <= segments(file).length && agree(source, file)),
      ),
    readsBelow: (folder) => sources.some((source) => source === "" || agree(source, folder)),
  };
}

/** Go's `filepath.Match`, in which a star matches a leading dot too; a class of characters (`[a-z]`) matches anything here. */
function isNameOf(pattern: string, name: string): boolean {
  if (/[[\\]/.test(pattern)) return true;
  const literal = (text: string) => text.replace(/[.+^${}()|\]]/g, "\\$&");
  return new RegExp(`^${literal(pattern).replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(name);
}

/** Normalised, without slashes at either end; an empty one is the whole context. */
function contextSources(text: string): string[] {
  const dockerfile = DockerfileParser.parse(text);
  const syntax = syntaxOf(dockerfile);
  if (syntax !== undefined && !/^(?:docker\.io\/)?docker\/dockerfile(?:[:@-]|$)/.test(syntax)) return [""];
  return (
    dockerfile
      .getInstructions()
      .flatMap(sourcesOf)
      // A variable can be any path, and `**` any number of folders.
      .map((source) => (source.includes("$") ? "" : source.replace(/(?:^|\/)[^/]*\*\*.*$/s, "")))
      .map((source) => path.posix.normalize(`/${source}`).replace(/^\/+|\/+$/g, ""))
  );
}

function sourcesOf(instruction: Instruction): string[] {
  if (instruction instanceof Run)
    return instruction.getFlags().flatMap((flag) => mountSource(flag.getName(), flag.getValue()));
  if (!(instruction instanceof Copy || instruction instanceof Add)) return [];
  if (instruction.getFlags().some((flag) => flag.getName().toLowerCase() === "from")) return [];
  const all = instruction.getArguments();
  const heredoc = all.find((word) => word.getValue().startsWith("<<"))?.getRange().start.line;
  // The library reads the lines of a here-document as arguments.
  const words = all
    .filter((word) => heredoc === undefined || word.getRange().start.line <= heredoc)
    .map((word) => word.getValue());
  const given = words[0]?.startsWith("[") ? jsonWords(words.join(" ")) : words;
  return given.slice(0, -1).filter((word) => !/^(?:<<|https?:\/\/|git@|git:)/.test(word));
}

/** The library loses the blanks within JSON's strings. */
function jsonWords(text: string): string[] {
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) ? words.map(String) : ["", ""];
  } catch {
    return ["", ""];
  }
}

/** `type=bind,source=.git,target=/src`. The default is a bind of the whole context. */
function mountSource(flag: string, value: string | null): string[] {
  if (flag.toLowerCase() !== "mount") return [];
  const fields = new Map(
    (value ?? "").split(",").map((field) => {
      const [name = "", ...rest] = field.trim().split("=");
      return [name.toLowerCase(), rest.join("=")];
    }),
  );
  if ((fields.get("type") ?? "bind") !== "bind" || fields.has("from")) return [];
  return [fields.get("source") ?? fields.get("src") ?? ""];
}
