import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { binary } from "./binaries";

/** What cosign, the outside judge, answered. */
export interface CosignResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs cosign; it sees no Docker configuration and no password but the given one. */
export function cosign(
  args: readonly string[],
  options: { readonly cwd?: string; readonly password?: string } = {},
): Promise<CosignResult> {
  const env = {
    PATH: process.env.PATH,
    HOME: options.cwd ?? "/nonexistent",
    COSIGN_PASSWORD: options.password ?? "",
    COSIGN_YES: "true",
  };
  return new Promise((resolve) => {
    execFile(binary("cosign"), [...args], { cwd: options.cwd, env }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

/** A key pair as cosign makes it. */
export async function cosignKeyPair(
  folder: string,
  password: string,
): Promise<{ readonly key: string; readonly pub: string }> {
  const { exitCode, stderr } = await cosign(["generate-key-pair"], { cwd: folder, password });
  if (exitCode !== 0) throw new Error(`cosign makes no key pair: ${stderr}`);
  const read = (name: string) => readFile(join(folder, name), "utf8");
  return { key: await read("cosign.key"), pub: await read("cosign.pub") };
}
