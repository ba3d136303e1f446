import { describe, expect, test } from "vitest";
import { scrub } from "../../../registry/redact";

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
