import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CliBuilder, chooseBuilder } from "../../../src/cli/publish/cli-builder";
import { buildCommand, type CliCommand, commandText, loginCommand } from "../../../src/cli/publish/commands";
import { privateDockerFolder, runCli } from "../../../src/cli/publish/run-cli";
import type { ImageIntent } from "../../../src/plan/release-intent";
import { Secret } from "../../../src/plan/secret";
import { aConfig } from "../../support/plan-state";
import { anImage, anIntent, aPlannedImage, DIGEST } from "../../support/planned";

function build(program: string, intent: Partial<ImageIntent> = {}, more: object = {}) {
  const image = aPlannedImage({ intent: anIntent(intent), content: { from: "build" } });
  return buildCommand({ program, config: aConfig(), image, iidFile: "app.digest", ...more });
}

describe("the command of a build", () => {
  test.each([
    ["docker", "docker buildx build --platform linux/amd64,linux/arm64 "],
    ["/usr/bin/docker", "/usr/bin/docker buildx build --platform "],
    ["nerdctl", "nerdctl build --platform linux/amd64,linux/arm64 "],
    ["./stub.sh", "./stub.sh build --platform "],
  ])("of %s starts with buildx only for docker", (program, start) => {
    expect(commandText(build(program))).toContain(` ${start}`);
  });

  test("pushes by digest, without a tag, with the content key on the index", () => {
    const text = commandText(build("nerdctl", { annotations: { "dev.slipway.content-key": "abc" } }));
    expect(text).toMatch(
      /type=image,push=true,push-by-digest=true,.*annotation-index\.dev\.slipway\.content-key=abc/,
    );
    expect(text).not.toMatch(/ --tag | -t /);
  });

  test.each<[string, Partial<ImageIntent>, object, RegExp]>([
    ["a target", { image: anImage({ target: "api" }) }, {}, / --target api /],
    [
      "named contexts",
      {
        image: anImage({
          contexts: {
            shared: { kind: "folder", path: "shared" },
            tools: { kind: "image", reference: "docker.io/library/alpine:3.20" },
            lib: { kind: "git", address: `https://github.com/octo/lib.git#${"0".repeat(40)}` },
          },
        }),
        bases: { "docker.io/library/alpine:3.20": DIGEST },
      },
      {},
      / --build-context shared=shared --build-context tools=docker-image:\/\/docker\.io\/library\/alpine@sha256:a+ --build-context '?lib=https:\/\/github\.com\/octo\/lib\.git#0+'? /,
    ],
    ["ssh", { image: anImage({ ssh: ["default", "git"] }) }, {}, / --ssh default --ssh git /],
    ["no network", { image: anImage({ network: "none" }) }, {}, / --network none /],
    [
      "extra hosts",
      { image: anImage({ extraHosts: { db: "10.0.0.1", six: "::1" } }) },
      {},
      / --add-host db:10\.0\.0\.1 --add-host six:::1 /,
    ],
    ["build arguments", { buildArgs: { A: "b c" } }, {}, / --build-arg 'A=b c' /],
    ["an apostrophe", { buildArgs: { A: "it's" } }, {}, / --build-arg 'A=it'\\''s' /],
    ["labels", { labels: { "org.x": "1" } }, {}, / --label org\.x=1 /],
    [
      "a pinned base",
      { bases: { "node:22": DIGEST } },
      {},
      / --build-context node:22=docker-image:\/\/docker\.io\/library\/node@sha256:a+ /,
    ],
    [
      "the base of the same release",
      {
        base: { image: "base", reference: "ghcr.io/o/a:base-1", repository: "ghcr.io/o/a", contentKey: "1" },
      },
      { baseDigest: DIGEST },
      / --build-context ghcr\.io\/o\/a:base-1=docker-image:\/\/ghcr\.io\/o\/a@sha256:a+ /,
    ],
    [
      "caches",
      { image: anImage({ cacheTo: ["type=registry,ref=x"] }) },
      {},
      / --cache-to type=registry,ref=x,ignore-error=true /,
    ],
    ["a builder", {}, { builder: "big" }, /^BUILDX_NO_DEFAULT_ATTESTATIONS=1 BUILDX_BUILDER=big docker /],
  ])("has %s", (_what, intent, more, expected) => {
    expect(commandText(build("docker", intent, more))).toMatch(expected);
  });

  test("passes build secrets by the environment and does not show them", () => {
    const command = build("docker", { image: anImage({ secrets: { token: new Secret("hush") } }) });
    expect(command.args).toContain("id=token,env=SLIPWAY_BUILD_SECRET_0");
    expect(commandText(command)).toContain("SLIPWAY_BUILD_SECRET_0=[secret] docker");
    expect(JSON.stringify(command)).not.toContain("hush");
  });

  test("needs the digest of a base of the same release", () => {
    const base = { image: "base", reference: "r:t", repository: "h/r", contentKey: "1" };
    expect(() => build("docker", { base })).toThrow("app: the digest of base is not known");
  });
});

test("a login names where the password comes from", () => {
  const login = {
    host: "ghcr.io",
    username: "octo",
    password: new Secret("hush"),
    from: "environment variable GHCR_TOKEN",
  };
  expect(commandText(loginCommand("docker", login))).toBe(
    "docker login ghcr.io --username octo --password-stdin < (password of octo from environment variable GHCR_TOKEN)",
  );
});

describe("the Docker configuration of a run", () => {
  let own: string;

  beforeEach(() => {
    own = mkdtempSync(path.join(tmpdir(), "slipway-own-"));
  });

  afterEach(() => rmSync(own, { recursive: true }));

  test("is private, has no credentials store, and is removed with its folder", async () => {
    mkdirSync(path.join(own, "cli-plugins"));
    const written = {
      currentContext: "far",
      credsStore: "keychain",
      credHelpers: { "gcr.io": "gcloud", "ghcr.io": "other" },
      auths: { "quay.io": {}, "ghcr.io": {}, "https://index.docker.io/v1/": {} },
    };
    writeFileSync(path.join(own, "config.json"), JSON.stringify(written));
    const { folder, remove } = await privateDockerFolder({ DOCKER_CONFIG: own }, ["ghcr.io", "docker.io"]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readlinkSync(path.join(folder, "cli-plugins"))).toBe(path.join(own, "cli-plugins"));
    expect(JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8"))).toEqual({
      currentContext: "far",
      credHelpers: { "gcr.io": "gcloud", "quay.io": "keychain" },
      auths: { "quay.io": {} },
    });
    await remove();
    expect(existsSync(folder)).toBe(false);
    expect(JSON.parse(readFileSync(path.join(own, "config.json"), "utf8"))).toEqual(written);
    expect(existsSync(path.join(own, "cli-plugins"))).toBe(true);
  });

  test("is empty for a user without one", async () => {
    const { folder, remove } = await privateDockerFolder({ DOCKER_CONFIG: path.join(own, "none") }, []);
    expect(JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8"))).toEqual({
      auths: {},
      credHelpers: {},
    });
    await remove();
  });
});

describe("a run of the command line", () => {
  const signal = new AbortController().signal;
  const node = (script: string) => ({ program: process.execPath, args: ["-e", script] });
  const run = { cwd: tmpdir(), env: {}, secrets: ["hush"], signal };

  test("passes the password by standard input, and hides it in the output", async () => {
    const lines: string[] = [];
    const command = {
      ...node("process.stdin.on('data', (data) => console.log('got', String(data)))"),
      password: { value: new Secret("my word"), shownAs: "" },
    };
    await runCli(command, { ...run, onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["got [secret]"]);
  });

  test("reports a failure with the exit code and the last lines, secrets hidden", async () => {
    const text = await failureOf(
      node("for (let i = 0; i < 30; i++) console.error('line ' + i + ' hush'); process.exit(3)"),
    );
    expect(text).toContain("exit code 3");
    expect(text).toContain("line 29 [secret]");
    expect(text).toContain("line 10 ");
    expect(text).not.toContain("line 9 ");
  });

  test.each([
    "unknown flag: --platform",
    "docker: 'buildx' is not a docker command.",
    "docker: unknown command: docker buildx",
  ])("reports a docker without buildx: %s", async (line) => {
    const docker = dockerThatFails(line);
    const text = await failureOf(build(docker));
    expect(text).toContain(`${docker}: this docker has no buildx [cli-no-buildx]`);
    expect(text).toContain("CI_DOCKER_CLI");
    expect(text).not.toContain("--platform");
  });

  test("shows the command of a failed build with a line for each flag", async () => {
    const docker = dockerThatFails("unknown flag: --provenance");
    const text = await failureOf(build(docker));
    expect(text).toContain("[cli-failed]");
    expect(text.replace(/^ +/gm, "")).toContain(
      `${docker} buildx build \\\n--platform linux/amd64,linux/arm64 \\\n`,
    );
    const shown = text.slice(text.indexOf("The command was:\n") + "The command was:\n".length);
    expect(shown.replace(/\s*\\\n\s*/g, " ").trim()).toBe(commandText(build(docker)));
  });

  test("reports a missing program", async () => {
    const missing = { ...node(""), program: "no-such-program" };
    expect(await failureOf(missing)).toContain("no-such-program: there is no such program [cli-not-found]");
  });

  test("is ended by an interruption", async () => {
    const stop = new AbortController();
    const hanging = runCli(node("console.log('up'); setInterval(() => {}, 1000)"), {
      ...run,
      signal: stop.signal,
      onLine: () => stop.abort(new Error("interrupted")),
    });
    await expect(hanging).rejects.toThrow("interrupted");
  });

  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function dockerThatFails(line: string): string {
    const folder = mkdtempSync(path.join(tmpdir(), "slipway-docker-"));
    folders.push(folder);
    const docker = path.join(folder, "docker");
    writeFileSync(docker, `#!/bin/sh\necho "${line}" >&2\necho "See 'docker --help'." >&2\nexit 125\n`, {
      mode: 0o755,
    });
    return docker;
  }

  async function failureOf(command: CliCommand): Promise<string> {
    return String(await runCli(command, run).catch((error: unknown) => error));
  }
});

describe("the builder of docker", () => {
  const create = (...more: string[]) =>
    ["buildx", "create", "--name", "slipway", "--driver", "docker-container", ...more].join(" ");
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), "slipway-buildx-"));
  });

  afterEach(() => rmSync(home, { recursive: true }));

  /** Builders as buildx keeps them, the first one in use. */
  function buildx(names: readonly string[]): void {
    mkdirSync(path.join(home, "instances"));
    for (const name of names) {
      const instance = { Name: name, Driver: "docker-container", Nodes: [{ Endpoint: "unix:///x" }] };
      writeFileSync(path.join(home, "instances", name), JSON.stringify(instance));
    }
    writeFileSync(path.join(home, "current"), JSON.stringify({ Name: names[0] ?? "" }));
  }

  const hosts = (...names: string[]) =>
    names.map((host) => ({ host, namespace: "octo", optional: false, plainHttp: false }));

  interface Choice {
    readonly has: readonly string[];
    readonly program?: string;
    readonly name?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly host?: string;
  }

  test.each<[string, Choice, { name?: string; made?: string }]>([
    ["buildx's current one", { has: ["big"] }, {}],
    ["the one that the stack names", { has: ["big", "far"], name: "far" }, { name: "far" }],
    ["docker's default, by name", { has: [], name: "default" }, { name: "default" }],
    ["the one that a variable names", { has: [], env: { BUILDX_BUILDER: "desktop-linux" } }, {}],
    ["one that an earlier run created, not in use", { has: ["", "slipway"] }, { name: "slipway" }],
    ["none, so one is created", { has: [] }, { name: "slipway", made: create() }],
    [
      "none, for a registry on this machine",
      { has: [], host: "localhost:5000" },
      { name: "slipway", made: create("--driver-opt", "network=host") },
    ],
    ["another CLI's", { has: [], program: "nerdctl" }, {}],
  ])("%s", async (_what, { has, program = "docker", name, env, host = "ghcr.io" }, expected) => {
    buildx(has.filter((known) => known !== ""));
    if (has[0] === "") rmSync(path.join(home, "current"));
    const config = aConfig({ registries: hosts(host), builder: { ...aConfig().builder, name } });
    const chosen = await chooseBuilder(program, config, { BUILDX_CONFIG: home, ...env });
    expect({ name: chosen.name, made: chosen.create?.args.join(" ") }).toEqual({
      name: expected.name,
      made: expected.made,
    });
  });

  test("is refused if the stack names one that buildx does not have, with the command that creates it", async () => {
    const config = aConfig({ builder: { ...aConfig().builder, name: "far" } });
    await expect(chooseBuilder("docker", config, { BUILDX_CONFIG: home })).rejects.toThrow(
      /no builder far, .*\[cli-no-builder\].*docker buildx create --name far/s,
    );
  });

  test("is created once, before the first build, in the user's own folder of builders", async () => {
    const docker = path.join(home, "docker");
    const script = `#!/bin/sh
echo "$2 $BUILDX_BUILDER $BUILDX_CONFIG" >>"${home}/calls"
while [ $# -gt 0 ]; do [ "$1" = --iidfile ] && echo ${DIGEST} >"$2"; shift; done
`;
    writeFileSync(docker, script, { mode: 0o755 });
    const builder = new CliBuilder({
      program: docker,
      config: aConfig(),
      projectDir: home,
      env: { DOCKER_CONFIG: path.join(home, "own"), PATH: process.env.PATH },
      logins: [],
      signal: new AbortController().signal,
      say: () => {},
    });
    const image = aPlannedImage();
    expect([await builder.build(image, undefined), await builder.build(image, undefined)]).toEqual([
      DIGEST,
      DIGEST,
    ]);
    expect(await builder.identity()).toEqual({ builder: "slipway" });
    await builder.close();
    const folder = path.join(home, "own/buildx");
    expect(readFileSync(path.join(home, "calls"), "utf8")).toBe(
      `create  ${folder}\nbuild slipway ${folder}\nbuild slipway ${folder}\n`,
    );
  });
});
