import { Copy, DockerfileParser, type Instruction } from "dockerfile-ast";

/** What can be read from a Dockerfile without building it. */
export interface DockerfileFacts {
  /** Names of build arguments with their defaults; null for none. */
  readonly args: ReadonlyMap<string, string | null>;
  /** Names of stages. */
  readonly stages: readonly string[];
  /** The sources of COPY and ADD in the context, as written, without a leading `./`. */
  readonly sources: readonly string[];
}

export function dockerfileFacts(text: string): DockerfileFacts {
  const dockerfile = DockerfileParser.parse(text);
  const args = new Map<string, string | null>();
  for (const arg of dockerfile.getARGs()) {
    for (const property of arg.getProperties()) {
      // The same ARG may be before and after FROM; either may have the default.
      args.set(property.getName(), args.get(property.getName()) ?? property.getValue());
    }
  }
  return {
    args,
    stages: dockerfile.getFROMs().flatMap((from) => from.getBuildStage() ?? []),
    sources: dockerfile.getInstructions().flatMap(sourcesOf),
  };
}

/** Sources from another stage or the network are left out. */
function sourcesOf(line: Instruction): string[] {
  if (!/^(?:COPY|ADD)$/i.test(line.getKeyword())) return [];
  const words = line.getArguments().map((argument) => argument.getValue());
  if (line instanceof Copy && line.getFlags().some((flag) => flag.getName() === "from")) return [];
  if (words[0]?.startsWith("[") === true || words.some((word) => word.startsWith("<<"))) return [];
  return words
    .slice(0, -1)
    .filter((word) => !/^[a-z]+:\/\/|[$]/.test(word))
    .map((word) => word.replace(/^(?:\.?\/)+/, ""));
}
