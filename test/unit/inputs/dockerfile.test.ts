// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a Dockerfile's variables look like a template's
import { describe, expect, it } from "vitest";
import { contextUse, type DockerfileInput, readDockerfileImages } from "../../../src/inputs/dockerfile";

const DIGEST = `sha256:${"0".repeat(64)}`;

function read(dockerfile: string, input: Partial<DockerfileInput> = {}) {
  const { images, problems } = readDockerfileImages({
    dockerfile,
    buildArgs: {},
    platforms: ["linux/amd64", "linux/arm64"],
    path: "images[0].dockerfile",
    ...input,
  });
  return {
    images: images.map(({ text }) => text),
    problems: problems.map(({ message, code }) => `${message} [${code}]`),
  };
}

const images = (dockerfile: string, input?: Partial<DockerfileInput>) => {
  const answer = read(dockerfile, input);
  expect(answer.problems).toEqual([]);
  return answer.images;
};

describe("the images that a Dockerfile needs", () => {
  it.each([
    ["FROM scratch", []],
    ["FROM node", ["docker.io/library/node:latest"]],
    ["FROM node:22 AS build", ["docker.io/library/node:22"]],
    ["from ghcr.io/octo/base:1", ["ghcr.io/octo/base:1"]],
    [`FROM node:22@${DIGEST}`, [`docker.io/library/node:22@${DIGEST}`]],
    [`FROM localhost:5000/x@${DIGEST}`, [`localhost:5000/x@${DIGEST}`]],
    ["FROM --platform=$BUILDPLATFORM node:22", ["docker.io/library/node:22"]],
    ["# syntax=docker/dockerfile:1.7\nFROM scratch", ["docker.io/docker/dockerfile:1.7"]],
    ["ARG V=22\nFROM node:$V", ["docker.io/library/node:22"]],
    ["ARG V=22\nARG FULL=node:${V}-slim\nFROM ${FULL}", ["docker.io/library/node:22-slim"]],
    ["ARG V\nFROM node:${V:-20}", ["docker.io/library/node:20"]],
    ["ARG V=22\nFROM node:22${V:+-slim}", ["docker.io/library/node:22-slim"]],
    ['ARG V="22"\nFROM "node:${V}"', ["docker.io/library/node:22"]],
    ["ARG S\nFROM node:22$S", ["docker.io/library/node:22"]],
    ["ARG A=x\nFROM ${B:-${A}}/y:1", ["docker.io/x/y:1"]],
    ["FROM a AS one\nFROM ONE AS two\nFROM two", ["docker.io/library/a:latest"]],
    ["FROM scratch\nCOPY --from=busybox:1 --chmod=755 \\\n  /bin/sh /sh", ["docker.io/library/busybox:1"]],
    [
      "FROM a AS one\nFROM scratch\nCOPY --from=one /x /x\nCOPY --from=0 /y /y",
      ["docker.io/library/a:latest"],
    ],
    [
      "FROM scratch\nRUN --mount=type=bind,from=alpine:3,target=/x --mount=type=cache,target=/y true",
      ["docker.io/library/alpine:3"],
    ],
    ["FROM scratch\nRUN <<EOF\nFROM hidden\nCOPY --from=hidden a b\nEOF\n", []],
    ["FROM scratch\nONBUILD COPY --from=later /a /b", []],
  ])("%j", (dockerfile, expected) => {
    expect(images(dockerfile)).toEqual(expected);
  });

  it.each([
    ["v1.22.3", "${V#v}", "1.22.3"],
    ["v1.22.3", "${V%.*}", "v1.22"],
    ["v1.22.3", "${V%%.*}", "v1"],
    ["v1.22.3", "${V#*.}", "22.3"],
    ["v1.22.3", "${V##*.}", "3"],
    ["v1.22.3", "${V#x}", "v1.22.3"],
    ["v1.22.3", "${V%.?}", "v1.22"],
    ["3_12_1", "${V/_/.}", "3.12_1"],
    ["3_12_1", "${V//_/.}", "3.12.1"],
    ["3_12_1", "${V//_/}", "3121"],
    ["3_12_1", "${V/_*/}", "3"],
    ["1+2", "${V/+/-}", "1-2"],
    ["a/b", "${V/\\//-}", "a-b"],
    ["1*2", "${V/\\*/-}", "1-2"],
    ["1.2", "${V%${S:-.2}}", "1"],
  ])("are expanded as BuildKit does: %s by %s", (value, word, tag) => {
    expect(images(`ARG V=${value}\nARG S\nFROM node:x${word}`)).toEqual([`docker.io/library/node:x${tag}`]);
  });

  it("are refused for an escape that BuildKit refuses, and an argument without a value", () => {
    expect(read("ARG V=1\nFROM node:${V#\\d}").problems[0]).toContain("an escape that BuildKit refuses");
    expect(read("FROM node:${V#v}").problems[0]).toContain("has no value");
  });

  it.each([
    ["FROM shared", {}, []],
    ["FROM shared:latest\nCOPY --from=git / /", {}, []],
    ["FROM node:22", {}, []],
    ["ARG V=22\nFROM node:$V", {}, []],
    ["FROM node:23", {}, ["node:23"]],
    ["FROM scratch\nRUN --mount=from=shared,target=/s true", {}, []],
    ["FROM b AS Shared\nCOPY --from=c / /\nFROM shared", {}, []],
    ["FROM b AS shared\nCOPY --from=c / /", {}, []],
    ["FROM b AS shared\nFROM scratch\nCOPY --from=0 / /", {}, []],
    ["FROM b AS other\nFROM other\nCOPY --from=shared / /", {}, ["b:latest"]],
    [
      "FROM tools\nCOPY --from=shared / /",
      { tools: { kind: "image", reference: "docker.io/library/alpine:3.20" } },
      ["alpine:3.20"],
    ],
    [
      "FROM scratch",
      { tools: { kind: "image", reference: "docker.io/library/alpine:3.20" } },
      ["alpine:3.20"],
    ],
  ] as const)(
    "do not include a named context that is a folder or Git: %j with %j",
    (dockerfile, more, expected) => {
      const contexts = {
        shared: { kind: "folder", path: "shared" },
        git: { kind: "git", address: `https://github.com/octo/x.git#${"0".repeat(40)}` },
        "node:22": { kind: "folder", path: "node" },
        ...more,
      } as const;
      expect(images(dockerfile, { contexts })).toEqual(expected.map((name) => `docker.io/library/${name}`));
    },
  );

  it("have platforms if they are named contexts", () => {
    const { platforms } = readDockerfileImages({
      dockerfile: "FROM tools",
      buildArgs: {},
      platforms: ["linux/amd64"],
      contexts: { tools: { kind: "image", reference: "docker.io/library/alpine:3.20" } },
      path: "dockerfile",
    });
    expect(platforms).toEqual({ "docker.io/library/alpine:3.20": ["linux/amd64"] });
  });

  it.each([
    ["FROM a:1", { "a:1": ["linux/amd64", "linux/arm64"] }],
    ["FROM --platform=$TARGETPLATFORM a:1", { "a:1": ["linux/amd64", "linux/arm64"] }],
    ["FROM --platform=linux/amd64 a:1", { "a:1": ["linux/amd64"] }],
    ["FROM --platform=linux/${TARGETARCH} a:1", { "a:1": ["linux/amd64", "linux/arm64"] }],
    [
      "FROM --platform=$BUILDPLATFORM a:1 AS x\nFROM b:1\nCOPY --from=x / /",
      { "b:1": ["linux/amd64", "linux/arm64"] },
    ],
    ["FROM --platform=${BUILDPLATFORM} a:1", {}],
    ["FROM a:1 AS unused\nFROM scratch\nCOPY --from=c:1 / /", {}],
    [
      "FROM a:1 AS s-amd64\nFROM b:1 AS s-arm64\nFROM s-$TARGETARCH",
      { "a:1": ["linux/amd64"], "b:1": ["linux/arm64"] },
    ],
  ])("have the platforms that FROM needs them for: %j", (dockerfile, expected) => {
    const { platforms } = readDockerfileImages({
      ...{ dockerfile, buildArgs: {}, platforms: ["linux/amd64", "linux/arm64"], path: "dockerfile" },
    });
    const library = Object.entries(expected).map(([name, of]) => [`docker.io/library/${name}`, of]);
    expect(platforms).toEqual(Object.fromEntries(library));
  });

  it("depend on the platform of the machine that builds", () => {
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    const dockerfile = "FROM a AS tools-amd64\nFROM b AS tools-arm64\nFROM tools-${BUILDARCH}";
    expect(images(dockerfile)).toEqual([`docker.io/library/${arch === "amd64" ? "a" : "b"}:latest`]);
    expect(images("FROM x:${BUILDOS}-$BUILDARCH$BUILDVARIANT")).toEqual([
      `docker.io/library/x:linux-${arch}`,
    ]);
    expect(images("ARG P=${BUILDPLATFORM#linux/}\nFROM x:$P")).toEqual([`docker.io/library/x:${arch}`]);
  });

  it("depend on build arguments before defaults, if they are declared", () => {
    expect(images("ARG V=22\nFROM node:$V", { buildArgs: { V: "24" } })).toEqual([
      "docker.io/library/node:24",
    ]);
    expect(read("FROM node:$V", { buildArgs: { V: "24" } }).images).toEqual([]);
  });

  it("include the frontend that BUILDKIT_SYNTAX names", () => {
    const dockerfile = "# syntax=docker/dockerfile:1\nFROM scratch";
    expect(images(dockerfile, { buildArgs: { BUILDKIT_SYNTAX: "ghcr.io/x/y:2" } })).toEqual([
      "ghcr.io/x/y:2",
    ]);
  });

  const STAGES = "FROM a AS base\nFROM b AS test\nFROM base AS build\nCOPY --from=c /x /x\nFROM d AS last";

  it("are those of stages that the target reaches", () => {
    expect(images(STAGES)).toEqual(["docker.io/library/d:latest"]);
    expect(images(STAGES, { target: "BUILD" })).toEqual([
      "docker.io/library/a:latest",
      "docker.io/library/c:latest",
    ]);
    expect(images(STAGES, { target: "1" })).toEqual(["docker.io/library/b:latest"]);
  });

  it("depend on the platforms if those choose stages", () => {
    const dockerfile =
      "FROM a AS base-amd64\nFROM b AS base-arm64\nFROM c AS base-s390x\nFROM base-${TARGETARCH}";
    expect(images(dockerfile)).toEqual(["docker.io/library/a:latest", "docker.io/library/b:latest"]);
    expect(images(dockerfile, { platforms: ["linux/s390x"] })).toEqual(["docker.io/library/c:latest"]);
  });

  it("are given as references", () => {
    const input = {
      dockerfile: "FROM scratch\nCOPY --from=x:1 /a /a",
      buildArgs: {},
      platforms: ["linux/amd64"],
      path: "p",
    };
    expect(readDockerfileImages(input).images).toEqual([
      {
        host: "docker.io",
        path: "library/x",
        tag: "1",
        text: "docker.io/library/x:1",
      },
    ]);
  });
});

describe("a Dockerfile is refused", () => {
  it.each([
    ["# nothing", ["has no FROM line [dockerfile-no-stage]"]],
    ["FROM node:$V", ['line 1: FROM: "$V" has no value [dockerfile-variable]']],
    ["ARG V\nFROM $V", ['line 2: FROM: "" is not an image [dockerfile-reference]']],
    ["ARG V=${X}\nFROM node:${V}", ['line 2: FROM: "${V}" has no value [dockerfile-variable]']],
    [
      "ARG V=1.2\nFROM node:${V^^}",
      ['line 2: FROM: "${V^^}" uses a form that Slipway cannot resolve [dockerfile-variable]'],
    ],
    ["FROM node:${V:?wanted}", ['line 1: FROM: "${V:?wanted}" has no value: wanted [dockerfile-variable]']],
    ["FROM Node:22", ['line 1: FROM: "Node:22" is not an image [dockerfile-reference]']],
    [
      "ARG V=1\nFROM scratch\nCOPY --from=x:$V /a /a",
      [
        'line 3: COPY --from: "x:$V": variables have no effect here; name a stage that is made FROM it [dockerfile-variable]',
      ],
    ],
    [
      "FROM scratch\nCOPY --from=3 /a /a",
      ["line 2: COPY --from: there is no earlier stage 3 [dockerfile-reference]"],
    ],
  ])("%j", (dockerfile, problems) => {
    expect(read(dockerfile).problems).toEqual(problems);
  });

  it("names the stages if the target is not one of them", () => {
    expect(read("FROM a AS one\nFROM b AS two", { target: "three" }).problems).toEqual([
      'has no stage "three"; the stages are one, two [dockerfile-target]',
    ]);
  });
});

describe("what a Dockerfile reads from its context", () => {
  it.each<[string, boolean, boolean]>([
    // reads .git/HEAD; names something below .git
    ["COPY src /src", false, false],
    ["COPY . /app", true, true],
    ["copy --chown=1:1 ./ ./", true, true],
    ["COPY * /app/", true, true],
    ["COPY ?git /app/", true, true],
    ["COPY *.txt a?t /app/", false, false],
    ["COPY [a-z]x /app/", true, true],
    ["COPY [.a]git /app/", true, true],
    ["COPY --parents ./**/HEAD /app/", true, true],
    ["COPY --parents src/**/HEAD /app/", false, false],
    ["COPY $DIR /app", true, true],
    ["COPY .git/HEAD /app/", true, true],
    ["COPY .git/refs /app/", false, true],
    ["COPY /../.git/ /app/", true, true],
    ["COPY .gitignore .github /app/", false, false],
    ['COPY ["a b", ".git/HEAD", "/app/"]', true, true],
    ['COPY ["a b", "c", "/app/"]', false, false],
    ["COPY [broken /app/", true, true],
    ["ADD --link .git \\\n  /git", true, true],
    ["ADD https://github.com/octo/app.git /app", false, false],
    ["COPY <<EOF /app/x\n. /y\nEOF", false, false],
    ["COPY --from=build . /app", false, false],
    ["ONBUILD COPY . /app", false, false],
    ["RUN git describe", false, false],
    ["RUN --mount=type=bind,source=.git,target=.git git describe", true, true],
    ["RUN --mount=source=.git/HEAD,target=/head cat /head", true, true],
    ["RUN --mount=target=/src make", true, true],
    ["RUN --mount=type=bind,src=src,target=/src make", false, false],
    ["RUN --mount=type=bind,from=build,target=/src make", false, false],
    ["RUN --mount=type=cache,target=/c --mount=type=secret,id=x make", false, false],
    ["# syntax=docker/dockerfile:1.7-labs", false, false],
    ["# syntax=octo/frontend", true, true],
  ])("%s", (line, reads, below) => {
    const use = contextUse(line.startsWith("#") ? `${line}\nFROM scratch\n` : `FROM scratch\n${line}\n`);
    expect([use.reads(".git/HEAD"), use.readsBelow(".git")]).toEqual([reads, below]);
  });
});
