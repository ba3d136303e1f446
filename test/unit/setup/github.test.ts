import { expect, test } from "vitest";
import { githubApiUrl } from "../../../src/github/client";
import { sealSecret } from "../../../src/github/seal-secret";
import { Secret } from "../../../src/plan/secret";
import { SealingKey } from "../../support/github/sealed-box";

const SECRETS = ["dckr_pat_a+b/c=&", "zwölf Boxkämpfer ✓", "two\nlines\n", "x".repeat(48_000)];

test.each(SECRETS)("only GitHub's key opens a sealed secret: %.20s", async (value) => {
  const [key, other] = [await SealingKey.create("key-1"), await SealingKey.create("key-1")];
  const { keyId, box } = await sealSecret(new Secret(value), key, "octo/app//TOKEN");
  expect(keyId).toBe("key-1");
  expect(key.open(box)).toBe(value);
  expect(() => other.open(box)).toThrow();
});

test("an unchanged secret gives an unchanged box", async () => {
  const key = await SealingKey.create("key-1");
  const seal = () => sealSecret(new Secret("value"), key, "octo/app//TOKEN");
  expect(await seal()).toEqual(await seal());
});

test("another secret, place, key or key's name gives an entirely different box", async () => {
  const key = await SealingKey.create("key-1");
  const renamed = { id: "key-2", publicKey: key.publicKey };
  const boxes = await Promise.all([
    sealSecret(new Secret("value"), key, "octo/app//TOKEN"),
    sealSecret(new Secret("other"), key, "octo/app//TOKEN"),
    sealSecret(new Secret("value"), key, "octo/app//OTHER"),
    sealSecret(new Secret("value"), key, "octo/app/prod/TOKEN"),
    sealSecret(new Secret("value"), renamed, "octo/app//TOKEN"),
    sealSecret(new Secret("value"), await SealingKey.create("key-1"), "octo/app//TOKEN"),
  ]);
  const senders = boxes.map(({ box }) => Buffer.from(box, "base64").subarray(0, 32).toString("hex"));
  expect(new Set(senders).size).toBe(boxes.length);
});

test("a key of the wrong length is refused", async () => {
  const key = { id: "key-1", publicKey: Buffer.from("short").toString("base64") };
  await expect(sealSecret(new Secret("value"), key, "")).rejects.toThrow(/"key-1" is no public key/);
});

test.each([
  [undefined, "https://api.github.com"],
  ["https://github.com", "https://api.github.com"],
  ["https://api.github.com/", "https://api.github.com"],
  ["https://octo.ghe.com", "https://api.octo.ghe.com"],
  ["https://api.octo.ghe.com", "https://api.octo.ghe.com"],
  ["https://github.example.com", "https://github.example.com/api/v3"],
  ["https://github.example.com/api/v3/", "https://github.example.com/api/v3"],
  ["http://127.0.0.1:4000/", "http://127.0.0.1:4000/api/v3"],
])("the base URL %s gives the API's address %s", (written, expected) =>
  expect(githubApiUrl(written)).toBe(expected),
);
