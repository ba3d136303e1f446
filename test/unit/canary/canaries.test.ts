import { describe, expect, test } from "vitest";
import { Canaries } from "../../support/canary/canaries";

const canaries = new Canaries();
const value = canaries.plant("one");
const other = canaries.plant("two", { before: "ghp_", after: "" });
canaries.add(
  "a key",
  `-----BEGIN KEY-----\n${"MIIBVQIBADANBgkqhkiG9w0BAQEFAASC".repeat(2)}\n-----END KEY-----`,
);

const base64 = (text: string) => Buffer.from(text).toString("base64");
const wrapped = (text: string, width: number, glue: string) =>
  text.match(new RegExp(`[\\s\\S]{1,${width}}`, "gu"))?.join(glue) ?? "";
const goString = (text: string) =>
  JSON.stringify(text).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
const everyByte = (text: string) => Buffer.from(text).toString("hex").replace(/../g, "%$&");

describe("a secret is found", () => {
  test.each<[string, (secret: string) => string]>([
    ["as it is", (secret) => secret],
    ["in JSON", (secret) => JSON.stringify({ secret })],
    ["in JSON in JSON in JSON", (secret) => JSON.stringify([JSON.stringify([JSON.stringify([secret])])])],
    ["in JSON as Go writes it", goString],
    ["in JSON, every character escaped", (secret) => [...secret].map(escaped).join("")],
    ["URL-encoded", encodeURIComponent],
    ["URL-encoded twice", (secret) => encodeURIComponent(encodeURIComponent(secret))],
    ["URL-encoded, every byte", everyByte],
    ["URL-encoded in JSON", (secret) => JSON.stringify(`https://a:${encodeURIComponent(secret)}@b/`)],
    ["as a form's field", (secret) => new URLSearchParams({ secret }).toString()],
    ["in base64", base64],
    ["in base64 behind one more character", (secret) => base64(`x${secret}`)],
    ["in base64 behind two more characters", (secret) => base64(`me${secret}`)],
    ["in base64 of user:password", (secret) => base64(`slipway:${secret}`)],
    ["in base64 without padding", (secret) => base64(secret).replace(/=/g, "")],
    ["in base64url", (secret) => Buffer.from(`ab${secret}`).toString("base64url")],
    ["in base64 of base64", (secret) => base64(`{"auth":"${base64(`me:${secret}`)}"}`)],
    ["in base64, URL-encoded", (secret) => encodeURIComponent(base64(`?>${secret}`))],
    ["in base64, wrapped", (secret) => wrapped(base64(`{"a":"${secret}"}`), 12, "\n    ")],
    ["in base64, wrapped in JSON", (secret) => JSON.stringify(wrapped(base64(secret), 12, "\r\n"))],
    ["in hex", (secret) => Buffer.from(secret).toString("hex")],
    ["in hex, large letters in pairs", (secret) => hexDump(secret)],
    ["as Go prints bytes", (secret) => `[${[...Buffer.from(secret)].join(" ")}]`],
    ["as JSON has bytes", (secret) => JSON.stringify(Buffer.from(secret))],
    ["split over lines", (secret) => wrapped(secret, 5, "\n")],
    ["split over indented, quoted lines", (secret) => wrapped(secret, 5, `" +\n    "`)],
    ["split over lines in JSON", (secret) => JSON.stringify(wrapped(secret, 5, "\n"))],
    ["split by a shell's backslash", (secret) => wrapped(secret, 7, "\\\n")],
    ["cut off in the middle", (secret) => secret.slice(0, secret.length / 2 + 2)],
    ["without its beginning", (secret) => secret.slice(16)],
  ])("%s", (_, form) => {
    for (const [name, secret] of [
      ["one", value],
      ["two", other],
    ] as const) {
      const text = `2026-01-01 INFO before ${form(secret)} after\n`;
      expect(canaries.findIn(text).map(({ canary }) => canary)).toEqual(expect.arrayContaining([name]));
      expect(canaries.findIn(text).every(({ canary }) => canary === name)).toBe(true);
    }
  });

  test("one line of a key", () => {
    expect(canaries.findIn("… MIIBVQIBADANBgkqhkiG9w0BAQEFAASC …")).toMatchObject([
      { canary: "a key", form: "plain" },
    ]);
  });

  test("in the middle of megabytes", () => {
    const noise = Array.from({ length: 60_000 }, (_, at) => `${at} ${base64(String(at * at))}\n`).join("");
    const started = Date.now();
    expect(canaries.findIn(`${noise}${base64(value)}${noise}`)).toMatchObject([{ canary: "one" }]);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test("and reported by its name and place, without its value", () => {
    const [found] = canaries.findIn(`token: ${value}`);
    expect(found?.around).toMatch(/^token.*\[HERE\]/);
    expect(JSON.stringify(found)).not.toContain(value.slice(8, 16));
  });
});

describe("nothing is found", () => {
  test.each([
    ["in nothing", ""],
    ["in words", "the password of slipway is not shown: [secret]"],
    ["in another secret", new Canaries().plant("other")],
    ["in random bytes", base64(Array.from({ length: 20_000 }, (_, at) => (at * 7919) % 251).join(""))],
    ["in its first letters", value.slice(0, 12)],
  ])("%s", (_, text) => {
    expect(canaries.findIn(text)).toEqual([]);
  });
});

test("a secret without a piece that is long enough is no canary", () => {
  expect(() => canaries.add("short", "ab cd ef")).toThrow(/short: nothing in it is long enough/);
});

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function hexDump(text: string): string {
  return (Buffer.from(text).toString("hex").toUpperCase().match(/../g) ?? []).join(" ");
}
