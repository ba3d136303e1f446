import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromRoot, projectFiles, rootDir } from "../../../src/inputs/project-files";
import { buildRecipe } from "../../../src/plan/build-recipe";
import { anImage, anIntent, aPlannedImage } from "../../support/planned";

/** A repository `app` with a project in `app/release` and one in `app/tools/release`, and a file beside the repository. */
let base: string;
let app: string;

beforeAll(() => {
  base = mkdtempSync(path.join(tmpdir(), "slipway-root-"));
  app = path.join(base, "app");
  mkdirSync(path.join(app, ".git"), { recursive: true });
  mkdirSync(path.join(app, "tools/release"), { recursive: true });
  mkdirSync(path.join(app, "release"));
  writeFileSync(path.join(base, "secret.list"), "outside\n");
  writeFileSync(path.join(app, "services.list"), "api\n");
  symlinkSync(path.join(base, "secret.list"), path.join(app, "linked.list"));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

test.each([
  ["release", ".", "release"],
  ["release", "..", "."],
  ["tools/release", "..", "tools"],
  ["tools/release", "../..", "."],
])("from %s the root %s is %s", (project, root, expected) => {
  expect(rootDir(path.join(app, project), root)).toBe(path.join(app, expected));
});

test.each([
  ["release", "../.."],
  [".", ".."],
  ["tools/release", "../../.."],
  ["release", "../release"],
  ["release", "/"],
  ["release", ""],
])("from %s the root %s is refused", (project, root) => {
  expect(() => rootDir(path.join(app, project), root)).toThrow(/slipway:root/);
});

test("the reports' folder, as the root sees it", () => {
  expect(fromRoot(path.join(app, "release"), "..", "artifacts")).toBe("release/artifacts");
  expect(fromRoot(app, ".", "artifacts")).toBe("artifacts");
});

test("files are read below the root, and links do not lead out of it", () => {
  const read = projectFiles(path.join(app, "release"));
  expect(read("services.list", "..")).toBe("api\n");
  expect(() => read("services.list", ".")).toThrow("does not exist");
  expect(() => read("linked.list", "..")).toThrow("leads out of the project");
});

test("a recipe's paths are the project's own", () => {
  const image = aPlannedImage({ intent: anIntent({ image: anImage({ context: "." }) }) });
  const recipe = (root: string) => {
    const { context, dockerfile } = buildRecipe(image, [], root);
    return { context, dockerfile };
  };
  expect(recipe(".")).toEqual({ context: ".", dockerfile: "Dockerfile" });
  expect(recipe("..")).toEqual({ context: "..", dockerfile: "../Dockerfile" });
});
