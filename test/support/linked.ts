import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.resolve(__dirname, "../..");

/**
 * A copy of an example for commands that run its program and no engine: with this checkout as its package, which takes
 * no packing. `Project.fromExample` is for all others.
 */
export function linkedExample(example: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `slipway-${example}-`));
  const source = path.join(ROOT, "examples", example);
  const made = ["node_modules", "artifacts"].map((name) => path.join(source, name));
  cpSync(source, folder, { recursive: true, filter: (file) => !made.includes(file) });
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, ".bin"), { recursive: true });
  symlinkSync(ROOT, path.join(modules, "slipway"));
  for (const name of ["@pulumi", "typescript"])
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  symlinkSync("../slipway/src/cli/slipway.js", path.join(modules, ".bin/slipway"));
  return folder;
}
