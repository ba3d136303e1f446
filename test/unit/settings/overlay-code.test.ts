import { describe, expect, test } from "vitest";
import { overlayCode } from "../../../src/settings/overlay";
import { readConfig } from "../../../src/settings/read";
import { problemLines } from "./read-config";

describe("the stack's settings over those in a program's code", () => {
  test.each<[string, object, object, object]>([
    ["a value of the stack wins", { requireTag: false }, { requireTag: true }, { requireTag: true }],
    [
      "mappings are merged",
      { builder: { name: "a", concurrency: 2 } },
      { builder: { name: "b" } },
      { builder: { name: "b", concurrency: 2 } },
    ],
    [
      "lists are replaced",
      { registries: [{ host: "ghcr.io" }] },
      { registries: [{ host: "localhost:5000" }] },
      { registries: [{ host: "localhost:5000" }] },
    ],
    [
      "images may be given by their names, in both",
      { images: { app: { context: "app", target: "run" } } },
      { images: { app: { sbom: false } } },
      { images: [{ name: "app", context: "app", target: "run", sbom: false }] },
    ],
    [
      "or as a list in one of them",
      { images: { app: { context: "app" } } },
      { images: [{ name: "app", context: "other" }, { name: "web" }] },
      { images: [{ name: "app", context: "other" }, { name: "web" }] },
    ],
    ["settings that only the code has stay", { images: { app: {} } }, {}, { images: [{ name: "app" }] }],
  ])("%s", (_, code, stack, merged) => {
    expect(overlayCode({ ...code }, { ...stack })).toEqual(merged);
  });
});

describe("a registry's password", () => {
  const registries = [{ host: "ghcr.io", namespace: "octo", username: "octo", password: "a-plain-password" }];
  const read = (written: object, code: object) =>
    readConfig({ written: { ...written }, code: { images: { app: {} }, ...code }, env: {}, secretKeys: [] });

  test("can come from the program", () => {
    expect(read({}, { registries }).registries[0]?.password?.reveal()).toBe("a-plain-password");
  });

  test("cannot be plain text in the stack's file, whatever the program says", () => {
    expect(() => read({ registries }, {})).toThrow(/config-plain-secret/);
    expect(() => read({ registries }, { registries })).toThrow(/config-plain-secret/);
  });
});

test("images by name are named in every problem, with tag rules and all other mistakes at once", () => {
  const problems = problemLines({
    written: { registries: [{ host: "ghcr.io" }] },
    code: { images: { app: { platforms: ["linux/arm"], tags: ["type=nonsense", "type=semver"] } } },
  });
  expect(problems).toEqual([
    expect.stringMatching(/^images\.app\.platforms\[0\]: "linux\/arm" is not one of/),
    expect.stringMatching(/^registries\[0\]\.namespace: is required for ghcr\.io/),
    expect.stringMatching(/^images\.app\.tags\[0\]: .*type="nonsense" is not one of.* \[tag-rule\]$/),
    expect.stringMatching(/^images\.app\.tags\[1\]: .*type=semver needs pattern=.* \[tag-rule\]$/),
  ]);
});
