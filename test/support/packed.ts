import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import packageJson from "../../package.json";
import { withLock } from "../../toolchain/lock.mjs";

const run = promisify(execFile);
const ROOT = path.resolve(__dirname, "../..");
const TARBALL = path.join(ROOT, "dist", `slipway-${packageJson.version}.tgz`);

/**
 * What `npm install` leaves in a project's folder, without a network: the package, its command as npm links it, and the
 * other modules as links to this checkout's.
 */
export async function packSlipway(folder: string): Promise<void> {
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, "slipway"), { recursive: true });
  for (const name of readdirSync(path.join(ROOT, "node_modules")).filter((name) => !name.startsWith(".")))
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  const into = path.join(modules, "slipway");
  await run("tar", ["xzf", await packedTarball(), "-C", into, "--strip-components=1"]);
  await run("npm", ["rebuild", "--silent", "--offline", "--ignore-scripts", "slipway"], { cwd: folder });
}

/** What `npm pack` makes. It takes its time: packed when a source is newer, and once for tests that run at once. */
export async function packedTarball(): Promise<string> {
  await withLock(`${TARBALL}.lock`, async () => {
    if (isCurrent()) return;
    const args = ["pack", "--silent", "--pack-destination", path.dirname(TARBALL)];
    await run("npm", args, { cwd: ROOT });
  });
  return TARBALL;
}

function isCurrent(): boolean {
  if (!existsSync(TARBALL)) return false;
  const packed = statSync(TARBALL).mtimeMs;
  const args = [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
    ":!test",
    ":!examples",
    ":!docs",
  ];
  const files = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\0");
  return files
    .filter((file) => file !== "" && existsSync(path.join(ROOT, file)))
    .every((file) => statSync(path.join(ROOT, file)).mtimeMs <= packed);
}
