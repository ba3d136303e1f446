import { describe, expect, it } from "vitest";
import {
  type Environment,
  environmentCredentials,
  isSecretVariable,
  lookUp,
} from "../../../src/settings/environment";
import { ENVIRONMENT } from "../../../src/settings/environment-table";
import { Encrypted } from "../../../src/settings/secrets";
import { MINIMAL, problemLines, read } from "./read-config";

const TWO = {
  registries: [
    { host: "ghcr.io", namespace: "octo", username: "octo" },
    { host: "docker.io", namespace: "octo", optional: true },
  ],
  images: [{ name: "app", platforms: ["linux/amd64"] }],
};

describe("precedence: environment, stack's file, default", () => {
  it("takes the default without a setting", () => {
    const config = read();
    expect(config.images[0]?.platforms).toEqual(["linux/amd64", "linux/arm64"]);
    expect(config.origins).toEqual({});
  });

  it("takes the environment over the stack's file, and reports it as the origin", () => {
    const config = read({
      written: TWO,
      env: { CI_IMAGE_PLATFORM: "linux/s390x, linux/arm64", RELEASE_TAG: "v1.2.3" },
    });
    expect(config.images[0]?.platforms).toEqual(["linux/arm64", "linux/s390x"]);
    expect(config.version).toBe("v1.2.3");
    expect(config.origins).toEqual({
      "images[0].platforms": "environment variable CI_IMAGE_PLATFORM",
      version: "environment variable RELEASE_TAG",
    });
  });

  it("sets another SBOM generator for images that name none", () => {
    const written = {
      ...TWO,
      images: [
        { name: "app" },
        { name: "own", sbom: "ghcr.io/octo/scanner:2" },
        { name: "off", sbom: false },
      ],
    };
    const sbom = (value: string) =>
      read({ written, env: { SLIPWAY_SBOM_GENERATOR: value } }).images.map((image) => image.sbom);
    const own = { generator: "ghcr.io/octo/scanner:2", required: true };
    expect(sbom("mirror.example/scanner")).toEqual([
      { generator: "mirror.example/scanner:latest", required: true },
      own,
      false,
    ]);
    expect(sbom("false")).toEqual([false, own, false]);
  });

  it("takes a build secret and a registry's password from variables instead of encrypted ones", () => {
    const written = {
      registries: [
        { host: "ghcr.io", namespace: "octo" },
        { host: "quay.io:5000", username: "octo", password: new Encrypted() },
      ],
      images: [{ name: "app", secrets: { "npm-token": new Encrypted() } }],
    };
    const env = { BUILD_SECRET_NPM_TOKEN: "s3cret-a", QUAY_IO_5000_PASSWORD: "s3cret-b" };
    const config = read({ written, env });
    expect(config.encrypted).toEqual([]);
    expect(config.images[0]?.secrets["npm-token"]?.reveal()).toBe("s3cret-a");
    expect(config.registries[1]?.password?.reveal()).toBe("s3cret-b");
    expect(JSON.stringify(config)).not.toContain("s3cret");
    expect(Object.keys(env).every(isSecretVariable)).toBe(true);
    expect(read({ written }).encrypted).toHaveLength(2);
  });

  it("ignores an empty variable", () => {
    expect(read({ written: TWO, env: { PLATFORMS: "", RELEASE_TAG: " ", GHCR_TOKEN: "" } }).origins).toEqual(
      {},
    );
  });

  it("takes the prefixed variable over the bare one", () => {
    const config = read({
      written: { ...TWO, envPrefix: "AWL_DOCKER_RELEASE_" },
      env: {
        AWL_DOCKER_RELEASE_PLATFORMS: "linux/arm64",
        CI_IMAGE_PLATFORM: "linux/386",
        RELEASE_TAG: "v0.2.1",
        AWL_DOCKER_RELEASE_DOCKERHUB_USERNAME: "gray",
        AWL_DOCKER_RELEASE_DOCKERHUB_TOKEN: "hub-token",
      },
    });
    expect(config.images[0]?.platforms).toEqual(["linux/arm64"]);
    expect(config.envPrefix).toBe("AWL_DOCKER_RELEASE_");
    expect(config.registries[1]).toMatchObject({ username: "gray" });
    expect(config.registries[1]?.password?.reveal()).toBe("hub-token");
    expect(config.origins).toEqual({
      "images[0].platforms": "environment variable AWL_DOCKER_RELEASE_PLATFORMS",
      version: "environment variable RELEASE_TAG",
      "registries[1].password": "environment variable AWL_DOCKER_RELEASE_DOCKERHUB_TOKEN",
      "registries[1].username": "environment variable AWL_DOCKER_RELEASE_DOCKERHUB_USERNAME",
    });
  });

  it.each([
    ["TAG", "v1.2.3"],
    ["VERSION", "v1.2.3"],
    ["PLATFORMS", "linux/386"],
    ["SERVICES", "web"],
  ])("reads the generic name %s only with the prefix, or if the stack names it", (name, value) => {
    const written = { ...TWO, images: [{ name: "app" }, { name: "web" }] };
    const origins = (settings: object, env: Environment) =>
      Object.values(read({ written: { ...written, ...settings }, env }).origins);
    expect(origins({}, { [name]: value })).toEqual([]);
    expect(origins({ envPrefix: "APP_" }, { [name]: value })).toEqual([]);
    expect(origins({ envPrefix: "APP_" }, { [`APP_${name}`]: value })).toContain(
      `environment variable APP_${name}`,
    );
    expect(origins({ variables: [name] }, { [name]: value })).toContain(`environment variable ${name}`);
  });

  it("has each variable in one row only", () => {
    const variables = ENVIRONMENT.flatMap((row) => row.variables);
    expect(new Set(variables).size).toBe(variables.length);
  });
});

describe("what the variables replace", () => {
  it("IMAGE_REPO: the registries and the image's name", () => {
    const config = read({ written: TWO, env: { IMAGE_REPO: "ghcr.io/acme/tools/aionis" } });
    expect(config.registries).toEqual([
      {
        host: "ghcr.io",
        namespace: "acme/tools",
        username: "octo",
        optional: false,
        plainHttp: false,
        packages: "https://github.com",
      },
    ]);
    expect(config.images.map(({ name }) => name)).toEqual(["aionis"]);
  });

  it("CI_REGISTRY: one registry, with the namespace but no credentials of another host", () => {
    const written = { ...TWO, registries: [{ host: "registry.stage", namespace: "team", username: "ci" }] };
    expect(read({ written, env: { CI_REGISTRY: "localhost:5000" } }).registries).toEqual([
      { host: "localhost:5000", namespace: "team", optional: false, plainHttp: true },
    ]);
    expect(read({ written, env: { CI_REGISTRY: "registry.stage/other" } }).registries).toEqual([
      { host: "registry.stage", namespace: "other", username: "ci", optional: false, plainHttp: false },
    ]);
  });

  it("CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD: CI_REGISTRY's, else the primary's", () => {
    const env = { CI_REGISTRY_USERNAME: "ci", CI_REGISTRY_PASSWORD: "pass" };
    const written = { ...TWO, registries: [{ host: "registry.stage" }, { host: "other.test" }] };
    const [primary, other] = read({ written, env }).registries;
    expect(primary?.password?.reveal()).toBe("pass");
    expect(other?.password).toBeUndefined();
    const moved = read({ written, env: { ...env, CI_REGISTRY: "third.test" } }).registries;
    expect(moved.map(({ host, username }) => ({ host, username }))).toEqual([
      { host: "third.test", username: "ci" },
    ]);
  });

  it("CI_BUILD_ARGS: separated by commas or lines, a bare name from the environment", () => {
    const written = { ...MINIMAL, images: [{ name: "app", buildArgs: { A: "0", KEPT: "1" } }] };
    const config = read({
      written,
      env: { CI_BUILD_ARGS: "A=1,B=x=y\nC=\nHOME_PAGE", HOME_PAGE: "https://x.test" },
    });
    expect(config.images[0]?.buildArgs).toEqual({
      A: { kind: "literal", value: "1" },
      B: { kind: "literal", value: "x=y" },
      C: { kind: "literal", value: "" },
      HOME_PAGE: { kind: "literal", value: "https://x.test" },
      KEPT: { kind: "literal", value: "1" },
    });
  });

  describe("a build argument with latestOf", () => {
    const latestOf = "npm:tool";
    const written = {
      ...MINIMAL,
      envPrefix: "OCTO_",
      images: [{ name: "app", buildArgs: { TOOL_VERSION: { latestOf, pin: "1.0.0" }, MODE: "fast" } }],
      base: { dockerfile: "Dockerfile.base", include: ["rootfs/**"], buildArgs: { BASE_TOOL: { latestOf } } },
      variants: [{ suffix: "" }, { suffix: "-slim", buildArgs: { SLIM_TOOL: { latestOf } } }],
    };
    const pins = (env: Record<string, string>) =>
      Object.fromEntries(
        read({ written, env })
          .images.flatMap(({ buildArgs }) => Object.entries(buildArgs))
          .flatMap(([name, arg]) => (arg.kind === "latest-of" && arg.pin ? [[name, arg.pin]] : [])),
      );

    it.each<[string, Record<string, string>, Record<string, string>]>([
      ["no variable: what is written", {}, { TOOL_VERSION: "1.0.0" }],
      ["an image's", { TOOL_VERSION: "1.4.2" }, { TOOL_VERSION: "1.4.2" }],
      [
        "a variant's, the base's",
        { SLIM_TOOL: "2.0.0-rc.1", BASE_TOOL: " v3.0.0 " },
        { TOOL_VERSION: "1.0.0", SLIM_TOOL: "2.0.0-rc.1", BASE_TOOL: "v3.0.0" },
      ],
      [
        "with the prefix first",
        { OCTO_TOOL_VERSION: "1.5.0", TOOL_VERSION: "1.4.2" },
        { TOOL_VERSION: "1.5.0" },
      ],
      [
        "by CI_BUILD_ARGS",
        { CI_BUILD_ARGS: "TOOL_VERSION=1.4.2,SLIM_TOOL=2.1.0" },
        { TOOL_VERSION: "1.4.2", SLIM_TOOL: "2.1.0" },
      ],
      ["not an argument that is a text", { MODE: "slow" }, { TOOL_VERSION: "1.0.0" }],
    ])("is pinned by the variable of its name: %s", (_what, env, expected) => {
      expect(pins(env)).toEqual(expected);
    });

    const NO_VERSION = "is not a version such as 1.4.2; a tag or range can mean another version later";
    it.each([
      [{ TOOL_VERSION: "latest" }, "images[0].buildArgs.TOOL_VERSION.pin", "latest", "TOOL_VERSION"],
      [{ SLIM_TOOL: "^2.0.0" }, "variants[1].buildArgs.SLIM_TOOL.pin", "^2.0.0", "SLIM_TOOL"],
      [{ OCTO_SLIM_TOOL: "2" }, "variants[1].buildArgs.SLIM_TOOL.pin", "2", "OCTO_SLIM_TOOL"],
      [{ BASE_TOOL: "1.x" }, "base.buildArgs.BASE_TOOL.pin", "1.x", "BASE_TOOL"],
      [{ CI_BUILD_ARGS: "SLIM_TOOL=next" }, "variants[1].buildArgs.SLIM_TOOL.pin", "next", "CI_BUILD_ARGS"],
    ])("cannot be pinned by a value that is not a version: %o", (env, at, value, variable) => {
      expect(problemLines({ written, env })).toEqual([
        `${at}: "${value}" ${NO_VERSION} (from environment variable ${variable}) [config-value]`,
      ]);
    });
  });

  it("RESTORE_CACHES: false removes the caches to read, and keeps those to write", () => {
    const image = { name: "app", cacheFrom: ["type=registry,ref=a.example/c"], cacheTo: ["type=inline"] };
    const written = { ...MINIMAL, images: [image] };
    const caches = (value: string) => read({ written, env: { RESTORE_CACHES: value } }).images[0];
    expect(caches("false")).toMatchObject({ cacheFrom: [], cacheTo: ["type=inline"] });
    expect(caches("true")).toMatchObject({ cacheFrom: image.cacheFrom });
  });

  it("PUBLISH_LATEST: the flavor latest, and no other", () => {
    const written = { ...MINIMAL, images: [{ name: "app", flavor: ["latest=auto", "suffix=-slim"] }] };
    const flavor = (value: string) => read({ written, env: { PUBLISH_LATEST: value } }).images[0]?.flavor;
    expect(flavor("true")).toEqual(["suffix=-slim", "latest=true"]);
    expect(flavor("false")).toEqual(["suffix=-slim", "latest=false"]);
  });

  it("SLIPWAY_REGISTRY_PORT: the port of the embedded registry, and of no other", () => {
    const registries = [
      { host: "localhost:5000" },
      { host: "localhost:5001" },
      { host: "ghcr.io", namespace: "o" },
    ];
    const config = read({ written: { ...MINIMAL, registries }, env: { SLIPWAY_REGISTRY_PORT: "15000" } });
    expect(config.registries.map(({ host }) => host)).toEqual([
      "localhost:15000",
      "localhost:5001",
      "ghcr.io",
    ]);
    expect(config.origins).toEqual({ "registries[0].host": "environment variable SLIPWAY_REGISTRY_PORT" });
  });
});

describe("credentials of the environment", () => {
  const CASES = [
    [
      "GHCR's own pair first",
      "ghcr.io",
      { GHCR_USERNAME: "g", GHCR_TOKEN: "gt", GITHUB_ACTOR: "a", GITHUB_TOKEN: "at" },
      "g:gt",
    ],
    ["the workflow's pair", "ghcr.io", { GITHUB_ACTOR: "a", GITHUB_TOKEN: "at" }, "a:at"],
    ["pairs are not mixed", "ghcr.io", { GHCR_USERNAME: "g", GITHUB_ACTOR: "a", GITHUB_TOKEN: "at" }, "a:at"],
    [
      "a missing name comes from another pair",
      "ghcr.io",
      { GHCR_TOKEN: "gt", GITHUB_ACTOR: "a", GITHUB_TOKEN: "at" },
      "a:gt",
    ],
    [
      "a name without its password goes with another pair's password",
      "ghcr.io",
      { GHCR_USERNAME: "g", GITHUB_TOKEN: "at" },
      "g:at",
    ],
    ["GHCR takes any name with a token", "ghcr.io", { GHCR_TOKEN: "gt" }, "x-access-token:gt"],
    ["a name alone is not enough", "ghcr.io", { GHCR_USERNAME: "g", GITHUB_ACTOR: "a" }, undefined],
    [
      "Docker Hub by any of its names",
      "index.docker.io",
      { DOCKERHUB_USERNAME: "d", DOCKERHUB_TOKEN: "dt" },
      "d:dt",
    ],
    ["Docker Hub requires a name", "docker.io", { DOCKERHUB_TOKEN: "dt" }, undefined],
    [
      "no host gets credentials of another",
      "registry.test",
      { GHCR_TOKEN: "gt", DOCKERHUB_USERNAME: "d", DOCKERHUB_TOKEN: "dt" },
      undefined,
    ],
    ["a host that is named like a property", "constructor", { GHCR_TOKEN: "gt" }, undefined],
    [
      "CI's, for CI's registry",
      "r.test:5000",
      { CI_REGISTRY: "r.test:5000/x", CI_REGISTRY_USERNAME: "c", CI_REGISTRY_PASSWORD: "cp" },
      "c:cp",
    ],
    [
      "CI's, for no other",
      "s.test",
      { CI_REGISTRY: "r.test", CI_REGISTRY_USERNAME: "c", CI_REGISTRY_PASSWORD: "cp" },
      undefined,
    ],
    ["CI's, for no registry", "s.test", { CI_REGISTRY_USERNAME: "c", CI_REGISTRY_PASSWORD: "cp" }, undefined],
  ] as const;

  it.each(CASES)("%s", (_name, host, env, expected) => {
    const found = environmentCredentials(host, env);
    expect(found && `${found.username}:${found.password.reveal()}`).toBe(expected);
  });

  it("uses the stack's name for a token without one", () => {
    const found = environmentCredentials("docker.io", { DOCKERHUB_TOKEN: "dt" }, { username: "octo" });
    expect(found).toMatchObject({ username: "octo", origin: "environment variable DOCKERHUB_TOKEN" });
  });

  it("report their origin, and print no secret", () => {
    const found = environmentCredentials("ghcr.io", { GITHUB_ACTOR: "a", GHCR_TOKEN: "canary" });
    expect(found?.origin).toBe("environment variables GITHUB_ACTOR and GHCR_TOKEN");
    expect(JSON.stringify(found)).not.toContain("canary");
  });

  it("looks prefixed names up first", () => {
    expect(lookUp({ A: "1", P_B: "2" }, ["A", "B"], "P_")).toEqual({ variable: "P_B", value: "2" });
  });
});
