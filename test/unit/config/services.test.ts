import { describe, expect, test } from "vitest";
import { serviceNames } from "../../../config/expand-services";
import { MINIMAL, problemLines, problemsOf, read } from "./read-config";

const SERVICES = { list: "services.list", context: "services/{{name}}", dockerfile: "infra/Dockerfile" };
const LIST = "# fleet\r\n\r\nlanggraph\r\ntemporal-worker # runs jobs\napi";
const written = { registries: MINIMAL.registries, services: SERVICES };
const readFile = (): string => LIST;

describe("services.list", () => {
  test("has one name a line, with comments and any line ends", () => {
    expect(serviceNames(LIST, "services.list")).toEqual({
      names: ["langgraph", "temporal-worker", "api"],
      problems: [],
    });
  });

  test.each([
    ["a\nb\na\n", "services.list:3", '"a" is already on line 1'],
    ["Web\n", "services.list:1", '"Web" is not a service\'s name: lower-case letters, digits and . _ -'],
    [
      "a;rm -rf /\n",
      "services.list:1",
      '"a;rm -rf /" is not a service\'s name: lower-case letters, digits and . _ -',
    ],
    ["# none\n", "services.list:1", "lists no service; write one name a line"],
  ])("%j is refused", (text, path, message) => {
    expect(serviceNames(text, "services.list").problems).toEqual([{ code: "services-list", path, message }]);
  });
});

describe("services", () => {
  test("are images, one each", () => {
    const { images, fleet } = read({ written, readFile });
    expect(fleet).toEqual({ names: ["langgraph", "temporal-worker", "api"] });
    expect(
      images.map(({ name, repository, context, dockerfile, target }) => [
        name,
        repository,
        context,
        dockerfile,
        target,
      ]),
    ).toEqual([
      ["langgraph", "langgraph", "services/langgraph", "../../infra/Dockerfile", "langgraph"],
      [
        "temporal-worker",
        "temporal-worker",
        "services/temporal-worker",
        "../../infra/Dockerfile",
        "temporal-worker",
      ],
      ["api", "api", "services/api", "../../infra/Dockerfile", "api"],
    ]);
    expect(images[0]).toMatchObject({
      labels: "none",
      tags: ["type=ref,event=tag"],
      flavor: ["latest=false"],
    });
  });

  test("get their name as a build argument instead of a stage", () => {
    const { images } = read({ written: { ...written, services: { ...SERVICES, arg: "SERVICE" } }, readFile });
    expect(images[2]).not.toHaveProperty("target");
    expect(images[2]?.buildArgs).toEqual({ SERVICE: { kind: "literal", value: "api" } });
  });

  test("stand beside images, whose names they cannot have", () => {
    expect(read({ written: { ...MINIMAL, services: SERVICES }, readFile }).images).toHaveLength(4);
    expect(
      problemLines({ written: { ...MINIMAL, images: [{ name: "api" }], services: SERVICES }, readFile }),
    ).toEqual(['images[3].name: "api" is also the name at images[0].name [config-duplicate]']);
  });

  test("without their list are refused", () => {
    expect(problemLines({ written })).toEqual([
      'services.list: "services.list" does not exist [services-list]',
    ]);
    expect(problemLines({ written: { ...written, services: { lists: "a" } }, readFile })).toEqual([
      "services.list: is required; expected a text [config-required]",
      "services.lists: is not a setting; did you mean `list`? [config-unknown-key]",
    ]);
  });
});

describe("CI variables", () => {
  const all = { CI_SERVICES: "api", CI_SERVICE_FILTER: "langgraph", SERVICES: "temporal-worker" };

  test.each([
    [all, ["api"]],
    [{ ...all, CI_SERVICES: "" }, ["langgraph"]],
    [{ SERVICES: "temporal-worker" }, ["temporal-worker"]],
    [{ CI_SERVICES: "api,langgraph" }, ["langgraph", "api"]],
    [{ CI_SERVICES: "api\nlanggraph\n" }, ["langgraph", "api"]],
    [{ CI_SERVICES: "", CI_SERVICE_FILTER: " ", SERVICES: "" }, undefined],
  ])("%j selects %j", (env, selected) => {
    expect(read({ written, readFile, env }).fleet?.selected).toEqual(selected);
  });

  test("unknown services are told before anything else", () => {
    const wrong = { ...written, registries: [], nonsense: true };
    const { message } = problemsOf({ written: wrong, readFile, env: { CI_SERVICES: "web,api,db" } });
    expect(message).toMatch(/^Unknown service\(s\) requested: web, db\n/);
    expect(message).toContain("environment variable CI_SERVICES");
    expect(message).toContain("There are: langgraph, temporal-worker, api");
    expect(message).not.toContain("nonsense");
  });

  test("tag, platform, arguments, registry and push", () => {
    const config = read({
      written,
      readFile,
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

  test("CI_PUSH is a yes or a no", () => {
    expect(problemLines({ written, readFile, env: { CI_PUSH: "maybe" } })).toEqual([
      'CI_PUSH: "maybe" is not true or false [config-environment]',
    ]);
  });
});
