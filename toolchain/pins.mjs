// Every part of the toolchain and its exact version. To bump one: README.md, "Bumping a pin".

/** @typedef {import('./paths.mjs').Platform} Platform */

/**
 * @typedef {object} Download an official release file
 * @property {string} url
 * @property {string} checksums the publisher's list of SHA-256 sums or in-toto subjects, for `npm run sums`
 * @property {'archive' | 'binary'} kind
 * @property {Record<string, string>} members binary's name -> its path in the archive
 *
 * @typedef {object} GoBuild
 * @property {string} module folder below toolchain/go with the pinned go.mod and go.sum
 * @property {Record<string, string>} packages binary's name -> Go package
 * @property {string} [ldflags]
 * @property {Record<string, string>} [env] of the build
 * @property {string[]} [flags] passed to every binary at every start
 *
 * @typedef {object} Wheel a Python wheel whose `scripts` are programs of their own
 * @property {string} project its name on PyPI
 * @property {Record<string, { tag: string, sha256: string }>} files platform -> the wheel's platform tag and hash
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} version
 * @property {string} minimum the oldest version on the machine that is used (same major version)
 * @property {string[]} bins the first one prints its version
 * @property {string[]} versionArgs
 * @property {{ kind: string, name: string }} [plugin] a Pulumi plugin: installed below PULUMI_HOME, not on the PATH
 * @property {Platform['os'][]} [only] the systems on which the part exists
 * @property {string} needs what the user can install instead, for errors
 * @property {(platform: Platform) => Download | undefined} download
 * @property {GoBuild[]} go
 * @property {Wheel} [wheel]
 */

const pulumiVersion = "3.259.0";
const dockerBuildVersion = "0.0.22";
const githubVersion = "6.15.0";
const buildkitVersion = "0.31.1";
const runcVersion = "1.4.0";
const registryVersion = "3.1.2";
const craneVersion = "0.22.1";
const buildxVersion = "0.35.0";
const regctlVersion = "0.11.5";
const cosignVersion = "3.1.3";
const olaregVersion = "0.2.2";
const actionlintVersion = "1.7.12";
const zizmorVersion = "1.32.0";
const mobyVersion = "2.0.0-beta.24";
const dockerVersion = "5.2.0";

/** The image of the same BuildKit, for machines with a Docker engine. */
export const buildkitImage = `moby/buildkit:v${buildkitVersion}@sha256:6b59b7df63a8cb9902736f9ddf7fcff8261613d3e7449b8ea8b7537fc399c03a`;
/** The image of the same registry, for Docker Desktop. */
export const registryImage = `registry:${registryVersion}@sha256:ddf754342cfc8acc51a56d5d0ab6af06826461864460636d8bd5c546dab2a7b8`;

/**
 * A file of a release on GitHub.
 * @param {string} project owner/name @param {string} version @param {string} file @param {string} checksums
 * @param {Record<string, string>} members @returns {Download}
 */
function release(project, version, file, checksums, members) {
  const base = `https://github.com/${project}/releases/download/v${version}`;
  const kind = /\.(?:tar\.gz|zip)$/.test(file) ? "archive" : "binary";
  return { url: `${base}/${file}`, checksums: `${base}/${checksums}`, kind, members };
}

/**
 * A program of one Go module.
 * @param {string} name of the program and of its folder below toolchain/go @param {string} source its Go package
 * @param {string} [ldflags] @returns {GoBuild[]}
 */
const goProgram = (name, source, ldflags) => [{ module: name, packages: { [name]: source }, ldflags }];

/**
 * A Pulumi provider, released by Pulumi on GitHub.
 * @param {string} name @param {string} version @param {string} source its Go package @param {string} versionVariable
 * @returns {Part}
 */
function pulumiProvider(name, version, source, versionVariable) {
  const bin = `pulumi-resource-${name}`;
  return {
    name,
    version,
    minimum: version,
    bins: [bin],
    versionArgs: [],
    plugin: { kind: "resource", name },
    needs: `run \`pulumi plugin install resource ${name} ${version}\``,
    download: ({ os, arch, exe }) => {
      const file = `${bin}-v${version}-${os}-${arch}.tar.gz`;
      const checksums = `pulumi-${name}_${version}_checksums.txt`;
      return release(`pulumi/pulumi-${name}`, version, file, checksums, { [bin]: `${bin}${exe}` });
    },
    go: goProgram(bin, source, `-X ${versionVariable}=${version}`),
  };
}

/** @type {Part[]} */
export const parts = [
  {
    name: "pulumi",
    version: pulumiVersion,
    minimum: pulumiVersion,
    // The official archive also contains the Node.js language host, which the engine finds beside itself.
    bins: ["pulumi", "pulumi-language-nodejs"],
    versionArgs: ["version"],
    needs: "install the Pulumi CLI (https://www.pulumi.com/docs/install/)",
    download: ({ os, arch, exe }) => {
      const file = `pulumi-v${pulumiVersion}-${os}-${arch === "amd64" ? "x64" : arch}`;
      const folder = os === "windows" ? "pulumi/bin" : "pulumi";
      return {
        url: `https://get.pulumi.com/releases/sdk/${file}.${os === "windows" ? "zip" : "tar.gz"}`,
        checksums: `https://get.pulumi.com/releases/sdk/pulumi-${pulumiVersion}-checksums.txt`,
        kind: "archive",
        members: {
          pulumi: `${folder}/pulumi${exe}`,
          "pulumi-language-nodejs": `${folder}/pulumi-language-nodejs${exe}`,
        },
      };
    },
    go: [
      ...goProgram(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion}`,
      ),
      {
        module: "pulumi-language-nodejs",
        packages: {
          "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        },
        // This old host gets a project's options as flags, which today's engine no longer passes. Without this flag, it
        // checks the types of the bundled program at every preview.
        flags: ["-typescript=false"],
      },
    ],
  },
  pulumiProvider(
    "docker-build",
    dockerBuildVersion,
    "github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
    "github.com/pulumi/pulumi-docker-build/provider.Version",
  ),
  // No Go module has the official main package. Ours bridges the same upstream provider.
  pulumiProvider("github", githubVersion, ".", "main.version"),
  {
    name: "registry",
    version: registryVersion,
    minimum: registryVersion,
    bins: ["registry"],
    versionArgs: ["--version"],
    needs: "install the CNCF distribution registry (https://distribution.github.io/distribution/)",
    download: ({ os, arch }) => {
      // The project publishes binaries for Linux only.
      if (os !== "linux") return undefined;
      const file = `registry_${registryVersion}_linux_${arch}.tar.gz`;
      const members = { registry: "registry" };
      return release("distribution/distribution", registryVersion, file, `${file}.sha256`, members);
    },
    go: [
      {
        module: "registry",
        packages: { registry: "github.com/distribution/distribution/v3/cmd/registry" },
        // Static, like the official one, because it runs in an image without a base.
        env: { CGO_ENABLED: "0" },
      },
    ],
  },
  {
    name: "buildkit",
    version: buildkitVersion,
    minimum: buildkitVersion,
    bins: ["buildkitd", "buildctl"],
    versionArgs: ["--version"],
    only: ["linux"],
    needs: "start a Docker engine, or set SLIPWAY_BUILDKIT_HOST to the address of a BuildKit of yours",
    download: ({ arch }) => {
      const file = `buildkit-v${buildkitVersion}.linux-${arch}`;
      const members = { buildkitd: "bin/buildkitd", buildctl: "bin/buildctl" };
      return release("moby/buildkit", buildkitVersion, `${file}.tar.gz`, `${file}.provenance.json`, members);
    },
    go: [
      {
        module: "buildkit",
        packages: {
          buildkitd: "github.com/moby/buildkit/cmd/buildkitd",
          buildctl: "github.com/moby/buildkit/cmd/buildctl",
        },
        ldflags: `-X github.com/moby/buildkit/version.Version=v${buildkitVersion}`,
      },
    ],
  },
  {
    name: "runc",
    version: runcVersion,
    // It only starts RUN steps, so a distribution's version is good enough.
    minimum: "1.1.0",
    bins: ["runc"],
    versionArgs: ["--version"],
    only: ["linux"],
    needs: "install runc (https://github.com/opencontainers/runc)",
    download: ({ arch }) => {
      const file = `runc.${arch}`;
      return release("opencontainers/runc", runcVersion, file, "runc.sha256sum", { runc: file });
    },
    go: [
      ...goProgram("runc", "github.com/opencontainers/runc"),
      // The build above lacks libseccomp, a C library; see the README.
      ...goProgram("runc-without-seccomp", "."),
    ],
  },
  {
    name: "crane",
    version: craneVersion,
    minimum: craneVersion,
    bins: ["crane"],
    versionArgs: ["version"],
    needs: "install crane (https://github.com/google/go-containerregistry)",
    download: ({ os, arch, exe }) => {
      const system = { linux: "Linux", darwin: "Darwin", windows: "Windows" }[os];
      const file = `go-containerregistry_${system}_${arch === "amd64" ? "x86_64" : arch}.tar.gz`;
      const members = { crane: `crane${exe}` };
      return release("google/go-containerregistry", craneVersion, file, "checksums.txt", members);
    },
    go: goProgram(
      "crane",
      "github.com/google/go-containerregistry/cmd/crane",
      `-X github.com/google/go-containerregistry/cmd/crane/cmd.Version=v${craneVersion}`,
    ),
  },
  {
    name: "buildx",
    version: buildxVersion,
    minimum: buildxVersion,
    bins: ["buildx"],
    versionArgs: ["version"],
    needs: "install buildx (https://github.com/docker/buildx)",
    // Only the benchmark needs this, and it requires exactly the pinned version, like regctl below.
    download: () => undefined,
    go: goProgram(
      "buildx",
      "github.com/docker/buildx/cmd/buildx",
      `-X github.com/docker/buildx/version.Version=v${buildxVersion}`,
    ),
  },
  {
    name: "regctl",
    version: regctlVersion,
    minimum: regctlVersion,
    bins: ["regctl"],
    versionArgs: ["version"],
    needs: "install regctl (https://github.com/regclient/regclient)",
    download: () => undefined,
    go: goProgram(
      "regctl",
      "github.com/regclient/regclient/cmd/regctl",
      `-X github.com/regclient/regclient/internal/version.vcsTag=v${regctlVersion}`,
    ),
  },
  {
    name: "cosign",
    version: cosignVersion,
    minimum: cosignVersion,
    bins: ["cosign"],
    versionArgs: ["version"],
    needs: "install cosign (https://docs.sigstore.dev/cosign/system_config/installation/)",
    download: ({ os, arch, exe }) => {
      const file = `cosign-${os}-${arch}${exe}`;
      return release("sigstore/cosign", cosignVersion, file, "cosign_checksums.txt", { cosign: file });
    },
    go: goProgram(
      "cosign",
      "github.com/sigstore/cosign/v3/cmd/cosign",
      `-X sigs.k8s.io/release-utils/version.gitVersion=v${cosignVersion}`,
    ),
  },
  {
    name: "olareg",
    version: olaregVersion,
    minimum: olaregVersion,
    bins: ["olareg"],
    versionArgs: ["version"],
    needs: "install olareg (https://github.com/olareg/olareg)",
    // Its releases have no list of sums to check a download against.
    download: () => undefined,
    go: goProgram("olareg", "github.com/olareg/olareg/cmd/olareg"),
  },
  {
    name: "actionlint",
    version: actionlintVersion,
    minimum: actionlintVersion,
    bins: ["actionlint"],
    versionArgs: ["-version"],
    needs: "install actionlint (https://github.com/rhysd/actionlint)",
    download: ({ os, arch, exe }) => {
      const file = `actionlint_${actionlintVersion}_${os}_${arch}.${os === "windows" ? "zip" : "tar.gz"}`;
      const checksums = `actionlint_${actionlintVersion}_checksums.txt`;
      return release("rhysd/actionlint", actionlintVersion, file, checksums, {
        actionlint: `actionlint${exe}`,
      });
    },
    go: goProgram(
      "actionlint",
      "github.com/rhysd/actionlint/cmd/actionlint",
      `-X github.com/rhysd/actionlint.version=v${actionlintVersion}`,
    ),
  },
  {
    name: "zizmor",
    version: zizmorVersion,
    minimum: zizmorVersion,
    bins: ["zizmor"],
    versionArgs: ["--version"],
    needs: `run \`pipx install zizmor==${zizmorVersion}\``,
    // Its releases have no list of sums to check a download against.
    download: () => undefined,
    go: [],
    wheel: {
      project: "zizmor",
      files: {
        "linux/amd64": {
          tag: "manylinux_2_28_x86_64",
          sha256: "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071",
        },
        "linux/arm64": {
          tag: "musllinux_1_2_aarch64",
          sha256: "d34dcfa702875202b4163d90ebb9cc5222f3d1a7d4b72bf796d87b5a15b24194",
        },
        "darwin/amd64": {
          tag: "macosx_10_12_x86_64",
          sha256: "aa4b4e216321dd5cf202cd79fc83296468f0eed79d850cd65ac8187a6bbc5496",
        },
        "darwin/arm64": {
          tag: "macosx_11_0_arm64",
          sha256: "0a999c98015becd9f69919ce01febadfb1c2be9b8ec2ce9ef7eb13ff23ba8eba",
        },
        "windows/amd64": {
          tag: "win_amd64",
          sha256: "9cd1dd7734042f40ca0faa2a31fb4e9033dede620d996af2f903744b8f04fca9",
        },
      },
    },
  },
  {
    name: "dockerd",
    version: mobyVersion,
    // The machine's dockerd prints the version of Docker's release, which differs from its module's.
    minimum: "29.0.0",
    bins: ["dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2"],
    versionArgs: ["--version"],
    only: ["linux"],
    needs: "install a Docker engine (https://docs.docker.com/engine/install/)",
    // Its releases have no list of sums to check a download against.
    download: () => undefined,
    go: [
      {
        module: "dockerd",
        packages: {
          dockerd: "github.com/moby/moby/v2/cmd/dockerd",
          "docker-proxy": "github.com/moby/moby/v2/cmd/docker-proxy",
          containerd: "github.com/containerd/containerd/v2/cmd/containerd",
          "containerd-shim-runc-v2": "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        },
        ldflags: `-X github.com/moby/moby/v2/dockerversion.Version=${mobyVersion}`,
      },
    ],
  },
  // As for the GitHub provider.
  pulumiProvider("docker", dockerVersion, ".", "main.version"),
];

/** The static binaries of the sample image: npm packages of one version, for both platforms on every host. */
export const sampleBinaries = {
  version: "0.28.2",
  packages: [
    {
      platform: "linux-amd64",
      package: "@esbuild/linux-x64",
      integrity:
        "sha512-4xTZr1FUmSoQW4XIWmit3tzQrUTZM+N3P0XV8xROKYF50XfI7xeO90+1bZvNwxIufQ9hDQVRJH5YhgPVF8A/HQ==",
    },
    {
      platform: "linux-arm64",
      package: "@esbuild/linux-arm64",
      integrity:
        "sha512-pW4AC0P3it8c7do9MVM4p51FzHzdM/TZrerurgRcHJ2WTa1VQ1CIq18xncfpBJw4ojkiZZrKW2yIBWBP92j6Ug==",
    },
  ],
};

/**
 * Part -> number of packages that its build compiles in addition to those of the parts before it, to estimate the
 * remaining time. Not in the pins, because changing those rebuilds every part.
 * @type {Readonly<Record<string, number>>}
 */
export const packagesOf = {
  ...{ pulumi: 1960, "docker-build": 1020, github: 520, registry: 740, buildkit: 980, runc: 110 },
  ...{
    crane: 60,
    buildx: 280,
    regctl: 20,
    cosign: 1230,
    olareg: 20,
    actionlint: 10,
    dockerd: 1650,
    docker: 750,
  },
};

/** Not needed for a release: the tests' tools, their registry with referrers, and the setup stack's provider. */
export const onDemand = ["crane", "cosign", "olareg", "actionlint", "zizmor", "github"];

/** A Docker engine and its provider, and the benchmark's peers: installed only by the tests that need them. */
export const byTheirTests = ["dockerd", "docker", "buildx", "regctl"];

/** @param {string} name @returns {Part} */
export function partNamed(name) {
  const part = parts.find((candidate) => candidate.name === name);
  if (!part)
    throw new Error(`The toolchain has no part "${name}"; it has ${parts.map((p) => p.name).join(", ")}.`);
  return part;
}
