import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { requireProviderPlugin } from "../../../src/settings/project-file";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "slipway-plugin-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(below = ""): void {
  const provider = path.join(folder, below, "node_modules/slipway/src/provider");
  mkdirSync(provider, { recursive: true });
  writeFileSync(path.join(provider, "PulumiPlugin.yaml"), "runtime: nodejs\n");
}

function check(pulumiYaml: string, below = ""): Promise<void> {
  mkdirSync(path.join(folder, below), { recursive: true });
  writeFileSync(path.join(folder, below, "Pulumi.yaml"), pulumiYaml);
  return requireProviderPlugin(path.join(folder, below));
}

const entry = (at: string) => `plugins:\n  providers:\n    - name: slipway-registry\n      path: ${at}\n`;

test("a missing entry is refused with the lines to add", async () => {
  install();
  await expect(check("name: shop\nruntime: nodejs\n")).rejects.toThrow(
    "Pulumi.yaml does not say where the provider is:\n" +
      "  plugins.providers: has no slipway-registry, the provider that comes with this package [provider-plugin]\n" +
      "    Add these lines to Pulumi.yaml:\n" +
      "    plugins:\n" +
      "      providers:\n" +
      "        - name: slipway-registry\n" +
      "          path: node_modules/slipway/src/provider",
  );
});

test("beside other providers, the hint has the entry alone", async () => {
  install();
  await expect(
    check("name: shop\nruntime: nodejs\nplugins: { providers: [{ name: other, path: other }] }\n"),
  ).rejects.toThrow(
    "Add these lines below plugins.providers:\n        - name: slipway-registry\n          path: node_modules/slipway/src/provider",
  );
});

test("a path without the provider is refused, with the right path", async () => {
  install();
  await expect(
    check(`name: shop\n${entry("release/node_modules/slipway/src/provider")}`, "release"),
  ).rejects.toThrow(
    /there is no provider at release\/node_modules.*\n.*\n {10}path: \.\.\/node_modules\/slipway\/src\/provider$/,
  );
});

test("an entry whose path exists is accepted, and a folder without a project is not checked", async () => {
  install();
  await check(`name: shop\n${entry("./node_modules/slipway/src/provider")}`);
  await check(`name: shop\n${entry(path.join(folder, "node_modules/slipway/src/provider"))}`);
  await requireProviderPlugin(path.join(folder, "node_modules"));
});
