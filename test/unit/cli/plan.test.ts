import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { planStack } from "../../../src/cli/plan/plan-stack";
import { SETTINGS_PROGRAM } from "../../support/settings-program";
import { git } from "../inputs/repository";

test("a promotion that only the engine can read explains how to promote by statement, and from which registry", async () => {
  const cwd = mkdtempSync(path.join(tmpdir(), "slipway-plan-"));
  const config = `config:
  slipway:registries: [{ host: "localhost:1" }]
  slipway:images: [{ name: app, context: app }]
  slipway:promote: { from: stage }
`;
  mkdirSync(path.join(cwd, "app"));
  writeFileSync(path.join(cwd, "app/Dockerfile"), "FROM scratch\n");
  writeFileSync(path.join(cwd, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
  writeFileSync(path.join(cwd, "index.js"), SETTINGS_PROGRAM);
  writeFileSync(path.join(cwd, "Pulumi.prod.yaml"), config);
  git(cwd, "init", "--quiet");
  git(cwd, "add", "--all");
  git(cwd, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=first");
  const planned = planStack({ stack: "prod", cwd, env: { PATH: process.env.PATH } });
  await expect(planned).rejects.toThrow(/promote\.statement.*promote\.registry.*the registry that stage/);
  rmSync(cwd, { recursive: true });
});
