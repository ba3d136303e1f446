import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  covers,
  deleteScope,
  mergeScopes,
  parseChallenges,
  pullScope,
  pushScope,
  readPushGrant,
} from "../../../src/registry/auth";

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
    // Several in one header, a comma in quotes, values without quotes, spaces around "=".
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

  it("terminates for any input", () => {
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

describe("mergeScopes", () => {
  it("returns one sorted entry for each repository", () => {
    expect(
      mergeScopes([
        pushScope("octo/b"),
        "repository:octo/a:delete",
        pullScope("octo/a"),
        "repository:octo/b:pull",
      ]),
    ).toEqual(["repository:octo/a:pull,delete", "repository:octo/b:pull,push"]);
  });

  it("splits at the last colon, since a name can contain a port", () => {
    expect(mergeScopes(["repository:host:5000/app:pull", "repository:host:5000/app:push"])).toEqual([
      "repository:host:5000/app:pull,push",
    ]);
  });
});

describe("covers", () => {
  it.each([
    [[pushScope("a")], [pullScope("a")], true],
    [[pullScope("a")], [pushScope("a")], false],
    [[deleteScope("a")], [pushScope("a")], true],
    [[pushScope("a")], [pushScope("b")], false],
    [[pushScope("a"), pullScope("b")], [pullScope("b")], true],
    [[], [], true],
  ])("%j covers %j: %j", (held, needed, expected) => {
    expect(covers(held, needed)).toBe(expected);
  });
});

describe("readPushGrant", () => {
  const token = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;
  const access = (actions: string[], name = "octo/app", type = "repository") => ({
    access: [{ type, name, actions }],
  });

  it.each([
    ["an opaque token", "Z2hwX29wYXF1ZQ==", "unknown"],
    ["a JWT without access", token({ sub: "me" }), "unknown"],
    ["a broken JWT", "a.b.c", "unknown"],
    ["pull only", token(access(["pull"])), "denied"],
    ["nothing", token({ access: [] }), "denied"],
    ["another repository", token(access(["pull", "push"], "octo/other")), "denied"],
    ["a repository class", token(access(["push"], "octo/app", "registry")), "denied"],
    ["push", token(access(["pull", "push"])), "granted"],
    ["everything", token(access(["*"])), "granted"],
  ])("%s is %s", (_what, text, expected) => {
    expect(readPushGrant(text, "octo/app")).toBe(expected);
  });
});
