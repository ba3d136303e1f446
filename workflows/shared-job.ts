import { packagePermission } from "./credentials";
import type { EnvValue, Job, Permissions } from "./model";
import { expression } from "./model";
import type { HostedStack, StateKind } from "./stack";
import { programVariables } from "./steps";
import { shellWord } from "./words";

/** How several stacks share one job: a matrix over them; one alone needs none. */
export interface SharedJob {
  readonly matrix?: Job["matrix"];
  /** A job's title, with the stack's name where there are several. */
  readonly title: (text: string) => string;
  /** The stack's name as a word of a script. */
  readonly stackWord: string;
  /** A value of the stack in an expression or a text of the file. */
  readonly value: (key: string) => string;
  /** Variables without which the script does not know its stack. */
  readonly variables: Readonly<Record<string, EnvValue>>;
  /** What any of the stacks needs to sign in. */
  readonly signIn: Readonly<Record<string, EnvValue>>;
  readonly packages: Permissions;
}

/** @param rows what differs between the stacks, by name; `stack` is added. Default: nothing else. One stack at least. */
export function sharedJob(
  stacks: readonly HostedStack[],
  state: StateKind,
  rows: (stack: HostedStack) => Readonly<Record<string, string>> = () => ({}),
): SharedJob {
  const [first] = stacks;
  if (first === undefined) throw new Error("a job of no stack");
  const common = {
    signIn: Object.assign({}, ...stacks.map((stack) => programVariables(stack, state))),
    packages: Object.assign({}, ...stacks.map((stack) => packagePermission(stack, "read"))),
  };
  const row = (stack: HostedStack) => ({ stack: stack.stack, ...rows(stack) });
  if (stacks.length === 1) {
    const own: Readonly<Record<string, string>> = row(first);
    return {
      ...common,
      title: (text) => text,
      stackWord: shellWord(first.stack),
      value: (key) => own[key] ?? "",
      variables: {},
    };
  }
  return {
    ...common,
    matrix: { include: stacks.map(row) },
    title: (text) => `${text} (${expression("matrix.stack")})`,
    stackWord: '"$STACK"',
    value: (key) => expression(`matrix.${key}`),
    variables: { STACK: expression("matrix.stack") },
  };
}
