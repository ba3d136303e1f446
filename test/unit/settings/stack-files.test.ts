import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStackConfig } from "../../../src/cli/plan/plan-stack";
import { declaredCode } from "../../../src/cli/plan/run-program";
import { matches } from "../../../src/plan/trust";
import { readConfig } from "../../../src/settings/read";
import { readSetup } from "../../../src/settings/read-setup";
import { isSetupStack, readStackFile } from "../../../src/settings/stack-file";
import { newKeyPair } from "../../../src/signing/keys";
import { linkedExample } from "../../support/linked";

const projectDir = join(__dirname, "../../..");

describe("the program of this project", () => {
  it("stage releases the sample to the embedded registry, without a tag", async () => {
    const config = await readStackConfig({ projectDir, stack: "stage", env: {} });

    expect(config.requireTag).toBe(false);
    expect(config.promote).toBeUndefined();
    expect(config.registries).toEqual([
      { host: "localhost:5000", namespace: "slipway", optional: false, plainHttp: true },
    ]);
    expect(config.images.map(({ name, context }) => ({ name, context }))).toEqual([
      { name: "sample", context: "examples/sample" },
    ]);
  });

  it("no stack's file has the salt of a state on one machine, which `npm start` could not read elsewhere", () => {
    for (const stack of ["stage", "prod", "setup"])
      expect(readFileSync(join(projectDir, `Pulumi.${stack}.yaml`), "utf8")).not.toContain("encryptionsalt");
  });

  it("prod promotes the versions of stage to GHCR, and to Docker Hub where there are credentials", async () => {
    const file = await readStackFile({ projectDir, stack: "prod" });
    const code = await declaredCode(projectDir, file);
    const config = readConfig({ ...file, code, env: {}, readFile: () => newKeyPair().publicKey });

    expect(config.promote?.source).toEqual({ kind: "stack", stack: "stage" });
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

it("publish-container signs keyless, and trusts its own workflow alone", async () => {
  const example = linkedExample("publish-container");
  const { sign } = await readStackConfig({ projectDir: example, stack: "release", env: {} });
  rmSync(example, { recursive: true, force: true });
  const workflow = "https://github.com/octo/container/.github/workflows/publish-container.yml@refs";
  const trusts = (subject: string) =>
    sign.mode === "keyless" &&
    sign.trusted.some((signer) => signer.kind === "identity" && matches(signer.subject, subject));
  expect(trusts(`${workflow}/tags/v1.2.3`)).toBe(true);
  expect(trusts(`${workflow}/heads/main`)).toBe(true);
  expect(trusts(`${workflow}/pull/1/merge`)).toBe(false);
});
