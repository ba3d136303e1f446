import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../../../src/plan/policy/policy-config";
import { Encrypted } from "../../../src/settings/secrets";
import { MINIMAL, problemLines, read } from "./read-config";

const IMAGE = {
  at: "images[0]",
  name: "app",
  context: ".",
  dockerfile: "Dockerfile",
  platforms: ["linux/amd64", "linux/arm64"],
  buildArgs: {},
  tags: [
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=semver,pattern={{major}}",
    "type=sha",
  ],
  flavor: [],
  labels: "release",
  extraLabels: [],
  provenance: true,
  repository: "app",
  sbom: { generator: "docker.io/docker/buildkit-syft-scanner:stable-1", required: false },
  attestations: "index",
  cacheFrom: [],
  cacheTo: [],
  secrets: {},
};

describe("what is read", () => {
  it("gives every default", () => {
    expect(read()).toEqual({
      adopt: [],
      lanes: [],
      only: [],
      checks: [],
      requireTag: false,
      policy: DEFAULT_POLICY,
      sign: { mode: "key", trusted: [] },
      registries: [
        {
          host: "ghcr.io",
          namespace: "octo",
          optional: false,
          plainHttp: false,
          packages: "https://github.com",
        },
      ],
      images: [IMAGE],
      builder: {},
      push: true,
      override: [],
      root: ".",
      artifacts: "artifacts",
      origins: {},
      encrypted: [],
    });
  });

  it("takes the texts that the engine passes", () => {
    const config = read({
      written: {
        registries: JSON.stringify(MINIMAL.registries),
        images: JSON.stringify([{ name: "app", buildArgs: { N: 22, B: true, S: "1.10" } }]),
        requireTag: "true",
        version: "147",
        artifacts: "out",
        builder: '{"name":"remote","concurrency":2}',
      },
    });
    expect(config).toMatchObject({ requireTag: true, version: "147", artifacts: "out" });
    expect(config.builder).toEqual({ name: "remote", concurrency: 2 });
    expect(config.images[0]?.buildArgs).toEqual({
      B: { kind: "literal", value: "true" },
      N: { kind: "literal", value: "22" },
      S: { kind: "literal", value: "1.10" },
    });
  });

  it("takes a number that YAML makes of a text", () => {
    expect(read({ written: { ...MINIMAL, version: 147 } }).version).toBe("147");
  });

  it("normalises named contexts, ssh and extra hosts", () => {
    const commit = "0".repeat(40);
    const git = [`https://github.com/octo/x.git#${commit}:src/lib`, `git@github.com:octo/x.git#${commit}`];
    const contexts = {
      beside: "../shared/",
      below: "lib",
      itself: "..",
      "node:22": "docker-image://ghcr.io/octo/node",
      https: git[0],
      ssh: git[1],
    };
    const [image] = read({
      written: {
        ...MINIMAL,
        images: [
          {
            ...{ name: "app", context: "app", contexts, ssh: ["git", "default", "git"], network: "none" },
            extraHosts: { b: "::1", a: "host-gateway" },
          },
        ],
      },
    }).images;
    expect(image).toMatchObject({ ssh: ["default", "git"], network: "none" });
    expect(Object.entries(image?.extraHosts ?? {})).toEqual([
      ["a", "host-gateway"],
      ["b", "::1"],
    ]);
    expect(image?.contexts).toEqual({
      beside: { kind: "folder", path: "shared" },
      below: { kind: "folder", path: "app/lib" },
      itself: { kind: "folder", path: "." },
      "node:22": { kind: "image", reference: "ghcr.io/octo/node:latest" },
      https: { kind: "git", address: git[0] },
      ssh: { kind: "git", address: git[1] },
    });
  });

  it("normalises hosts, platforms, build arguments and the SBOM generator", () => {
    const config = read({
      written: {
        registries: [
          { host: "Index.Docker.IO", namespace: "octo" },
          { host: "127.0.0.1:5000" },
          { host: "[::1]:5000" },
          { host: "localhost:5000", plainHttp: false },
          { host: "r.test", plainHttp: true },
        ],
        images: [
          {
            name: "app",
            platforms: ["linux/s390x", "linux/386"],
            sbom: true,
            dockerfile: "../docker/app.Dockerfile",
            context: "src",
            buildArgs: {
              B: { file: "V.env" },
              A: { file: "V.env", key: "X" },
              C: { latestOf: "npm:@octo/x@next" },
            },
          },
        ],
      },
    });
    expect(config.registries.map(({ host, plainHttp }) => [host, plainHttp])).toEqual([
      ["docker.io", false],
      ["127.0.0.1:5000", true],
      ["[::1]:5000", true],
      ["localhost:5000", false],
      ["r.test", true],
    ]);
    expect(config.images[0]?.platforms).toEqual(["linux/386", "linux/s390x"]);
    expect(config.images[0]?.sbom).toEqual({
      generator: "docker.io/docker/buildkit-syft-scanner:stable-1",
      required: false,
    });
    expect(config.images[0]?.buildArgs).toEqual({
      A: { kind: "file", file: "V.env", key: "X" },
      B: { kind: "file", file: "V.env", key: "B" },
      C: { kind: "latest-of", source: "npm:@octo/x@next" },
    });
  });

  it("wraps secrets that the engine decrypted", () => {
    const config = read({
      written: {
        registries: [{ host: "ghcr.io", namespace: "octo", username: "octo", password: "canary-1" }],
        images: [{ name: "app", secrets: { TOKEN: "canary-2" } }],
      },
      secretKeys: ["registries", "images"],
    });
    expect(config.registries[0]?.password?.reveal()).toBe("canary-1");
    expect(config.images[0]?.secrets.TOKEN?.reveal()).toBe("canary-2");
    expect(JSON.stringify(config)).not.toContain("canary");
  });

  it("allows a plain password for a registry on this machine", () => {
    const registries = [{ host: "localhost:5000", username: "test", password: "test-password" }];
    expect(read({ written: { ...MINIMAL, registries } }).registries[0]?.password?.reveal()).toBe(
      "test-password",
    );
  });
});

describe("encrypted values, read without the engine", () => {
  it("are known as secrets without a value", () => {
    const config = read({
      written: {
        registries: [{ host: "ghcr.io", namespace: "octo", password: new Encrypted() }],
        images: [{ name: "app", secrets: { TOKEN: new Encrypted() } }],
      },
      secretKeys: ["registries", "images"],
    });
    expect(config.registries[0]?.password).toBeUndefined();
    expect(Object.keys(config.images[0]?.secrets ?? {})).toEqual(["TOKEN"]);
    expect(config.encrypted).toEqual(["images[0].secrets.TOKEN", "registries[0].password"]);
  });

  it("are replaced by the environment's password", () => {
    const registries = [{ host: "ghcr.io", namespace: "octo", password: new Encrypted() }];
    const config = read({
      written: { ...MINIMAL, registries },
      env: { GHCR_TOKEN: "t" },
      secretKeys: ["registries"],
    });
    expect(config.registries[0]?.password?.reveal()).toBe("t");
    expect(config.encrypted).toEqual([]);
  });

  it("are refused where the value has to be known, or would be public", () => {
    const written = {
      registries: new Encrypted(),
      images: [{ name: new Encrypted(), buildArgs: { A: new Encrypted() }, labels: new Encrypted() }],
    };
    expect(problemLines({ written, secretKeys: ["registries", "images"] })).toEqual([
      "registries: is encrypted, and only the engine can read it [config-encrypted]",
      "images[0].name: is encrypted, and only the engine can read it [config-encrypted]",
      "images[0].labels: is encrypted, and only the engine can read it [config-encrypted]",
      "images[0].buildArgs.A: holds a secret where everyone can read it: build arguments are in the image's history and provenance [config-secret-build-arg]",
    ]);
  });
});
