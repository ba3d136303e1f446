import { describe, expect, test } from "vitest";
import { Redactor, safePath, scrub } from "../../../src/registry/redact";
import { Canaries } from "../../support/canary/canaries";

const canaries = new Canaries();
const SECRETS = [
  canaries.plant("with signs"),
  canaries.plant("with lines", { before: "first line\n", after: "\nlast line" }),
  canaries.plant("plain", { before: "", after: "" }),
];
const go = (text: string) =>
  JSON.stringify(text).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);

test.each<[string, (secret: string) => string]>([
  ["as it is", (secret) => `it is ${secret}.`],
  ["in JSON", (secret) => JSON.stringify({ secret })],
  ["in JSON four deep", (secret) => go(JSON.stringify(go(JSON.stringify(secret))))],
  ["in a URL", (secret) => `https://me:${encodeURIComponent(secret)}@host/`],
  ["in a form", (secret) => new URLSearchParams({ secret }).toString()],
  ["in a header", (secret) => `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`],
  ["in base64url", (secret) => Buffer.from(`{"a":"${secret}"}`).toString("base64url")],
  ["in hex", (secret) => Buffer.from(secret).toString("hex").toUpperCase()],
])("a secret is removed %s", (_, form) => {
  const redactor = new Redactor();
  for (const secret of SECRETS) redactor.hide(secret);
  for (const secret of SECRETS) {
    expect(canaries.findIn(form(secret))).not.toEqual([]);
    expect(canaries.findIn(redactor.redact(form(secret)))).toEqual([]);
  }
});

test("every line of a secret of several lines is removed by itself", () => {
  const redactor = new Redactor();
  redactor.hide("-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END KEY-----\n");
  expect(redactor.redact('{"msg":"MIGHAgEAMBMGByqGSM49"}')).toBe('{"msg":"[secret]"}');
});

test("a secret that starts with another one is removed whole", () => {
  const redactor = new Redactor();
  redactor.hide("hunter2");
  expect(redactor.redact("hunter2")).toBe("[secret]");
  redactor.hide("hunter2-prod-9981");
  expect(redactor.redact("is hunter2-prod-9981, was hunter2")).toBe("is [secret], was [secret]");
});

test("a redactor keeps as many values as configured, the latest ones", () => {
  const values = Array.from({ length: 300 }, (_, at) => `value-number-${at}.`);
  const shown = (redactor: Redactor) => {
    for (const value of values) redactor.hide(value);
    return values.filter((value) => redactor.redact(value) === value).length;
  };
  expect(shown(new Redactor())).toBe(100);
  expect(shown(new Redactor({ remembered: Number.POSITIVE_INFINITY }))).toBe(0);
  const redactor = new Redactor({ remembered: 2 });
  for (const value of ["first-one", "second-one", "first-one", "third-one"]) redactor.hide(value);
  expect(redactor.redact("first-one second-one third-one")).toBe("[secret] second-one [secret]");
});

describe("scrub removes what looks like a secret", () => {
  test.each([
    ["get https://u:planted@host/x", "get https://[secret]@host/x"],
    ["see https://cdn.example/b?X-Amz-Signature=planted&y=1 now", "see https://cdn.example/b?[query] now"],
    ["Authorization: Bearer planted.abc-1", "Authorization: [secret] [secret]"],
    ["sent Basic cGxhbnRlZA== here", "sent Basic [secret] here"],
    ['{"token":"planted","n":1}', '{"token":[secret],"n":1}'],
    ['{"access_token": "pla\\"nted"}', '{"access_token": [secret]}'],
    ["password=planted&user=x", "password=[secret]&user=x"],
    ["the PAT dckr_pat_planted-1 is bad", "the PAT [secret] is bad"],
    ["ghp_planted1 eyJhbGciOi.eyJzdWIi.sig", "[secret] [secret]"],
  ])("%s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
    expect(scrub(text)).not.toMatch(/planted/);
  });

  test.each([
    "registry answered 400 to PUT /v2/octo/app/manifests/1.2.3: MANIFEST_INVALID",
    "/v2/octo/app/blobs/uploads/?mount=sha256:abc&from=octo/base",
    "https://registry.example/v2/",
    "basically nothing",
  ])("but not from: %s", (text) => {
    expect(scrub(text)).toBe(text);
  });
});

test("safePath keeps harmless parameters only", () => {
  const url = new URL("https://cdn.example/blob?digest=sha256:aa&X-Amz-Signature=abc&_state=s&token=t");
  expect(safePath(url)).toBe("/blob?digest=sha256:aa");
});
