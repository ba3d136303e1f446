import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { main } from "../../../src/cli/main";
import { newKeyPair } from "../../support/signed-image";

const LIBRARY = path.resolve(__dirname, "../../../toolchain/library.cjs");
const pair = newKeyPair();

let dir: string;
let said: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-keys-"));
  // Everything that needs the engine fails.
  write("pulumi", "#!/bin/sh\necho no backend >&2\nexit 1\n");
  chmodSync(path.join(dir, "pulumi"), 0o755);
  write("Pulumi.yaml", "name: shop\nruntime: nodejs\n");
  write("Pulumi.stage.yaml", "config: {}\n");
  write("key.pem", pair.privatePem);
  vi.stubEnv("PATH", `${dir}${path.delimiter}${process.env.PATH}`);
  vi.stubEnv("PULUMI_BACKEND_URL", "file:///no/such/folder");
  said = "";
  const listen = (text: unknown) => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(listen);
  vi.spyOn(process.stderr, "write").mockImplementation(listen);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  writeFileSync(path.join(dir, file), text);
}

/** A program that gives these arguments in code. */
function declare(args: object): void {
  write(
    "index.js",
    `const { Release } = require(${JSON.stringify(LIBRARY)});
module.exports = async () => new Release("release", await Release.plan(${JSON.stringify(args)})).outputs;
`,
  );
}

const keys = (...args: string[]) => main(["keys", "--cwd", dir, "--stack", "stage", ...args]);

test("keys completes the key that the program names", async () => {
  declare({ sign: { keyFile: "key.pem", publicKeyFile: "release.pub" } });
  expect(await keys("--json"), said).toBe(0);
  expect(JSON.parse(said)).toEqual({ stack: "stage", action: "completed", publicKeyFile: "release.pub" });
  expect(readFileSync(path.join(dir, "release.pub"), "utf8")).toBe(pair.publicPem);
});

test("keys reads COSIGN_PRIVATE_KEY with the prefix that the program sets", async () => {
  declare({ envPrefix: "SHOP_", sign: { publicKeyFile: "release.pub" } });
  vi.stubEnv("SHOP_COSIGN_PRIVATE_KEY", pair.privatePem);
  expect(await keys(), said).toBe(0);
  expect(readFileSync(path.join(dir, "release.pub"), "utf8")).toBe(pair.publicPem);
});

test("keys does not write the public half if the program has it", async () => {
  declare({ sign: { keyFile: "key.pem", publicKey: pair.publicPem } });
  expect(await keys(), said).toBe(0);
  expect(said).toBe("Nothing to do: stage has a key, and slipway:sign.publicKey is its public half.\n");
  expect(existsSync(path.join(dir, "cosign.pub"))).toBe(false);
});

test.each([
  ["promotes", { promote: { from: "other" } }, "promotes what another stack signed, and signs nothing"],
  ["signs nothing", { sign: { mode: "none" } }, "say sign.mode: none: it needs no key"],
])("keys creates no key for a program that %s", async (_, args, reason) => {
  declare(args);
  expect(await keys()).toBe(1);
  expect(said).toContain(reason);
});

test("the stack's file wins over the program", async () => {
  declare({ sign: { mode: "none" } });
  write(
    "Pulumi.stage.yaml",
    "config:\n  slipway:sign: { mode: key, keyFile: key.pem, publicKeyFile: release.pub }\n",
  );
  expect(await keys(), said).toBe(0);
  expect(readFileSync(path.join(dir, "release.pub"), "utf8")).toBe(pair.publicPem);
});

test("a program that fails is reported", async () => {
  write("index.js", 'throw new Error("the program is broken");\n');
  expect(await keys()).toBe(1);
  expect(said).toContain("the program is broken");
});
