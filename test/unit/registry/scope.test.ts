import { describe, expect, it } from "vitest";
import {
  covers,
  deleteScope,
  mergeScopes,
  pullScope,
  pushScope,
  readGrant,
} from "../../../src/registry/challenge";

describe("mergeScopes", () => {
  it("has one entry for each repository, sorted, actions in the usual order", () => {
    expect(
      mergeScopes([
        pushScope("octo/b"),
        "repository:octo/a:delete",
        pullScope("octo/a"),
        "repository:octo/b:pull",
      ]),
    ).toEqual(["repository:octo/a:pull,delete", "repository:octo/b:pull,push"]);
  });

  it("splits at the last colon: a name can contain a host with a port", () => {
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
  ])("%j covers %j: %j", (held, wanted, expected) => {
    expect(covers(held, wanted)).toBe(expected);
  });
});

describe("readGrant", () => {
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
    expect(readGrant(text, "octo/app", "push")).toBe(expected);
  });
});
