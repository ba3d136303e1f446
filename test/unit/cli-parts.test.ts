import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { earlierParts, partsFileName, readPartsFiles, writePartsFile } from "../../src/cli/parts/parts-run";
import type { PlatformParts } from "../../src/plan/platform-parts";
import { DIGEST, KEY, REVISION } from "../support/planned";
import { slipway } from "../support/slipway";

const PARTS: PlatformParts = {
  schema: 1,
  stack: "stage",
  revision: REVISION,
  platform: "linux/arm64",
  parts: [{ image: "app", contentKey: KEY, digest: DIGEST, repositories: ["ghcr.io/octo/app"] }],
};

describe("files of parts", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "slipway-parts-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test("are written with their folder, and read again", async () => {
    const file = path.join(folder, "new/parts", partsFileName("linux/arm64"));
    await writePartsFile(file, PARTS);
    expect(readdirSync(path.dirname(file))).toEqual(["linux-arm64.json"]);
    expect(await earlierParts(file)).toEqual(PARTS);
  });

  test("are found in subfolders, as artifacts are downloaded, sorted by name", async () => {
    mkdirSync(path.join(folder, "parts-b"));
    await writePartsFile(path.join(folder, "parts-b/x.json"), PARTS);
    await writePartsFile(path.join(folder, "a.json"), PARTS);
    writeFileSync(path.join(folder, "note.txt"), "no part\n");
    expect(await readPartsFiles(folder, "parts")).toEqual([
      { file: "a.json", parts: PARTS },
      { file: path.join("parts-b", "x.json"), parts: PARTS },
    ]);
  });

  test("that are invalid are refused by name, all at once", async () => {
    writeFileSync(path.join(folder, "a.json"), "{");
    writeFileSync(path.join(folder, "b.json"), '{"schema":2}');
    await expect(readPartsFiles(folder, "parts")).rejects.toThrow(
      /^Nothing was merged:\n {2}parts\/a\.json: .*\[parts-unreadable\]\n[^\n]*\n {2}parts\/b\.json: .*\[parts-unreadable\]/,
    );
  });

  test("of an earlier run are ignored if they cannot be read", async () => {
    writeFileSync(path.join(folder, "a.json"), "{");
    expect(await earlierParts(path.join(folder, "a.json"))).toBeUndefined();
    expect(await earlierParts(path.join(folder, "none.json"))).toBeUndefined();
  });

  test("whose folder is missing: the error shows which command writes it", async () => {
    await expect(readPartsFiles(path.join(folder, "none"), "none")).rejects.toThrow(
      /none: there is no such folder \[parts-no-folder\]\n.*slipway build --platform/,
    );
  });
});

test.each([
  ["no platform", ["build"], /required option '-p, --platform/],
  ["an empty platform", ["build", "--platform", " , "], /--platform names no platform/],
  ["an unknown flag", ["merge", "--platform", "linux/arm64"], /unknown option '--platform'/],
])("%s is used wrongly", async (_, args, message) => {
  const { code, err } = await slipway(args);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});
