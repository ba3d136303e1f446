import { spawn } from "node:child_process";

/** Runs a program in the person's own terminal, arguments as an array and no shell; its exit code. */
export function runInForeground(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { ...options, stdio: "inherit" });
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(`${program} was not found; is it on the PATH?`) : error);
    });
    child.on("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}
