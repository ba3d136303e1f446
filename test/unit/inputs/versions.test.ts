import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEnvFile, resolveBuildArgs } from "../../../src/inputs/versions";
import { folderWith, temporaryFolder } from "./repository";

describe("build arguments from files", () => {
  it("are literals, or keys of files", async () => {
    const projectDir = await folderWith({
      "VERSIONS.env": "# pins\nAGENT_KIT_REF=v1.2.3\nexport OTHER='a b' # why\n",
    });
    const answer = await resolveBuildArgs({
      projectDir,
      buildArgs: {
        A: { kind: "literal", value: "" },
        REF: { kind: "file", file: "VERSIONS.env", key: "AGENT_KIT_REF" },
        OTHER: { kind: "file", file: "VERSIONS.env", key: "OTHER" },
      },
    });
    expect(answer).toEqual({
      values: { A: "", REF: "v1.2.3", OTHER: "a b" },
      origins: { REF: "AGENT_KIT_REF in VERSIONS.env", OTHER: "OTHER in VERSIONS.env" },
      problems: [],
    });
  });

  it("are refused for every missing file and key", async () => {
    const projectDir = await folderWith({ "V.env": "A=1\nB=2\n", out: { link: "/etc/passwd" } });
    const { problems } = await resolveBuildArgs({
      projectDir,
      path: "images[0].buildArgs",
      buildArgs: {
        X: { kind: "file", file: "nowhere.env", key: "X" },
        Y: { kind: "file", file: "V.env", key: "Y" },
        Z: { kind: "file", file: "out", key: "root" },
        D: { kind: "file", file: ".", key: "D" },
      },
    });
    expect(
      problems.map(({ path, message, code }) =>
        `${path}: ${message} [${code}]`.replaceAll(projectDir, "<p>"),
      ),
    ).toEqual([
      'images[0].buildArgs.X: "nowhere.env" does not exist (looked for <p>/nowhere.env) [build-arg-file]',
      'images[0].buildArgs.Y: "V.env" has no key Y; it has A, B [build-arg-key]',
      'images[0].buildArgs.Z: "out" leads out of the project, to /etc/passwd [build-arg-file]',
      'images[0].buildArgs.D: "." is not a file [build-arg-file]',
    ]);
  });

  it("are KEY=value lines as shells read them", () => {
    const text = 'A=1\r\n B = x y \n#C=3\nD="a # b"\nE=a#b\nF=a #b\nG=\n1BAD=x\nA=2\nexport H=h\nI=#x\n';
    expect(Object.fromEntries(parseEnvFile(text))).toEqual({
      A: "2",
      B: "x y",
      D: "a # b",
      E: "a#b",
      F: "a",
      G: "",
      H: "h",
      I: "",
    });
  });
});

describe("the newest version in npm's registry", { timeout: 60_000 }, () => {
  let server: Server;
  let registry: string;
  const asked: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/silent") return;
      if (request.url !== "/@octo%2fslim" && request.url !== "/odd") {
        response.writeHead(404, { "content-type": "application/json" }).end("{}");
        return;
      }
      const versions = ["1.0.7", "2.0.0-rc.1", "not a version"];
      const packument = {
        name: "x",
        "dist-tags": { latest: request.url === "/odd" ? "not a version" : "1.0.7", next: "2.0.0-rc.1" },
        versions: Object.fromEntries(versions.map((version) => [version, { name: "x", version, dist: {} }])),
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(packument));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address: AddressInfo | string | null = server.address();
    if (address === null || typeof address === "string") throw new Error("the registry has no port");
    registry = `http://127.0.0.1:${address.port}/`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function latestOf(
    source: string,
    options: { env?: Record<string, string>; deadlineMs?: number } = {},
  ) {
    const projectDir = await folderWith({ ".npmrc": `registry=${registry}\n`, "package.json": "{}" });
    return resolveBuildArgs({
      projectDir,
      buildArgs: { V: { kind: "latest-of", source } },
      env: { npm_config_cache: await temporaryFolder(), npm_config_registry: registry, ...options.env },
      deadlineMs: options.deadlineMs,
    });
  }

  it("comes from the registry that npm is configured for", async () => {
    const answer = await latestOf("npm:@octo/slim");
    expect(answer).toEqual({
      values: { V: "1.0.7" },
      origins: { V: "the newest version of @octo/slim in the npm registry (latest)" },
      problems: [],
    });
    expect(asked).toContain("/@octo%2fslim");
  });

  it("can be that of another tag", async () => {
    expect((await latestOf("npm:@octo/slim@next")).values).toEqual({ V: "2.0.0-rc.1" });
  });

  it("is a problem if there is no such package, no version, no registry or no answer", async () => {
    const dead = { npm_config_registry: "http://127.0.0.1:9/" };
    const [missing, odd, refused, silent, invalid] = await Promise.all([
      latestOf("npm:nowhere"),
      latestOf("npm:odd"),
      latestOf("npm:nowhere", { env: dead }),
      latestOf("npm:silent", { deadlineMs: 4000 }),
      latestOf("npm:--registry=x"),
    ]);
    const message = (answer: Awaited<ReturnType<typeof latestOf>>) =>
      answer.problems.map((problem) => problem.message).join();
    expect(message(missing)).toMatch(/^npm view nowhere@latest: E404 /);
    expect(message(odd)).toMatch(/^npm view odd@latest: E404 No match found/);
    expect(message(refused)).toMatch(/^npm view nowhere@latest: ECONNREFUSED /);
    expect(message(silent)).toMatch(/^npm view silent@latest: (no answer within 4 seconds|.*timeout)/i);
    expect(message(invalid)).toBe('"npm:--registry=x" is not npm:<package> or npm:<package>@<tag>');
    expect(missing.problems[0]).toMatchObject({ code: "build-arg-latest", path: "buildArgs.V" });
  });
});
