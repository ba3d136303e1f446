import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../config/read";
import { isSetupStack, readSetup } from "../../../config/read-setup";
import { readStackFile } from "../../../config/stack-file";

const projectDir = join(__dirname, "../../..");

describe("the stack files of this project", () => {
  it("stage releases to the embedded registry, without a tag", async () => {
    const file = await readStackFile({ projectDir, stack: "stage" });
    const config = readConfig({ ...file, env: {} });

    expect(config.requireTag).toBe(false);
    expect(config.registries).toEqual([
      { host: "localhost:5000", namespace: "slipway", optional: false, plainHttp: true },
    ]);
    expect(config.images.map(({ name, context }) => ({ name, context }))).toEqual([
      { name: "sample", context: "sample" },
    ]);
  });

  it("prod releases to GHCR, to Docker Hub where there are credentials, and only from a tag", async () => {
    const file = await readStackFile({ projectDir, stack: "prod" });
    const config = readConfig({ ...file, env: {} });

    expect(config.requireTag).toBe(true);
    expect(config.registries.map(({ host, optional }) => ({ host, optional }))).toEqual([
      { host: "ghcr.io", optional: false },
      { host: "docker.io", optional: true },
    ]);
  });

  it("setup makes two environments and rules for git tags, and needs no secret", async () => {
    const file = await readStackFile({ projectDir, stack: "setup" });
    expect(isSetupStack(file.written)).toBe(true);
    const config = readSetup({ ...file, env: {}, readFile: () => "" });

    expect(config.repository).toBe("octo/app");
    expect(Object.keys(config.environments)).toEqual(["prod", "stage"]);
    expect(config.tagRules).toEqual({ name: "Release tags", patterns: ["v*"] });
  });
});
