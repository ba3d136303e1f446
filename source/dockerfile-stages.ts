import { Copy, DockerfileParser, From, type Instruction, Run } from "dockerfile-ast";

/** A Dockerfile, as far as it says which images it takes. Words are not expanded. */
export interface DockerfileOutline {
  /** The frontend of `# syntax=`. */
  readonly syntax?: string;
  /** ARG lines before the first FROM, in order. */
  readonly globalArgs: readonly { readonly name: string; readonly value?: string }[];
  readonly stages: readonly Stage[];
}

export interface Stage {
  /** Lower case, as BuildKit compares them; undefined for none. */
  readonly name?: string;
  readonly base: Use;
  /** Images and stages that its instructions read from. */
  readonly uses: readonly Use[];
}

export interface Use {
  readonly word: string;
  readonly by: "FROM" | "COPY --from" | "RUN --mount";
  /** Counted from 1. */
  readonly line: number;
}

export function outlineDockerfile(text: string): DockerfileOutline {
  const dockerfile = DockerfileParser.parse(text);
  const syntax = dockerfile
    .getDirectives()
    .find((directive) => directive.getName().toLowerCase() === "syntax");
  const stages: { name?: string; base: Use; uses: Use[] }[] = [];
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction instanceof From) {
      const name = instruction.getBuildStage()?.toLowerCase();
      const base = { word: instruction.getImage() ?? "", by: "FROM" as const, line: lineOf(instruction) };
      stages.push({ ...(name === undefined ? {} : { name }), base, uses: [] });
    } else {
      stages.at(-1)?.uses.push(...usesOf(instruction));
    }
  }
  const frontend = syntax?.getValue()?.trim().split(/\s/)[0];
  return {
    ...(frontend ? { syntax: frontend } : {}),
    globalArgs: dockerfile.getInitialARGs().flatMap((arg) =>
      arg.getProperties().map((property) => {
        const value = property.getUnescapedValue();
        return { name: property.getName(), ...(value === null ? {} : { value }) };
      }),
    ),
    stages,
  };
}

function usesOf(instruction: Instruction): Use[] {
  const line = lineOf(instruction);
  if (instruction instanceof Copy) {
    // The library's own getFromFlag knows a flag that stands alone only.
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
