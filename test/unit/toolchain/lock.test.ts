import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockedStackText, withLock } from "../../../toolchain/lock.mjs";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "slipway-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lockModule = path.resolve(__dirname, "../../../toolchain/lock.mjs");

/** Starts a process that takes the lock and keeps it until it is killed. */
async function holdInOtherProcess(file: string) {
  const script = `import { withLock } from ${JSON.stringify(lockModule)};
    await withLock(process.argv[1], async () => { console.log("held"); await new Promise((r) => setTimeout(r, 60_000)); });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const ended = new Promise((resolve) => child.once("close", resolve));
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

test("two runs at once take turns", async () => {
  const file = path.join(dir, "part.lock");
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} in`);
    await sleep(30);
    order.push(`${name} out`);
  };
  const waits: string[] = [];
  await Promise.all([
    withLock(file, work("a"), { pollMs: 5 }),
    withLock(file, work("b"), { pollMs: 5, onWait: (holder) => waits.push(holder) }),
  ]);
  expect(order).toEqual(["a in", "a out", "b in", "b out"]);
  expect(waits).toEqual([`process ${process.pid}`]);
  expect(existsSync(file)).toBe(false);
});

test("waits for another process's lock, and takes it at once when that process is killed", async () => {
  const file = path.join(dir, "part.lock");
  const other = await holdInOtherProcess(file);
  let entered = false;
  const mine = withLock(
    file,
    async () => {
      entered = true;
    },
    { pollMs: 10 },
  );
  await sleep(100);
  expect(entered).toBe(false);
  await other.kill();
  await mine;
  expect(entered).toBe(true);
  expect(readdirSync(dir)).toEqual([]);
});

test("a lock without a heartbeat for a minute is stale, even if its pid exists", async () => {
  const file = path.join(dir, "part.lock");
  writeFileSync(file, `${process.pid} ${hostname()} other`);
  const longAgo = new Date(Date.now() - 61_000);
  utimesSync(file, longAgo, longAgo);
  await expect(withLock(file, async () => "done", { pollMs: 5 })).resolves.toBe("done");
});

test("a failure releases the lock", async () => {
  const file = path.join(dir, "part.lock");
  await expect(withLock(file, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(file)).toBe(false);
});

describe("the message for a locked stack", () => {
  const locked = (...holders: readonly string[]) =>
    [
      "error: could not create stack: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.",
      ...holders.map(
        (holder) => `  file:///state/.pulumi/locks/x.json?no_tmp_dir=true: created by ${holder}`,
      ),
    ].join("\n");
  const dead = spawnSync(process.execPath, ["--eval", ""]).pid;

  test.each([
    ["a process of this machine", [`ann@${hostname()} (pid ${process.pid}) at 2026-11-28T06:49:07Z`], true],
    ["another machine", ["runner@ci-7 (pid 1) at 2026-11-28T06:49:07Z"], true],
    ["a dead process", [`ann@${hostname()} (pid ${dead}) at 2026-11-28T06:49:07Z`], false],
    [
      "a dead process and another machine",
      [
        `ann@${hostname()} (pid ${dead}) at 2026-11-28T06:49:07Z`,
        "runner@ci-7 (pid 1) at 2026-11-28T06:50:07+01:00",
      ],
      true,
    ],
  ])("held by %s: says by whom, since when, and what to do", (_, holders, isRunning) => {
    const text = lockedStackText(locked(...holders), "stage") ?? "";
    expect(text).toMatch(
      isRunning ? /^SLIPWAY_STACK_LOCKED: another release of the stack stage is running/ : /was killed/,
    );
    for (const holder of holders)
      expect(text).toContain(holder.replace("(pid ", "(process ").replace(" at ", " since "));
    expect(text).toContain("pulumi cancel --stack stage");
    expect(text).not.toContain("delete the lock file");
  });

  test("is undefined for other errors", () => {
    expect(lockedStackText("error: no stack named 'stage' found", "stage")).toBeUndefined();
  });
});
