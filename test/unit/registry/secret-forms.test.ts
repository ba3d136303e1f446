import { expect, test } from "vitest";
import { Redactor } from "../../../src/registry/redact";
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
