import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { offer, take } from "../../provider/handover";

const HANDED = {
  credentials: { "ghcr.io": { username: "octo", password: "hush" } },
  key: "pem",
  password: "quiet",
};

test("what one process offers, another takes, as often as it wants", async () => {
  const address = await offer(HANDED);
  expect(await take(address)).toEqual(HANDED);
  expect(await Promise.all([take(address), take(address)])).toEqual([HANDED, HANDED]);
  expect(address).not.toMatch(/hush|quiet/);
});

test.skipIf(process.platform === "win32")("nobody else may enter its folder", async () => {
  const address = await offer(HANDED);
  expect(statSync(path.dirname(address)).mode & 0o777).toBe(0o700);
});

test("nothing is taken where nobody offers any more", async () => {
  expect(await take("/nonexistent/slipway/s")).toBeUndefined();
});

test("an offer keeps no process from ending, and leaves nothing behind", () => {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(__dirname, "../../provider/handover.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
  });
  const script = `${outputFiles[0]?.text}\nmodule.exports.offer({ credentials: {} }).then(console.log);`;
  const { status, stdout } = spawnSync(process.execPath, ["-"], {
    input: script,
    timeout: 20_000,
    encoding: "utf8",
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/slipway/);
  expect(existsSync(path.dirname(stdout.trim()))).toBe(false);
});
