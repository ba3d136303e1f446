import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dirtyNotice, readGit } from "../../../src/inputs/git";
import { repository } from "./repository";

test.each([
  [1, "f01"],
  [3, "f01, f02, f03"],
  [4, "f01, f02, f03 and 1 more"],
  [19, "f01, f02, f03 and 16 more"],
  [25, "f01, f02, f03 and at least 17 more"],
])("%i changed files are told as %s", async (count, told) => {
  const dir = await repository();
  for (let file = 1; file <= count; file += 1) {
    await writeFile(join(dir, `f${String(file).padStart(2, "0")}`), "");
  }
  const { dirtyPaths } = await readGit(dir);
  expect(dirtyNotice(dirtyPaths)).toBe(`the working tree is dirty: ${told}`);
});
