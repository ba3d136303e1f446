import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { ProblemError } from "../../plan/problem";
import { isRecord } from "../../plan/record";
import { type Code, hostProgram, type ProgramHost } from "../../release/program-host";
import { leaves, withValueAt } from "../../settings/paths";
import { Encrypted } from "../../settings/secrets";
import { isSetupStack, type StackFile } from "../../settings/stack-file";
import { loadProgram } from "./load-program";

/** Stands for values that only the engine can decrypt. */
const ENCRYPTED = `encrypted-${randomUUID()}`;

/**
 * Runs a project's program for a stack without an engine: the host makes its plans, and its resources are ignored.
 * Outputs have no values, and providers cannot be called.
 *
 * @param hostOf makes the host; its `stop` ends the wait for the program
 */
export async function runProgram(
  projectDir: string,
  file: StackFile,
  hostOf: (stop: () => void) => ProgramHost,
): Promise<void> {
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const host = hostOf(stop);
  const call = ({ token }: { readonly token: string }) => {
    throw new Error(`${token} needs the engine, and this command runs without one; use pulumi preview or up`);
  };
  const mocks = { call, newResource: () => ({ id: undefined, state: {} }) };
  await pulumi.runtime.setMocks(mocks, file.project, file.stack, true, "organization");
  const config = Object.entries(file.config);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(config.map(([key, value]) => [key, configText(value)])),
    config.flatMap(([key, value]) => (encryptedPaths(value).length > 0 ? [key] : [])),
  );
  const removeHost = hostProgram({
    planRelease: (code, options) => host.planRelease(withEncrypted(code), options),
    planSetup: (code) => host.planSetup(withEncrypted(code)),
  });
  const restore = enterProject(projectDir);
  try {
    await Promise.race([loadProgram(projectDir, file.main).then(runExport), stopped]);
  } catch (error) {
    throw programError(error, file.stack);
  } finally {
    restore();
    removeHost();
  }
}

/** The arguments that a stack's program gives in code to its first release or setup. */
export async function declaredCode(projectDir: string, file: StackFile): Promise<Code> {
  let found: Code | undefined;
  await runProgram(projectDir, file, (stop) => {
    const declare = (code: Code) => {
      found ??= code;
      stop();
      return new Promise<never>(() => {});
    };
    return { planRelease: declare, planSetup: declare };
  });
  if (found === undefined) throw nothingPlanned(file.stack);
  return found;
}

/** The same for a release; empty if the stack sets the repository up. */
export async function releaseCode(projectDir: string, file: StackFile): Promise<Code> {
  return isSetupStack(file.written) ? {} : declaredCode(projectDir, file);
}

export function nothingPlanned(stack: string): ProblemError {
  return new ProblemError("There is no release to plan:", [
    {
      code: "program-plan",
      path: "program",
      message: `for the stack ${stack} the program calls neither Release.plan nor RepositorySetup.plan`,
      hint: "docs/program.md shows how a program declares a release.",
    },
  ]);
}

async function runExport(loaded: unknown): Promise<void> {
  const exported = isRecord(loaded) && "default" in loaded ? loaded.default : loaded;
  await (typeof exported === "function" ? exported() : exported);
}

/** Programs read files relative to their project. They print to stderr, so that a command's JSON stays clean. */
function enterProject(projectDir: string): () => void {
  const { log, info } = console;
  const before = process.cwd();
  process.chdir(projectDir);
  console.log = console.error;
  console.info = console.error;
  return () => {
    process.chdir(before);
    Object.assign(console, { log, info });
  };
}

/** Names the stack in an error of the program. A plan's own errors need no context. */
function programError(error: unknown, stack: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "ProblemError" || "__pulumiRunError" in error) return error;
  return new Error(`the program failed for the stack ${stack}: ${error.message}`, { cause: error });
}

function encryptedPaths(value: unknown) {
  return [...leaves(value)].filter((leaf) => leaf.value instanceof Encrypted).map(({ path }) => path);
}

function configText(value: unknown): string {
  const readable = encryptedPaths(value).reduce<unknown>(
    (root, path) => withValueAt(root, path, ENCRYPTED),
    value,
  );
  return typeof readable === "string" ? readable : JSON.stringify(readable);
}

function withEncrypted(code: Code): Code {
  const marked = [...leaves(code)]
    .filter(({ value }) => typeof value === "string" && value.includes(ENCRYPTED))
    .reduce<unknown>((root, { path }) => withValueAt(root, path, new Encrypted()), code);
  return isRecord(marked) ? marked : {};
}
