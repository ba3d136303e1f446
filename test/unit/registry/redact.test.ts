import { describe, expect, test } from "vitest";
import { Redactor, scrub } from "../../../src/registry/redact";

test("a secret that is the beginning of another leaves nothing of it", () => {
  const redactor = new Redactor();
  redactor.hide("hunter2");
  expect(redactor.redact("hunter2")).toBe("[secret]");
  redactor.hide("hunter2-prod-9981");
  expect(redactor.redact("is hunter2-prod-9981, was hunter2")).toBe("is [secret], was [secret]");
});

test("how many values are remembered is said, and the latest stay", () => {
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

describe("scrub removes what looks like a secret, whoever made it", () => {
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
  ])("and leaves %s", (text) => {
    expect(scrub(text)).toBe(text);
  });
});
