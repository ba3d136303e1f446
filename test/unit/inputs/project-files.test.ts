import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readList } from "../../../components/files";
import { fromRoot, projectFiles, rootDir } from "../../../src/inputs/project-files";
import { buildRecipe } from "../../../src/plan/build-recipe";
import { anImage, anIntent, aPlannedImage } from "../../support/planned";
import { folderWith, temporaryFolder } from "./repository";

describe("slipway:root", () => {
  /** A repository with projects in `release` and `tools/release`; beside it, a file. */
  let app: string;

  beforeAll(async () => {
    const base = await folderWith({
      "secret.list": "outside\n",
      "app/.git/HEAD": "",
      "app/release/Pulumi.yaml": "",
      "app/tools/release/Pulumi.yaml": "",
      "app/services.list": "api\n",
      "app/linked.list": { link: "../secret.list" },
    });
    app = join(base, "app");
  });

  test.each([
    ["release", ".", "release"],
    ["release", "..", "."],
    ["tools/release", "..", "tools"],
    ["tools/release", "../..", "."],
  ])("from %s, %s is %s", (project, root, expected) => {
    expect(rootDir(join(app, project), root)).toBe(join(app, expected));
  });

  test.each([
    ["release", "../.."],
    [".", ".."],
    ["tools/release", "../../.."],
    ["release", "../release"],
    ["release", "/"],
    ["release", ""],
  ])("from %s, %s is refused", (project, root) => {
    expect(() => rootDir(join(app, project), root)).toThrow(/slipway:root/);
  });

  test("makes the folder of reports relative to it", () => {
    expect(fromRoot(join(app, "release"), "..", "artifacts")).toBe("release/artifacts");
    expect(fromRoot(app, ".", "artifacts")).toBe("artifacts");
  });

  test("is where files are read, and links do not lead out of it", () => {
    const read = projectFiles(join(app, "release"));
    expect(read("services.list", "..")).toBe("api\n");
    expect(() => read("services.list", ".")).toThrow("does not exist");
    expect(() => read("linked.list", "..")).toThrow("leads out of the project");
  });

  test("makes a recipe's paths relative to the project", () => {
    const image = aPlannedImage({ intent: anIntent({ image: anImage({ context: "." }) }) });
    const recipe = (root: string) => {
      const { context, dockerfile } = buildRecipe(image, [], root);
      return { context, dockerfile };
    };
    expect(recipe(".")).toEqual({ context: ".", dockerfile: "Dockerfile" });
    expect(recipe("..")).toEqual({ context: "..", dockerfile: "../Dockerfile" });
  });
});

describe("readList", () => {
  async function listOf(content: string | Buffer): Promise<string[]> {
    const file = join(await temporaryFolder(), "services.list");
    await writeFile(file, content);
    return readList(file);
  }

  test("reads one entry a line, with comments and any line ends", async () => {
    const text = "\uFEFF# services\r\n\r\nlanggraph\r\ntemporal-worker # runs jobs\napi";
    expect(await listOf(text)).toEqual(["langgraph", "temporal-worker", "api"]);
  });

  test.each([
    ["a\nb\na\n", '"a" is listed twice'],
    ["# none\n", "the list is empty; write one entry a line"],
    [Buffer.from([0xff, 0xfe]), "not valid"],
  ])("refuses %j", async (content, message) => {
    await expect(listOf(content)).rejects.toThrow(message);
  });

  test("names a missing file", () => {
    expect(() => readList("/nowhere/other.list")).toThrow(/other\.list: ENOENT/);
  });
});
