import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { raiseBuildNumber, readBuildNumber } from "../../cli/deploy/build-number";
import { withTag } from "../../cli/deploy/tfvars";

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-deploy-"));
  file = path.join(dir, ".buildnum");
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe(".buildnum", () => {
  test("starts at 1 and goes up by one", async () => {
    expect(await raiseBuildNumber(file)).toBe(1);
    expect(await raiseBuildNumber(file)).toBe(2);
    expect(readFileSync(file, "utf8")).toBe("2\n");
  });

  test.each(["", "abc\n", "-1", "1.5", "1 2", "0x10", "99999999999999999999", "147\n148\n"])(
    "%j is corrupt, and stays as it is",
    async (text) => {
      writeFileSync(file, text);
      await expect(readBuildNumber(file)).rejects.toThrow("[buildnum-corrupt]");
      await expect(raiseBuildNumber(file)).rejects.toThrow("[buildnum-corrupt]");
      expect(readFileSync(file, "utf8")).toBe(text);
    },
  );

  test("an empty line's end is no harm", async () => {
    writeFileSync(file, "147");
    expect(await raiseBuildNumber(file)).toBe(148);
  });
});

describe("stage.tfvars", () => {
  test("all but the tag stays byte for byte", () => {
    const text =
      '# glass_docker_tag = "old"\r\n\tglass_docker_tag="146"   # by hand\r\nother = "$1 $& \\"x\\""\n\n\nno_newline = 1';
    expect(withTag(text, "147", "stage.tfvars")).toBe(text.replace('="146"', '="147"'));
  });

  test.each([
    ["", "has no line"],
    ['my_glass_docker_tag = "1"\n', "has no line"],
    ["glass_docker_tag = 146\n", "has no line"],
    ['glass_docker_tag = "1"\nglass_docker_tag = "2"\n', "has 2 lines"],
  ])("%j is refused", (text, message) => {
    expect(() => withTag(text, "147", "stage.tfvars")).toThrow(message);
    expect(() => withTag(text, "147", "stage.tfvars")).toThrow("[tfvars-key]");
  });
});
