import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RegistryClient } from "../../src/registry/client";
import { OCI_MANIFEST } from "../../src/registry/manifests";
import { pushIndex } from "../integration/registry/content";
import { crane } from "../support/crane";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy";
import { Project } from "../support/project";
import { startRegistry, TEST_USER, type TestRegistry } from "../support/registry";
import { SETTINGS_PROGRAM } from "../support/settings-program";

const RULES = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}", "type=sha"];
const DOCKERFILE = { "app/Dockerfile": "FROM scratch\nCOPY app.txt /app.txt\n" };

const started: { remove?: () => void; stop?: () => Promise<void> }[] = [];

afterAll(async () => {
  for (const { remove, stop } of started.reverse()) {
    remove?.();
    await stop?.();
  }
});

async function registry(options: Parameters<typeof startRegistry>[0] = {}): Promise<TestRegistry> {
  const made = await startRegistry(options);
  started.push({ stop: () => made.stop() });
  return made;
}

async function project(registries: readonly object[], env: Record<string, string> = {}): Promise<Project> {
  const made = await Project.create({ config: config(registries), env });
  started.push({ remove: () => made.remove() });
  return made;
}

function config(registries: readonly object[]) {
  return { registries, images: [{ name: "app", context: "app", platforms: ["linux/amd64"], tags: RULES }] };
}

function withContent(text: string) {
  return { ...DOCKERFILE, "app/app.txt": text };
}

describe("when somebody else writes tags", () => {
  let host: string;
  let stage: Project;
  let one: string;
  let two: string;

  beforeAll(async () => {
    const local = await registry();
    host = local.host;
    stage = await project([{ host, namespace: "octo" }]);
    await stage.commit(withContent("one"), "v1.0.0");
    await stage.upOk();
    one = await crane("digest", `${host}/octo/app:1.0.0`);
    await stage.commit(withContent("two"), "v1.1.0");
    await stage.upOk();
    two = await crane("digest", `${host}/octo/app:1.1.0`);
  });

  test("a moved latest is seen by preview and put back by up", async () => {
    await crane("tag", `${host}/octo/app:1.0.0`, "latest");
    const { text } = await stage.preview();
    expect(text).toMatch(/~ latest +sha256:\w{12} \(1\.0\.0\) → .*it was moved since the last release/);
    expect(await crane("digest", `${host}/octo/app:latest`)).toBe(one);
    await stage.upOk();
    expect(await crane("digest", `${host}/octo/app:latest`)).toBe(two);
  });

  test("refresh sees a moved tag and a deleted one; up mends both", async () => {
    await crane("tag", `${host}/octo/app:1.0.0`, "latest");
    await crane("delete", `${host}/octo/app:1`).catch(() => undefined);
    const { exitCode, text } = await stage.pulumi("refresh", "--yes", "--non-interactive", "--skip-preview");
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/Tags release-tags +updated/);
    await stage.upOk();
    expect(await crane("digest", `${host}/octo/app:latest`)).toBe(two);
    expect(await crane("digest", `${host}/octo/app:1`)).toBe(two);
  });

  test("a moved version tag is refused, and left as it is", async () => {
    await crane("tag", `${host}/octo/app:1.0.0`, "1.1.0");
    for (const run of [() => stage.preview(), () => stage.up()]) {
      const { exitCode, text } = await run();
      expect(exitCode).not.toBe(0);
      expect(text).toMatch(/a write-once tag was moved/);
      expect(text).toMatch(/slipway:override.*app:1\.1\.0/);
    }
    expect(await crane("digest", `${host}/octo/app:1.1.0`)).toBe(one);
    await crane("tag", `${host}/octo/app@${two}`, "1.1.0");
    await stage.upOk();
  });

  test("the same version from another revision is refused in the preview", async () => {
    await stage.git("tag", "--delete", "v1.1.0");
    await stage.commit(withContent("three"), "v1.1.0");
    const { exitCode, text } = await stage.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/1\.1\.0 was released from commit \w{12},\s+and this is commit \w{12}/);
    expect(await crane("digest", `${host}/octo/app:1.1.0`)).toBe(two);
  });

  test("destroy keeps every tag and digest", async () => {
    const before = await crane("ls", `${host}/octo/app`);
    const { exitCode, text } = await stage.pulumi("destroy", "--yes", "--non-interactive", "--skip-preview");
    expect(exitCode, text).toBe(0);
    expect(await crane("ls", `${host}/octo/app`)).toBe(before);
    expect(await crane("digest", `${host}/octo/app:latest`)).toBe(two);
  });
});

describe("a checkout that is not the release's", () => {
  test("a submodule and a Git LFS file that are not there are refused by name, and nothing is written", async () => {
    const local = await registry();
    const stage = await project([{ host: local.host, namespace: "octo" }]);
    const oid = "ab".repeat(32);
    await stage.commit({
      "app/Dockerfile": "FROM scratch\nCOPY . /\n",
      "app/model.bin": `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 5\n`,
      ".gitmodules": '[submodule "lib"]\n\tpath = app/lib\n\turl = ../lib\n',
    });
    const head = await stage.git("rev-parse", "HEAD");
    await stage.git("update-index", "--add", "--cacheinfo", `160000,${head.trim()},app/lib`);
    await stage.git("commit", "--quiet", "--message", "a submodule");
    await stage.git("tag", "v1.0.0");
    await mkdir(path.join(stage.dir, "app/lib"));
    for (const run of [() => stage.preview(), () => stage.up()]) {
      const { exitCode, text } = await run();
      expect(exitCode).not.toBe(0);
      expect(text).toContain('a submodule that is not checked out: "lib" [context-incomplete]');
      expect(text).toContain('a Git LFS pointer instead of the file: "model.bin" [context-incomplete]');
    }
    expect(await local.writes()).toEqual([]);
  });

  test("a version whose git tag is another commit is refused, without requireTag too", async () => {
    const local = await registry();
    const stage = await project([{ host: local.host, namespace: "octo" }]);
    await stage.commit(withContent("one"), "v1.0.0");
    await stage.commit(withContent("two"));
    for (const version of ["v1.0.0", "1.0.0"]) {
      const { exitCode, text } = await stage.pulumiWith({ RELEASE_TAG: version }, "up", "--yes");
      expect(exitCode).not.toBe(0);
      expect(text).toMatch(
        /the tag "v1\.0\.0" is \w{12}, but HEAD is \w{12} and has no tag \[source-tag-elsewhere\]/,
      );
    }
    expect(await local.writes()).toEqual([]);
  });
});

test("an image whose configuration is no JSON is one refusal that names its repository", async () => {
  const { host } = await registry();
  const client = new RegistryClient({ host, plainHttp: true });
  const { digest, size } = await client.putBlob("octo/app", Buffer.from("no JSON"));
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size };
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [] };
  await client.putManifest("octo/app", "latest", Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
  await client.close();
  const stage = await project([{ host, namespace: "octo" }]);
  await stage.commit(withContent("one"), "v1.0.0");
  const { exitCode, text } = await stage.preview();
  expect(exitCode).not.toBe(0);
  const says = `${host}/octo/app has an image whose configuration ${digest} is not JSON`;
  expect(text.split(says).length - 1, text).toBeGreaterThan(0);
  expect(text).not.toMatch(/^ +at |SyntaxError|unhandled/m);
});

describe("credentials", () => {
  test("an optional registry without them is skipped and named; a required one is refused before anything is built", async () => {
    const [open, closed] = await Promise.all([registry(), registry({ auth: "htpasswd" })]);
    const stage = await project([
      { host: open.host, namespace: "octo" },
      { host: closed.host, namespace: "octo", optional: true },
    ]);
    await stage.commit(withContent("one"), "v1.0.0");
    const skipped = await stage.preview();
    expect(skipped.text).toContain(`${closed.host} is skipped: optional, and there are no credentials`);
    await stage.upOk();
    expect(await crane("ls", `${open.host}/octo/app`)).toContain("latest");

    stage.setConfig(config([{ host: closed.host, namespace: "octo" }]));
    for (const run of [() => stage.preview(), () => stage.up()]) {
      const { exitCode, text } = await run();
      expect(exitCode).not.toBe(0);
      expect(text).toContain(`${closed.host} is required and there are no credentials for it`);
      expect(text).not.toContain("building with");
    }
    expect(await closed.writes()).toEqual([]);
  });

  test("a token that may not push is refused in the preview already", async () => {
    const tokens = {
      grant: (_: string | undefined, __: string, actions: readonly string[]) =>
        actions.filter((a) => a === "pull"),
    };
    const closed = await registry({ auth: "token", tokens });
    const stage = await project([{ host: closed.host, namespace: "octo" }], {
      CI_REGISTRY_USERNAME: TEST_USER.username,
      CI_REGISTRY_PASSWORD: TEST_USER.password,
    });
    await stage.commit(withContent("one"), "v1.0.0");
    const { exitCode, text } = await stage.preview();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/may not push to .*\/octo\/app/);
    expect(text).not.toContain(TEST_USER.password);
  });

  describe("push rights that only a push can tell", () => {
    let proxy: FaultProxy;
    afterEach(() => proxy?.stop());

    test("are proved before anything is built", async () => {
      const open = await registry();
      proxy = await startFaultProxy(open.host);
      proxy.inject({ method: "POST", path: /blobs\/uploads/, fault: { kind: "answer", status: 403 } });
      const stage = await project([{ host: proxy.host, namespace: "octo" }]);
      await stage.commit(withContent("one"), "v1.0.0");
      const { exitCode, text } = await stage.up();
      expect(exitCode).not.toBe(0);
      expect(text).toMatch(/No right to push, so nothing was built/);
      expect(text).not.toContain("building with");
      expect(await open.writes()).toEqual([]);
    });
  });

  test("a rotated token is an empty diff, and no secret is in state, plan or output", async () => {
    const users: Record<string, string> = { [TEST_USER.username]: TEST_USER.password };
    const closed = await registry({ auth: "token", tokens: { users } });
    const stage = await project([{ host: closed.host, namespace: "octo" }]);
    await stage.commit(withContent("one"), "v1.0.0");
    const signIn = (password: string) => ({
      CI_REGISTRY_USERNAME: TEST_USER.username,
      CI_REGISTRY_PASSWORD: password,
    });
    const up = ["up", "--yes", "--non-interactive", "--skip-preview"];
    const first = await stage.pulumiWith(signIn(TEST_USER.password), ...up);
    expect(first.exitCode, first.text).toBe(0);
    users[TEST_USER.username] = "another horse";
    const second = await stage.pulumiWith(signIn("another horse"), ...up);
    expect(second.exitCode, second.text).toBe(0);
    expect(second.text).toMatch(/Resources:\n +\d+ unchanged\n/);
    const state = await stage.pulumi("stack", "export");
    for (const text of [first.text, second.text, state.text]) {
      expect(text).not.toContain(TEST_USER.password);
      expect(text).not.toContain("another horse");
    }
  });
});

test("what a program leaves uncaught is its message alone, without a stack and without colours", async () => {
  const stage = await project([{ host: "localhost:1", namespace: "octo" }]);
  await stage.commit(withContent("one"), "v1.0.0");
  const settings = SETTINGS_PROGRAM.split("\n")[0];
  for (const [body, message] of [
    ['throw Object.assign(new Error("no services"), { code: "ENONE" });', "no services"],
    ['pulumi.output(1).apply(() => { throw new Error("no output"); });', "no output"],
    ['void Promise.reject(new Error("not awaited"));', "not awaited"],
    ['setTimeout(() => { throw new Error("too late"); }, 1);', "too late"],
    ["undefined.digest;", /^ *(?:error: )?TypeError: Cannot read [^\n]*\n +at [^\n]*program\.js:3:\d+\)?$/m],
  ] as const) {
    const program = `${settings}\nconst pulumi = require("@pulumi/pulumi");\nmodule.exports = async () => { ${body} };\n`;
    writeFileSync(path.join(stage.dir, "program.js"), program);
    const { exitCode, text } = await stage.preview("--color", "never");
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(message);
    if (typeof message === "string") expect(text).not.toMatch(/^ +at /m);
    expect(text).not.toMatch(/unhandled|<ref/);
    expect(stripVTControlCharacters(text)).toBe(text);
  }
});

test("a base without a platform that the image is built for is refused by the preview", async () => {
  const { host } = await registry();
  const client = new RegistryClient({ host, plainHttp: true });
  await pushIndex(client, "octo/base", { tag: "1" });
  await client.close();
  const stage = await project([{ host, namespace: "octo" }]);
  const built = (platforms: readonly string[]) => ({
    registries: [{ host, namespace: "octo" }],
    images: [{ name: "app", context: "app", platforms, tags: RULES }],
  });
  stage.setConfig(built(["linux/amd64", "linux/s390x"]));
  await stage.commit({ "app/Dockerfile": `FROM ${host}/octo/base:1\n` }, "v1.0.0");
  const { exitCode, text } = await stage.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toContain(`${host}/octo/base:1 has no linux/s390x; it has linux/amd64, linux/arm64`);
  expect(text).toContain("[base-platform-missing]");
  stage.setConfig(built(["linux/amd64", "linux/arm64"]));
  expect((await stage.preview()).exitCode).toBe(0);
});
