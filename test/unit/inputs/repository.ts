import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder that is removed after the tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-source-"));
  folders.push(folder);
  return folder;
}

/** Path -> text, `{ link }` or `{ run }` for an executable. */
export type Files = Readonly<Record<string, string | { readonly link: string } | { readonly run: string }>>;

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    if (typeof content === "string") await writeFile(file, content);
    else if ("link" in content) await symlink(content.link, file);
    else {
      await writeFile(file, content.run);
      await chmod(file, 0o755);
    }
  }
}

export async function folderWith(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  await writeFiles(folder, files);
  return folder;
}

/** Runs git with a fixed identity and date, without the user's configuration. */
export function git(folder: string, ...args: readonly string[]): string {
  const who = { NAME: "Test", EMAIL: "test@example.test", DATE: "2020-01-10T00:30:00+02:00" };
  return execFileSync("git", args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_ALLOW_PROTOCOL: "file",
      ...Object.fromEntries(
        Object.entries(who).flatMap(([key, value]) => [
          [`GIT_AUTHOR_${key}`, value],
          [`GIT_COMMITTER_${key}`, value],
        ]),
      ),
    },
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

/** A repository with one commit on `main`. */
export async function repository(files: Files = { "README.md": "hello\n" }): Promise<string> {
  const folder = await folderWith(files);
  git(folder, "init", "--quiet", "--initial-branch=main");
  commit(folder, "first");
  return folder;
}

export function commit(folder: string, message: string): string {
  git(folder, "add", "--all");
  git(folder, "commit", "--quiet", "--allow-empty", "--message", message);
  return git(folder, "rev-parse", "HEAD");
}
