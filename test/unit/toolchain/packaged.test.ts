import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../../package.json";
import { neededParts } from "../../../toolchain/builder.mjs";
import { partNamed } from "../../../toolchain/pins.mjs";

const TOOLCHAIN = path.join(__dirname, "../../../toolchain");

/** A module and all modules that it imports. */
function modules(name: string, found: Set<string>): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(path.join(TOOLCHAIN, `${name}.mjs`), "utf8");
  for (const [, next = ""] of text.matchAll(/from "\.\/([\w-]+)\.mjs"/g)) modules(next, found);
  return found;
}

test("the package contains exactly the modules that project.mjs needs", () => {
  const listed = packageJson.files.flatMap(
    (file) => /^\/toolchain\/\{(.*)\}\.mjs$/.exec(file)?.[1]?.split(",") ?? [],
  );
  expect(listed).toEqual([...modules("project", new Set())].sort());
});

test("the package contains the Go modules of every part that a project needs", () => {
  const names = [...neededParts({ builder: { kind: "own" }, tests: false }), "github"];
  const needed = names.flatMap((name) => partNamed(name).go.map(({ module }) => module));
  const patterns = packageJson.files.flatMap((file) => /^\/toolchain\/go\/(.*)\/\*$/.exec(file)?.[1] ?? []);
  expect(needed.length).toBeGreaterThan(5);
  expect(needed.filter((module) => !patterns.some((pattern) => path.matchesGlob(module, pattern)))).toEqual(
    [],
  );
});
