import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { binary } from "./binaries";

const run = promisify(execFile);

/** Asks crane, an outside judge; its standard output, trimmed. */
export async function crane(...args: string[]): Promise<string> {
  const { stdout } = await run(binary("crane"), args);
  return stdout.trim();
}
