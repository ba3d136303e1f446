import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "../../../src/registry/challenge";

const HUB =
  'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:octo/app:pull,push"';

describe("parseChallenges", () => {
  it.each([
    ["", []],
    ["Basic", [{ scheme: "basic", parameters: {} }]],
    ['Basic realm="x"', [{ scheme: "basic", parameters: { realm: "x" } }]],
    [
      HUB,
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://auth.docker.io/token",
            service: "registry.docker.io",
            scope: "repository:octo/app:pull,push",
          },
        },
      ],
    ],
    [
      'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"',
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://ghcr.io/token",
            service: "ghcr.io",
            scope: "repository:user/image:pull",
          },
        },
      ],
    ],
    // Several in one header, as proxies join them; a comma in quotes; values without quotes; spaces around "=".
    [
      'Negotiate, Basic realm="a, b", Bearer realm = https, error=insufficient_scope',
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "a, b" } },
        { scheme: "bearer", parameters: { realm: "https", error: "insufficient_scope" } },
      ],
    ],
    [
      'Negotiate YII+/=, Basic Realm="x"',
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
      ],
    ],
    ['Basic realm="say \\"hi\\""', [{ scheme: "basic", parameters: { realm: 'say "hi"' } }]],
    ['Basic realm="never ends', [{ scheme: "basic", parameters: {} }]],
    ["\u0000nonsense", []],
  ])("%j", (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });

  it("ends, whatever it is given", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: fc.constantFrom(...'Bbasic =",\\,/ \t') }), (text) => {
        parseChallenges(text);
      }),
    );
  });

  it("reads back any quoted value", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (value) => {
        const quoted = value.replace(/[^\x20-\x7e]/g, "").replace(/["\\]/g, "\\$&");
        const [challenge] = parseChallenges(`Bearer service="s", realm="${quoted}"`);
        expect(challenge?.parameters.realm).toBe(value.replace(/[^\x20-\x7e]/g, ""));
      }),
    );
  });
});
