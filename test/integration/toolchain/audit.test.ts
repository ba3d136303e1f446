import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { auditPackages } from "../../../toolchain/audit-packages.mjs";
import { type Advisory, startNpmRegistry } from "../../support/npm-registry";

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** What the real npm says about a project with one released package and one that only builds. */
async function audit(advisories?: Readonly<Record<string, readonly Advisory[]>>) {
  const registry = await startNpmRegistry({ "left-pad": "1.3.0", "only-builds": "2.0.0" }, advisories);
  const project = mkdtempSync(path.join(tmpdir(), "slipway-audit-"));
  ended.push(
    () => registry.stop(),
    () => rmSync(project, { recursive: true }),
  );
  const root = {
    name: "project",
    version: "1.0.0",
    dependencies: { "left-pad": "1.3.0" },
    devDependencies: { "only-builds": "2.0.0" },
  };
  const packages = {
    "": root,
    "node_modules/left-pad": { version: "1.3.0" },
    "node_modules/only-builds": { version: "2.0.0", dev: true },
  };
  writeFileSync(path.join(project, ".npmrc"), `${registry.npmrc}fetch-retries=0\n`);
  writeFileSync(path.join(project, "package.json"), JSON.stringify(root));
  writeFileSync(
    path.join(project, "package-lock.json"),
    JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, requires: true, packages }),
  );
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_config_")),
  );
  return auditPackages({ project, env: { ...env, npm_config_cache: path.join(project, "cache") } });
}

const advisory = (severity: Advisory["severity"]): Advisory => ({
  id: 1,
  url: "https://example.org/advisory",
  title: "Pads too far",
  severity,
  vulnerable_versions: "<1.3.1",
});

test("nothing known: one line", async () => {
  expect(await audit({})).toEqual({ text: "npm audit: no known vulnerabilities in 1 packages", code: 0 });
});

test("a severe weakness fails, with the package and where it is told", async () => {
  const { text, code } = await audit({ "left-pad": [advisory("high")] });
  expect(text).toContain("high: left-pad");
  expect(text).toContain("Pads too far, https://example.org/advisory");
  expect(code).toBe(1);
});

test("a lesser one is told, and does not fail", async () => {
  const { text, code } = await audit({ "left-pad": [advisory("moderate")] });
  expect(text).toContain("moderate: left-pad");
  expect(code).toBe(0);
});

test("what only builds is not released", async () => {
  expect((await audit({ "only-builds": [advisory("critical")] })).code).toBe(0);
});

test("a registry without the service: said, and no failure", async () => {
  const { text, code } = await audit();
  expect(text).toMatch(/^npm audit: NOT AUDITED, the registry did not answer: .*405/);
  expect(code).toBe(0);
});
