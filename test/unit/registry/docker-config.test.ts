import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Credentials } from "../../../src/registry/auth";
import { dockerCredentials } from "../../../src/registry/docker-config";

let folder: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-docker-config-"));
  environment = {
    DOCKER_CONFIG: folder,
    HOME: folder,
    PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
  };
  await mkdir(join(folder, "bin"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function config(content: object | string): Promise<void> {
  return writeFile(
    join(folder, "config.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );
}

/** A helper that writes what it was asked to `asked`, then runs `script`. */
async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, "bin", `docker-credential-${name}`);
  await writeFile(
    file,
    `#!/bin/sh\nserver=$(cat)\nprintf '%s %s' "$1" "$server" > "${folder}/asked"\n${script}\n`,
  );
  await chmod(file, 0o755);
}

const asked = () => readFile(join(folder, "asked"), "utf8");
const find = (host: string) => dockerCredentials(host, { environment, deadlineMs: 5_000 });
const base64 = (text: string) => Buffer.from(text).toString("base64");

function shown(credentials: Credentials | undefined): unknown {
  if (credentials === undefined) return undefined;
  return "identityToken" in credentials
    ? { identityToken: credentials.identityToken.reveal() }
    : { username: credentials.username, password: credentials.password.reveal() };
}

describe("dockerCredentials", () => {
  it("finds none without a file, in an empty file, and for another host", async () => {
    expect(await find("ghcr.io")).toBeUndefined();
    await config("");
    expect(await find("ghcr.io")).toBeUndefined();
    await config({ auths: { "ghcr.io": { auth: base64("me:secret") } } });
    expect(await find("quay.io")).toBeUndefined();
  });

  it.each([
    ["ghcr.io", "ghcr.io"],
    ["ghcr.io", "https://ghcr.io"],
    ["ghcr.io", "https://ghcr.io/v2/"],
    ["localhost:5000", "localhost:5000"],
    ["docker.io", "https://index.docker.io/v1/"],
    ["index.docker.io", "https://index.docker.io/v1/"],
    ["docker.io", "docker.io"],
    ["docker.io", "registry-1.docker.io"],
  ])("finds %s under the key %s", async (host, key) => {
    await config({ auths: { [key]: { auth: base64("me:se:cret") } } });
    expect(shown(await find(host))).toEqual({ username: "me", password: "se:cret" });
  });

  it.each([
    ["docker.io", ["https://index.docker.io/v1/", "docker.io"]],
    ["ghcr.io", ["ghcr.io", "https://ghcr.io"]],
    ["ghcr.io", ["https://ghcr.io", "https://ghcr.io/v2/"]],
  ])("for %s passes over an empty entry under %j[0]", async (host, [empty = "", full = ""]) => {
    await config({ auths: { [empty]: {}, [full]: { auth: base64("me:secret") } } });
    expect(shown(await find(host))).toEqual({ username: "me", password: "secret" });
  });

  it("says where credentials come from", async () => {
    await helper("mine", `echo '{"Username":"me","Secret":"x"}'`);
    const auths = { "quay.io": { auth: base64("me:secret") }, "b.io": { auth: base64("me:secret") } };
    await config({ credHelpers: { "ghcr.io": "mine" }, auths });
    environment.DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { "b.io": { auth: base64("ci:secret") } } });
    expect((await find("quay.io"))?.from).toBe(join(folder, "config.json"));
    expect((await find("ghcr.io"))?.from).toBe(`docker-credential-mine, named in ${folder}/config.json`);
    expect((await find("b.io"))?.from).toBe("DOCKER_AUTH_CONFIG");
  });

  it.each([
    ["ghcr.io", { auths: { "ghcr.io": { auth: base64("ci:token") } } }, "ci"],
    ["docker.io", { auths: { "https://index.docker.io/v1/": { auth: base64("ci:token") } } }, "ci"],
    ["ghcr.io", { auths: { "ghcr.io": {} } }, "me"],
    ["ghcr.io", { auths: { "quay.io": { auth: base64("ci:token") } } }, "me"],
    ["ghcr.io", {}, "me"],
    ["ghcr.io", "", "me"],
  ])("takes DOCKER_AUTH_CONFIG before the file: %s in %j", async (host, variable, username) => {
    await config({ auths: { [host]: { auth: base64("me:file") } } });
    environment.DOCKER_AUTH_CONFIG = typeof variable === "string" ? variable : JSON.stringify(variable);
    expect(shown(await find(host))).toMatchObject({ username });
  });

  it.each(["/kaniko/config.json", base64("{}"), "[]", '"canary"'])(
    "explains a DOCKER_AUTH_CONFIG of %s",
    async (text) => {
      environment.DOCKER_AUTH_CONFIG = text;
      await expect(find("ghcr.io")).rejects.toThrow(/DOCKER_AUTH_CONFIG is not a JSON object\n.*"auths"/);
    },
  );

  it("explains a DOCKER_CONFIG that names the file in place of its folder", async () => {
    await config({});
    environment.DOCKER_CONFIG = join(folder, "config.json");
    const error: unknown = await find("ghcr.io").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "registry-credentials" });
    expect(String(error)).toContain(`config.json, which is a file`);
    expect(String(error)).toContain(`DOCKER_CONFIG=${folder}`);
    environment.DOCKER_CONFIG = join(folder, "absent");
    expect(await find("ghcr.io")).toBeUndefined();
  });

  it("reads identity tokens and plain fields", async () => {
    await config({
      auths: {
        "a.io": { auth: base64("00000000-0000-0000-0000-000000000000:"), identitytoken: "refresh" },
        "b.io": { username: "me", password: "plain" },
        "c.io": {},
      },
    });
    expect(shown(await find("a.io"))).toEqual({ identityToken: "refresh" });
    expect(shown(await find("b.io"))).toEqual({ username: "me", password: "plain" });
    expect(await find("c.io")).toBeUndefined();
  });

  it("uses ~/.docker when DOCKER_CONFIG is not set", async () => {
    await mkdir(join(folder, ".docker"));
    const auths = { "ghcr.io": { auth: base64("me:home") } };
    await writeFile(join(folder, ".docker", "config.json"), JSON.stringify({ auths }));
    delete environment.DOCKER_CONFIG;
    expect(shown(await find("ghcr.io"))).toEqual({ username: "me", password: "home" });
  });

  it("asks the host's helper first, the server on standard input", async () => {
    await helper("mine", `echo '{"ServerURL":"x","Username":"me","Secret":"from the helper"}'`);
    await config({
      credHelpers: { "ghcr.io": "mine" },
      credsStore: "absent",
      auths: { "ghcr.io": { auth: base64("me:from the file") } },
    });
    expect(shown(await find("ghcr.io"))).toEqual({ username: "me", password: "from the helper" });
    expect(await asked()).toBe("get ghcr.io");
  });

  it("asks the store for Docker Hub by its old name, and takes <token> for an identity token", async () => {
    await helper("store", `echo '{"Username":"<token>","Secret":"refresh"}'`);
    await config({ credsStore: "store" });
    expect(shown(await find("docker.io"))).toEqual({ identityToken: "refresh" });
    expect(await asked()).toBe("get https://index.docker.io/v1/");
  });

  it("reads the file where the store knows nothing", async () => {
    await helper("store", "echo 'credentials not found in native keychain'; exit 1");
    await config({ credsStore: "store", auths: { "ghcr.io": { auth: base64("me:file") } } });
    expect(shown(await find("ghcr.io"))).toEqual({ username: "me", password: "file" });
    expect(await find("quay.io")).toBeUndefined();
  });

  it.each([
    ["not installed", { credsStore: "absent" }, "", /docker-credential-absent, .* is not installed/],
    [
      "failing",
      { credsStore: "store" },
      "echo canary; echo 'keychain is locked' >&2; exit 3",
      /exit code 3: keychain is locked/,
    ],
    ["without JSON", { credsStore: "store" }, "echo canary", /did not print credentials/],
    ["a path", { credHelpers: { "ghcr.io": "../../bin/sh" } }, "", /has no valid name/],
    ["an option", { credsStore: "-rf" }, "", /has no valid name/],
  ])("explains a helper that is %s, without its output", async (_what, content, script, expected) => {
    await helper("store", script);
    await config(content);
    const error: unknown = await find("ghcr.io").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "registry-credentials", registry: "ghcr.io" });
    expect(String(error)).toMatch(expected);
    expect(String(error)).not.toContain("canary");
  });

  it("does not wait for a helper that never answers", async () => {
    await helper("store", "sleep 30");
    await config({ credsStore: "store" });
    const asking = dockerCredentials("ghcr.io", { environment, deadlineMs: 200 });
    await expect(asking).rejects.toThrow("did not answer within 0.2 s");
  });

  it.each([
    ["{ not json canary", /is not a JSON object/],
    ['{"auths":{"ghcr.io":{"auth":"Y2FuYXJ5"}}}', /not base64 of/],
    ["[1]\u0000", /is not a JSON object/],
  ])("explains a broken file without quoting it: %j", async (content, expected) => {
    await config(content);
    const error: unknown = await find("ghcr.io").catch((caught: unknown) => caught);
    expect(String(error)).toMatch(expected);
    expect(String(error)).toContain(join(folder, "config.json"));
    expect(String(error)).not.toContain("canary");
  });
});
