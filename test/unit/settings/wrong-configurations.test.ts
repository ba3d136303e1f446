// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of a workflow look like a template's
import { describe, expect, it } from "vitest";
import { PLATFORMS } from "../../../src/settings/grammar";
import { type Input, MINIMAL, problemLines, problemsOf } from "./read-config";

const KNOWN_PLATFORMS = PLATFORMS.join(", ");
const image = (settings: object) => ({ written: { ...MINIMAL, images: [{ name: "app", ...settings }] } });
const registry = (settings: object) => ({
  written: { ...MINIMAL, registries: [{ host: "ghcr.io", namespace: "octo", ...settings }] },
});

const WRONG: readonly (readonly [name: string, input: Input, problems: readonly string[]])[] = [
  [
    "nothing at all",
    { written: {} },
    [
      "registries: is required; expected a list of registries: [{ host: ghcr.io, namespace: octo }] [config-required]",
      "images: is required; expected a list of images: [{ name: app }] [config-required]",
    ],
  ],
  [
    "empty lists",
    { written: { registries: [], images: "[]" } },
    [
      "registries: [] has no entry; name at least one registry [config-value]",
      "images: [] has no entry; name at least one image [config-value]",
    ],
  ],
  [
    "a misspelt setting of an image",
    image({ platfroms: ["linux/amd64"] }),
    ["images[0].platfroms: is not a setting; did you mean `platforms`? [config-unknown-key]"],
  ],
  [
    "a misspelt setting at the top level, and one without a similar name",
    { written: { ...MINIMAL, requiretag: true, colour: "red" } },
    [
      "requiretag: is not a setting; did you mean `requireTag`? [config-unknown-key]",
      "colour: is not a setting [config-unknown-key]",
    ],
  ],
  [
    "unknown platforms",
    image({ platforms: ["linux/arm", "linux/arm64/v8", "beos"] }),
    [
      `images[0].platforms[0]: "linux/arm" is not one of ${KNOWN_PLATFORMS}; did you mean \`linux/arm/v7\`? [config-value]`,
      `images[0].platforms[1]: "linux/arm64/v8" is not one of ${KNOWN_PLATFORMS}; did you mean \`linux/arm64\`? [config-value]`,
      `images[0].platforms[2]: "beos" is not one of ${KNOWN_PLATFORMS} [config-value]`,
    ],
  ],
  [
    "values of the wrong type",
    {
      written: {
        registries: "ghcr.io",
        images: [{ name: 7, tags: "type=sha", provenance: "max" }, null],
        requireTag: "perhaps",
      },
    },
    [
      'requireTag: "perhaps" is not true or false [config-type]',
      'registries: "ghcr.io" is not a list of registries: [{ host: ghcr.io, namespace: octo }] [config-type]',
      "images[0].name: 7 is not a text [config-type]",
      'images[0].tags: "type=sha" is not a list [config-type]',
      'images[0].provenance: "max" is not true or false [config-type]',
      "images[1]: is empty; expected an image: { name: …, context: … } [config-type]",
    ],
  ],
  [
    "flags as YAML 1.1 had them",
    { written: { ...MINIMAL, requireTag: "yes", images: [{ name: "app", sbom: "no", provenance: "Off" }] } },
    [
      'requireTag: "yes" is not true or false; did you mean `true`? [config-type]',
      'images[0].provenance: "Off" is not true or false; did you mean `false`? [config-type]',
      'images[0].sbom: "no" is not the image of an SBOM generator; did you mean `false`? [config-value]',
    ],
  ],
  ...["none", "off", "N", "disabled", "False"].map((sbom): (typeof WRONG)[number] => [
    `sbom: ${sbom}`,
    image({ sbom }),
    [
      `images[0].sbom: "${sbom}" is not the image of an SBOM generator; did you mean \`false\`? [config-value]`,
    ],
  ]),
  [
    "expressions of a workflow",
    image({
      tags: ["type=raw,value=latest,enable=${{ github.ref == format('refs/heads/{0}', 'main') }}"],
      flavor: ["prefix=${{ github.ref_name }}-", "latest=${{ inputs.latest }}"],
    }),
    [
      "images[0].tags[0]: \"type=raw,value=latest,enable=${{ github.ref == format('refs/heads/{0}', 'main') }}\": ${{ github.ref == format('refs/heads/{0}', 'main') }} means something in a workflow file only. Write {{is_default_branch}}, {{branch}}, {{tag}}, {{sha}} or {{input 'name'}}, or compute the entry in index.ts [tag-rule]",
      'images[0].flavor[0]: "prefix=${{ github.ref_name }}-": ${{ github.ref_name }} means something in a workflow file only [config-tag-rule]',
      'images[0].flavor[1]: "latest=${{ inputs.latest }}": ${{ inputs.latest }} means something in a workflow file only [config-tag-rule]',
    ],
  ],
  [
    "hosts and namespaces",
    {
      written: {
        ...MINIMAL,
        registries: [
          { host: "https://ghcr.io/v2", namespace: "octo" },
          { host: "registry.test:99999", namespace: "Octo" },
          { host: "docker.io" },
        ],
      },
    },
    [
      'registries[0].host: "https://ghcr.io/v2" is not a registry\'s host: leave the scheme out (and set plainHttp for http) [config-value]',
      'registries[1].host: "registry.test:99999" is not a registry\'s host, such as ghcr.io or localhost:5000 [config-value]',
      'registries[1].namespace: "Octo" is not a namespace: registries allow lower case only; did you mean `octo`? [config-value]',
      "registries[2].namespace: is required for docker.io; expected the user or organization that owns the images [config-required]",
    ],
  ],
  [
    "repeated registries and names",
    {
      written: {
        registries: [
          { host: "docker.io", namespace: "octo" },
          { host: "index.docker.io", namespace: "octo" },
        ],
        images: [{ name: "app" }, { name: "tool" }, { name: "app" }],
      },
    },
    [
      "registries[1]: docker.io/octo is registries[0] again [config-duplicate]",
      'images[2].name: "app" is also the name at images[0].name [config-duplicate]',
    ],
  ],
  [
    "invalid names of images",
    { written: { ...MINIMAL, images: [{ name: "App" }, { name: "$(id)" }, { name: "a".repeat(251) }] } },
    [
      'images[0].name: "App" is not an image\'s name: registries allow lower case only; did you mean `app`? [config-value]',
      'images[1].name: "$(id)" is not an image\'s name: lower-case letters and digits, with . _ __ - between them and / between parts [config-value]',
      "images[2].name: is too long: namespace and name together may have 255 characters [config-value]",
    ],
  ],
  [
    "paths that lead out of the project",
    {
      written: {
        ...MINIMAL,
        artifacts: "../out",
        images: [
          { name: "a", context: "..", dockerfile: "/etc/passwd" },
          {
            name: "b",
            context: "b",
            dockerfile: "../../Dockerfile",
            buildArgs: { X: { file: "/etc/x.env" } },
          },
          { name: "c", context: "C:\\app" },
        ],
      },
    },
    [
      'images[0].context: ".." leads out of the project [config-value]',
      'images[1].buildArgs.X.file: "/etc/x.env" is an absolute path; it has to be relative [config-value]',
      'images[2].context: "C:\\\\app" is not a path: write / instead of \\, also on Windows [config-value]',
      'artifacts: "../out" leads out of the project [config-value]',
      'images[0].dockerfile: "/etc/passwd" is an absolute path; it has to be relative [config-value]',
      'images[1].dockerfile: "../../Dockerfile" leads out of the project [config-value]',
    ],
  ],
  [
    "named contexts",
    image({
      context: "app",
      contexts: {
        Shared: "../shared",
        scratch: "x",
        "0": "x",
        "a@sha256:1": "x",
        up: "../../x",
        deep: "x/../../../y",
        root: "/srv",
        windows: "..\\x",
        drive: "C:/x",
        nothing: "",
        image: "docker-image://Alpine",
        branch: "https://github.com/octo/x.git#main",
        short: "git@github.com:octo/x.git#0123456",
        head: "ssh://git@github.com/octo/x.git",
        password: `https://me:pw@github.com/octo/x.git#${"0".repeat(40)}`,
        page: "https://example.com/x.tar.gz",
        layout: "oci-layout://x",
        bake: "target:x",
        node: "x",
        "docker.io/library/node:latest": "y",
      },
    }),
    [
      ...["0", "Shared", "scratch", "a@sha256:1"].map(
        (name) =>
          `images[0].contexts${name === "Shared" || name === "scratch" ? `.${name}` : `["${name}"]`}: "${name}" is not a context's name: lower case, as a stage or an image with its tag; not a number or scratch [config-value]`,
      ),
      'images[0].contexts.root: "/srv" is an absolute path; it has to be relative [config-value]',
      'images[0].contexts.windows: "..\\\\x" is not a path: write / instead of \\, also on Windows [config-value]',
      'images[0].contexts.drive: "C:/x" is an absolute path; it has to be relative [config-value]',
      'images[0].contexts.nothing: "" is not a path; the project\'s own folder is `.` [config-value]',
      'images[0].contexts.image: "docker-image://Alpine" is not an image, such as docker-image://alpine:3.20 [config-value]',
      ...["branch", "short", "head", "password"].map(
        (name) =>
          `images[0].contexts.${name}: is not pinned; write it as https://host/repository.git#<commit, 40 hex digits>, optionally with :folder after it, and without a password [config-value]`,
      ),
      "images[0].contexts.page: BuildKit cannot check what it downloads there; use ADD --checksum=sha256:… in the Dockerfile [config-value]",
      ...["oci-layout://x", "target:x"].map(
        (text, index) =>
          `images[0].contexts.${["layout", "bake"][index]}: "${text}" is not a folder, docker-image://… or a Git address with its commit [config-value]`,
      ),
      'images[0].contexts.up: "../../x" leads out of the project [config-value]',
      'images[0].contexts.deep: "x/../../../y" leads out of the project [config-value]',
      'images[0].contexts["docker.io/library/node:latest"]: docker.io/library/node:latest is also the name at images[0].contexts.node [config-duplicate]',
    ],
  ],
  [
    "ssh, network and extra hosts",
    image({
      ssh: ["default", "default=/run/agent.sock", "$(id)"],
      network: "bridge",
      extraHosts: { "a b": "10.0.0.1", db: "10.0.0", "db.local": "db", ok: "::1", gateway: "host-gateway" },
    }),
    [
      ...["default=/run/agent.sock", "$(id)"].map(
        (id, index) =>
          `images[0].ssh[${index + 1}]: "${id}" is not an ssh id: letters, digits and . _ -; keys and sockets come from the ssh agent alone [config-value]`,
      ),
      'images[0].network: "bridge" is not one of default, none, host [config-value]',
      'images[0].extraHosts["a b"]: "a b" is not a host\'s name: letters, digits and . _ - [config-value]',
      'images[0].extraHosts.db: "10.0.0" is not an IP address, nor `host-gateway` for the builder\'s machine [config-value]',
      'images[0].extraHosts.db.local: "db" is not an IP address, nor `host-gateway` for the builder\'s machine [config-value]',
    ],
  ],
  [
    "build arguments",
    image({
      buildArgs: {
        "1ST": "x",
        NODE_VERSION: 1.1,
        EMPTY: null,
        FILE: { flie: "VERSIONS.env" },
        LATEST: { latestOf: "pip:requests" },
        BUILDKIT_ATTEST_SBOM: "generator=x",
      },
    }),
    [
      'images[0].buildArgs["1ST"]: "1ST" is not a build argument\'s name: letters, digits and _ [config-value]',
      "images[0].buildArgs.NODE_VERSION: 1.1 is not a text, a whole number, true, false, { file: … } or { latestOf: npm:… } [config-type]",
      "images[0].buildArgs.EMPTY: is empty; expected a text, a whole number, true, false, { file: … } or { latestOf: npm:… } [config-type]",
      "images[0].buildArgs.FILE.file: is required; expected a text [config-required]",
      "images[0].buildArgs.FILE.flie: is not a setting; did you mean `file`? [config-unknown-key]",
      'images[0].buildArgs.LATEST.latestOf: "pip:requests" is not npm:<package> or npm:<package>@<tag> [config-value]',
      "images[0].buildArgs.BUILDKIT_ATTEST_SBOM: is set by Slipway itself; use the image's `sbom` [config-conflict]",
    ],
  ],
  [
    "empty and repeated rules, labels and platforms",
    image({
      tags: ["  "],
      extraLabels: ["vendor", "a=1", "a=2"],
      platforms: ["linux/amd64", "linux/amd64"],
      labels: "relase",
    }),
    [
      'images[0].tags[0]: "  " is not one line of text with something in it [config-value]',
      'images[0].labels: "relase" is not one of release, none; did you mean `release`? [config-value]',
      'images[0].extraLabels[0]: "vendor" is not a label, key=value: letters, digits and . _ / - in the key, one line [config-value]',
      'images[0].platforms[1]: "linux/amd64" is already at images[0].platforms[0] [config-duplicate]',
      'images[0].extraLabels[2]: "a" is already set at images[0].extraLabels[1] [config-duplicate]',
    ],
  ],
  [
    "a primary registry that may be skipped",
    registry({ optional: true }),
    [
      "registries[0].optional: true is not possible for the first registry, which is the primary [config-conflict]",
    ],
  ],
  [
    "an invalid version and an invalid GitHub repository",
    { written: { ...MINIMAL, version: "v1;rm -rf /", repository: "github.com/octo/app" } },
    [
      'repository: "github.com/octo/app" is not a GitHub repository, owner/name [config-value]',
      "version: \"v1;rm -rf /\" is not a version's or tag's name: letters, digits and . _ + / @ - [config-value]",
    ],
  ],
  [
    "overrides without an image or without a tag",
    { written: { ...MINIMAL, override: ["tool:latest", "app:", "app"] } },
    [
      'override[1]: "app:" is not image:tag [config-value]',
      'override[2]: "app" is not image:tag [config-value]',
      'override[0]: "tool:latest" names no image; there is app [config-value]',
    ],
  ],
  [
    "an invalid builder",
    { written: { ...MINIMAL, builder: { concurrency: 0, nodes: [] } } },
    [
      "builder.concurrency: 0 is less than 1 [config-value]",
      "builder.nodes: is not a setting [config-unknown-key]",
    ],
  ],
  [
    "secrets in plain text",
    {
      written: {
        registries: [{ host: "ghcr.io", namespace: "octo", password: "canary-1" }],
        images: [{ name: "app", secrets: { TOKEN: "canary-2" } }],
      },
    },
    [
      "registries[0].password: is in plain text in the stack's file [config-plain-secret]",
      "images[0].secrets.TOKEN: is in plain text in the stack's file [config-plain-secret]",
    ],
  ],
  [
    "a secret as a build argument",
    {
      written: {
        registries: [{ host: "ghcr.io", namespace: "octo", password: "canary-1" }],
        images: [
          { name: "app", secrets: { TOKEN: "canary-2" }, buildArgs: { A: "canary-1", B: "canary-2" } },
        ],
      },
      secretKeys: ["registries", "images"],
    },
    [
      "images[0].buildArgs.A: holds a secret where everyone can read it: build arguments are in the image's history and provenance [config-secret-build-arg]",
      "images[0].buildArgs.B: holds a secret where everyone can read it: build arguments are in the image's history and provenance [config-secret-build-arg]",
    ],
  ],
  [
    "an encrypted build argument, of which the engine reports only the top-level key",
    { written: { ...MINIMAL, images: [{ name: "app", buildArgs: { A: "x" } }] }, secretKeys: ["images"] },
    [
      "images: holds a secret where everyone can read it: build arguments are in the image's history and provenance [config-secret-build-arg]",
    ],
  ],
  [
    "invalid environment variables",
    {
      env: {
        CI_IMAGE_PLATFORM: "linux/arm",
        RELEASE_TAG: "$(id)",
        PUBLISH_LATEST: "maybe",
        IMAGE_REPO: "HTTP://x",
        CI_BUILD_ARGS: "A=1,NOT_SET",
        SLIPWAY_REGISTRY_PORT: "http",
      },
    },
    [
      'SLIPWAY_REGISTRY_PORT: "http" is not a port [config-environment]',
      'IMAGE_REPO: "HTTP://x" is not a repository, host/namespace/name [config-environment]',
      'CI_BUILD_ARGS: it has "NOT_SET" without a value, and no such variable is set [config-environment]',
      'PUBLISH_LATEST: "maybe" is not true or false [config-environment]',
      "version: \"$(id)\" is not a version's or tag's name: letters, digits and . _ + / @ - (from environment variable RELEASE_TAG) [config-value]",
      `images[0].platforms[0]: "linux/arm" is not one of ${KNOWN_PLATFORMS}; did you mean \`linux/arm/v7\`? (from environment variable CI_IMAGE_PLATFORM) [config-value]`,
    ],
  ],
  [
    "an invalid image tag in CI_IMAGE_TAG",
    { written: MINIMAL, env: { CI_IMAGE_TAG: "release/7" } },
    [
      'CI_IMAGE_TAG: "release/7" is no image\'s tag: at most 128 of A-Z a-z 0-9 . _ -, and neither "." nor "-" first [config-environment]',
    ],
  ],
  [
    "one repository for two images",
    {
      written: { ...MINIMAL, images: [{ name: "a" }, { name: "b" }] },
      env: { IMAGE_REPO: "ghcr.io/octo/app" },
    },
    ['IMAGE_REPO: "ghcr.io/octo/app" names one repository, but the stack has 2 images [config-environment]'],
  ],
];

describe("wrong configurations, every problem at once", () => {
  it.each(WRONG)("%s", (_name, input, problems) => {
    expect(problemLines(input)).toEqual(problems);
  });
});

it("shows how to write a pasted text as a list", () => {
  const error = problemsOf(
    image({ tags: "type=semver,pattern={{version}}\n# every commit\n\n  type=sha\n" }),
  );
  expect(error.message).toContain(
    [
      " is not a list [config-type]",
      "    Write a list, without `|`:",
      "    - type=semver,pattern={{version}}",
      "    # every commit",
      "    - type=sha",
    ].join("\n"),
  );
  expect(problemsOf(image({ tags: "type=sha" })).message).toContain("Write a list:\n    - type=sha");
});

it("reports all problems in one text, with hints", () => {
  const error = problemsOf(image({ platfroms: [], buildArgs: { NODE_VERSION: 1.1 } }));
  expect(error.message).toBe(
    [
      "The configuration has 2 problems:",
      "  images[0].buildArgs.NODE_VERSION: 1.1 is not a text, a whole number, true, false, { file: … } or { latestOf: npm:… } [config-type]",
      '    Write it in quotes: "1.1"',
      "  images[0].platfroms: is not a setting; did you mean `platforms`? [config-unknown-key]",
      "    Settings here: attestations, base, buildArgs, cacheFrom, cacheTo, context, contexts, description, dockerfile, extraHosts, extraLabels, flavor, labels, name, network, platforms, provenance, repository, salt, sbom, secrets, ssh, tags, target",
    ].join("\n"),
  );
});

describe("secrets stay out of messages", () => {
  const canary = "canary-Zm9v";

  it.each<[string, Input]>([
    ["a password of a wrong type", registry({ password: { nested: canary } })],
    [
      "a value under a key that holds a secret",
      { ...registry({ host: `${canary}!` }), secretKeys: ["registries"] },
    ],
    [
      "a secret that is repeated as a name",
      {
        written: { ...MINIMAL, images: [{ name: "app", secrets: { T: canary }, target: `${canary} x` }] },
        secretKeys: [],
      },
    ],
    [
      "a token of the environment that is also a key",
      { ...registry({ [canary]: true }), env: { GHCR_TOKEN: canary } },
    ],
    [
      "a suggestion made of a hidden value",
      { ...registry({ namespace: canary }), secretKeys: ["registries"] },
    ],
    ["a secret list", { written: { ...MINIMAL, images: `[{"name":"app","secrets":["${canary}"]}]` } }],
  ])("%s", (_name, input) => {
    expect(problemsOf(input).message.toLowerCase()).not.toContain(canary.toLowerCase());
    expect(JSON.stringify(problemsOf(input).problems)).not.toContain(canary);
  });
});
