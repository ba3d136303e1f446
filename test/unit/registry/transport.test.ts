import { describe, expect, it } from "vitest";
import { RegistryError } from "../../../src/registry/errors";
import { type Clock, nextLink, waitAfter, withRetries } from "../../../src/registry/transport";

const transient = (retryAfterMs?: number) =>
  new RegistryError({
    code: "registry-server-error",
    registry: "ghcr.io",
    summary: "ghcr.io answered 503",
    transient: true,
    retryAfterMs,
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

  it("is exactly what the registry asks for", () => {
    expect(waitAfter(transient(7_000), 3, Math.random)).toBe(7_000);
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

  it("returns the first success", async () => {
    const time = clock();
    const result = await withRetries({ attempts: 4, clock: time }, async () => {
      if (time.slept.length < 2) throw transient();
      return "done";
    });
    expect(result).toBe("done");
  });

  it("does not repeat permanent failures and bugs", async () => {
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

describe("nextLink", () => {
  it.each([
    [undefined, undefined],
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', "/v2/a/tags/list?last=b&n=2"],
    ["</next>;rel=next", "/next"],
    ['<https://r/x,y>; title="a, b"; rel="prev next"', "https://r/x,y"],
    ['</prev>; rel="prev", </next>; rel="next"', "/next"],
    ['</x>; rel="nextish"', undefined],
    ["nonsense", undefined],
  ])("%j is %j", (header, expected) => {
    expect(nextLink(header)).toBe(expected);
  });
});
