import { describe, expect, test } from "vitest";
import { selectedImages } from "../../../src/plan/selection";
import { MINIMAL, problemLines, problemsOf, read } from "./read-config";

const NAMES = ["langgraph", "temporal-worker", "api"];
const written = { ...MINIMAL, images: NAMES.map((name) => ({ name })) };

function selected(input: { written?: Record<string, unknown>; env?: Record<string, string> }) {
  return selectedImages(read({ written, ...input }));
}

describe("only", () => {
  test("names images of the stack or of the program, in any order", () => {
    expect(selected({ written: { ...written, only: ["api", "langgraph"] } })).toEqual(["langgraph", "api"]);
    const { registries } = MINIMAL;
    const code = { images: { web: {}, api: {} } };
    expect(selectedImages(read({ written: { registries, only: ["api"] }, code }))).toEqual(["api"]);
  });

  test("includes the images that an image is built FROM", () => {
    const images = [{ name: "app", base: "runtime" }, { name: "runtime" }, { name: "web" }];
    expect(selected({ written: { ...MINIMAL, images }, env: { CI_SERVICES: "app" } })).toEqual([
      "runtime",
      "app",
    ]);
  });
});

describe("CI variables", () => {
  const all = { CI_SERVICES: "api", CI_SERVICE_FILTER: "langgraph" };

  test.each([
    [all, ["api"]],
    [{ ...all, CI_SERVICES: "" }, ["langgraph"]],
    [{ CI_SERVICES: "temporal-worker" }, ["temporal-worker"]],
    [{ CI_SERVICES: "api,langgraph" }, ["langgraph", "api"]],
    [{ CI_SERVICES: "api\nlanggraph\n" }, ["langgraph", "api"]],
    [{ CI_SERVICES: "", CI_SERVICE_FILTER: " " }, undefined],
  ])("%j selects %j", (env, names) => {
    expect(selected({ env })).toEqual(names);
  });

  test("do not narrow a stack with one image", () => {
    expect(selected({ written: MINIMAL, env: { CI_SERVICES: "web" } })).toBeUndefined();
  });

  test("with unknown names are refused before any other check", () => {
    const wrong = { ...written, registries: [], nonsense: true };
    const { message } = problemsOf({ written: wrong, env: { CI_SERVICES: "web,api,db" } });
    expect(message).toMatch(/^Unknown service\(s\) requested: web, db\n/);
    expect(message).toContain("environment variable CI_SERVICES");
    expect(message).toContain("There are: langgraph, temporal-worker, api");
    expect(message).not.toContain("nonsense");
  });

  test("set tag, platform, arguments, registry and push", () => {
    const config = read({
      written,
      env: {
        CI_REGISTRY: "registry.stage",
        CI_IMAGE_TAG: "2025.11.0",
        CI_IMAGE_PLATFORM: "linux/amd64",
        CI_BUILD_ARGS: "A=1,B=2\nC=3",
        CI_PUSH: "false",
      },
    });
    expect(config).toMatchObject({ version: "2025.11.0", push: false });
    expect(config.registries[0]?.host).toBe("registry.stage");
    for (const image of config.images) {
      expect(image.platforms).toEqual(["linux/amd64"]);
      expect(Object.keys(image.buildArgs)).toEqual(["A", "B", "C"]);
    }
  });

  test("CI_PUSH has to be true or false", () => {
    expect(problemLines({ written, env: { CI_PUSH: "maybe" } })).toEqual([
      'CI_PUSH: "maybe" is not true or false [config-environment]',
    ]);
  });
});
