import { describe, expect, it } from "vitest";
import { RegistryError } from "../../../src/registry/errors";
import { type Clock, parseRetryAfter, waitAfter, withRetries } from "../../../src/registry/retry";

const transient = (retryAfterMs?: number) =>
  new RegistryError({
    code: "registry-server-error",
    registry: "ghcr.io",
    summary: "ghcr.io answered 503",
    transient: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

function clock(): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => 0,
    random: () => 0.5,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
}

describe("waitAfter", () => {
  it.each([
    [1, 0, 200],
    [1, 1, 400],
    [2, 0, 400],
    [2, 1, 800],
    [3, 0.5, 1_200],
    [6, 1, 10_000],
    [40, 1, 10_000],
  ])("attempt %d with chance %d waits %d ms", (attempt, chance, expected) => {
    expect(waitAfter(transient(), attempt, () => chance)).toBe(expected);
  });

  it("is what the registry asks for, to the millisecond", () => {
    expect(waitAfter(transient(7_000), 3, Math.random)).toBe(7_000);
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  it.each([
    [undefined, undefined],
    ["5", 5_000],
    [" 0 ", 0],
    ["Sat, 10 Jan 2026 00:00:30 GMT", 30_000],
    ["Fri, 09 Jan 2026 00:00:00 GMT", 0],
    ["soon", undefined],
  ])("%j is %j", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe("withRetries", () => {
  it("tries four times", async () => {
    const time = clock();
    const failing = withRetries({ attempts: 4, clock: time }, async () => {
      throw transient();
    });
    await expect(failing).rejects.toMatchObject({
      summary: "ghcr.io answered 503 (4 attempts)",
      transient: false,
    });
    expect(time.slept).toEqual([300, 600, 1_200]);
  });

  it("gives the first success", async () => {
    const time = clock();
    const result = await withRetries({ attempts: 4, clock: time }, async (attempt) => {
      if (attempt < 3) throw transient();
      return attempt;
    });
    expect(result).toBe(3);
  });

  it("never repeats what fails for good, or what is a bug", async () => {
    for (const error of [transient().final("for good"), new TypeError("bug")]) {
      let runs = 0;
      const failing = withRetries({ attempts: 4, clock: clock() }, async () => {
        runs++;
        throw error;
      });
      await expect(failing).rejects.toBe(error);
      expect(runs).toBe(1);
    }
  });

  it("does not multiply attempts when nested", async () => {
    let runs = 0;
    const policy = { attempts: 3, clock: clock() };
    const failing = withRetries(policy, () =>
      withRetries(policy, async () => {
        runs++;
        throw transient();
      }),
    );
    await expect(failing).rejects.toBeInstanceOf(RegistryError);
    expect(runs).toBe(3);
  });

  it.each([
    [60_000, 3],
    [60_001, 0],
  ])("a wait of %d ms happens %d times", async (asked, times) => {
    const time = clock();
    const failing = withRetries({ attempts: 4, clock: time }, async () => {
      throw transient(asked);
    });
    await expect(failing).rejects.toBeInstanceOf(RegistryError);
    expect(time.slept).toEqual(Array.from({ length: times }, () => asked));
  });
});
