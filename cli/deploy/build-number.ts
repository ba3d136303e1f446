import { readFile } from "node:fs/promises";
import { ProblemError } from "../../plan/problem";
import { writeWholeFile } from "../../report/write-whole-file";

/** So that the next number is exact, too. */
const LARGEST = 999_999_999;

/**
 * The number in `.buildnum`; a file that is not there yet stands for 0.
 *
 * @throws ProblemError `buildnum-corrupt`
 */
export async function readBuildNumber(file: string): Promise<number> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "0\n";
    throw error;
  });
  const number = Number(text.trim());
  if (/^[0-9]+\s*$/.test(text) && number < LARGEST) return number;
  throw new ProblemError("Nothing was released:", [
    {
      code: "buildnum-corrupt",
      path: file,
      message: `${JSON.stringify(text.slice(0, 40))} is not a build number, a whole number below ${LARGEST}`,
      hint: "Write the number of the last release into it: the newest numeric tag of a service in the registry.",
    },
  ]);
}

/** Raises the number by one, in one step; a number that was taken is never given again. */
export async function raiseBuildNumber(file: string): Promise<number> {
  const next = (await readBuildNumber(file)) + 1;
  await writeWholeFile(file, `${next}\n`);
  return next;
}
