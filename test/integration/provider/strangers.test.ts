import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { offer, permit } from "../../../src/provider/handover";
import { NO_CONFIG } from "../../../src/release/provider-config";
import { Registries } from "../../../src/release/registries";
import { findOnPath } from "../../../toolchain/run.mjs";
import {
  contentInputs,
  ProviderCalls,
  type Target,
  tagsInputs,
  tryEverything,
} from "../../support/provider-client";
import { startRegistry, TEST_USER, type TestRegistry } from "../../support/registry";
import { newKeyPair } from "../../support/signed-image";

const NOBODY = 65534;
const ROOT = path.join(__dirname, "../../..");
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const isRootOnLinux = process.platform === "linux" && process.getuid?.() === 0;

let registry: TestRegistry;
let program: ChildProcess;
let target: Target;
/** As the engine: this process started the provider. */
let engine: ProviderCalls;
let engineServer: Http2Server;

beforeAll(async () => {
  registry = await startRegistry({ auth: "htpasswd" });
  const repository = `${registry.host}/octo/app`;
  const { client, path: at } = new Registries(
    { ...NO_CONFIG, credentials: { [registry.host]: TEST_USER } },
    {},
  ).at(repository);
  const config = await client.putBlob(at, new TextEncoder().encode("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: "application/vnd.example.test",
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: config.digest, size: config.size },
    layers: [],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const { digest } = await client.putManifest(at, "1.0.0", bytes, MANIFEST);
  // Refuses every call, so that the provider's log lines go nowhere. Without it the provider would end.
  engineServer = createServer();
  engineServer.on("stream", (stream) =>
    stream.respond({ "content-type": "application/grpc", "grpc-status": "12" }, { endStream: true }),
  );
  await once(engineServer.listen(0, "127.0.0.1"), "listening");
  const address = engineServer.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  const entry = path.join(ROOT, "src/provider/index.js");
  program = spawn(process.execPath, [entry, `127.0.0.1:${address.port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  target = { port: Number(await firstLine(program)), repository, digest };
  engine = new ProviderCalls(target.port);
});

afterAll(async () => {
  engine?.close();
  program?.kill("SIGKILL");
  engineServer?.close();
  await registry?.stop();
});

beforeEach(() => registry.forget());

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("no output");
  const [line] = await once(createInterface({ input: stdout }), "line");
  return String(line);
}

/** A script in a process of its own. */
function run(script: string, uid = process.getuid?.()): ChildProcess {
  const { outputFiles } = buildSync({
    stdin: { contents: script, resolveDir: __dirname, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
  });
  const child = spawn(process.execPath, ["-"], {
    cwd: "/",
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  child.stdin.end(outputFiles[0]?.text);
  return child;
}

/** What a process that is not the engine prints, as JSON. */
async function stranger(script: string, uid?: number): Promise<unknown> {
  return JSON.parse(await firstLine(run(script, uid)));
}

const tryingEverything = () => `
  import { tryEverything } from "../../support/provider-client";
  tryEverything(${JSON.stringify(target)}).then((answers) => console.log(JSON.stringify(answers)));`;

/** gRPC's UNAVAILABLE: the connection was closed before a byte of it was read. */
const ALL_REFUSED = Object.fromEntries(
  ["configure", "check", "create", "sign", "update", "read", "list", "image", "push", "cancel"].map(
    (name) => [name, expect.stringMatching(/^14: /)],
  ),
);

const STRANGERS = [
  ["another user of the machine", NOBODY],
  ["an unrelated process of the same user", undefined],
] as const;

describe.skipIf(!isRootOnLinux)("the provider serves only the engine that started it", () => {
  test.each(STRANGERS)("%s is refused before the program configures it", async (_, uid) => {
    expect(await stranger(tryingEverything(), uid)).toEqual(ALL_REFUSED);
    expect(await registry.log()).toEqual([]);
  });

  test("the engine configures it, once, and the program's resources are written and signed", async () => {
    permit("slipway-registry:index:Content::app-content");
    permit("slipway-registry:index:Tags::app-tags");
    const handover = await offer({
      credentials: { [registry.host]: TEST_USER },
      key: newKeyPair().privatePem,
    });
    const settings = {
      registries: JSON.stringify([{ host: registry.host, plainHttp: true }]),
      signing: '{"mode":"key"}',
      handover,
    };
    await engine.configure(settings);
    await expect(engine.configure(settings)).rejects.toThrow("configured already");
    await engine.create("Content", "app-content", contentInputs(target));
    await engine.create("Tags", "app-tags", tagsInputs(target, "latest"));
    const manifests = (await registry.writes()).filter(({ path: at }) => at.includes("/manifests/"));
    expect(manifests.map(({ path: at }) => at)).toEqual([
      "/v2/octo/app/manifests/sha-1111111",
      expect.stringMatching(/\/sha256:/),
      expect.stringMatching(/\/sha256-/),
      "/v2/octo/app/manifests/latest",
    ]);
  });

  test.each(STRANGERS)("%s is refused afterwards, and causes no request", async (_, uid) => {
    expect(await stranger(tryingEverything(), uid)).toEqual(ALL_REFUSED);
    expect(await registry.log()).toEqual([]);
  });

  test.skipIf(findOnPath("lsof") === undefined)(
    "/proc and lsof agree on which process holds a connection",
    async () => {
      const asking = `
      import { createServer } from "node:net";
      import { isOfEngine } from "../../../src/provider/engine-peer";
      const server = createServer(async (socket) =>
        socket.end(JSON.stringify([await isOfEngine(socket, "linux"), await isOfEngine(socket, "darwin")])));
      server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));`;
      const child = run(asking);
      try {
        const { port } = JSON.parse(await firstLine(child));
        const own = connect({ host: "127.0.0.1", port });
        expect(JSON.parse(String((await once(own, "data"))[0]))).toEqual([true, true]);
        const connecting = `
        import { connect } from "node:net";
        connect({ host: "127.0.0.1", port: ${port} }).on("data", (data) => console.log(String(data)));`;
        expect(await stranger(connecting, NOBODY)).toEqual([false, false]);
        expect(await stranger(connecting)).toEqual([false, false]);
      } finally {
        child.kill();
      }
    },
  );

  test("a connection from another loopback address with the engine's port is not the engine's", async () => {
    const connecting = (from: string) => `
      import { connect } from "node:net";
      const socket = connect({ host: "127.0.0.1", port: ${target.port}, localAddress: ${JSON.stringify(from)}, localPort: 47123 });
      const end = (what: string) => { console.log(JSON.stringify(what)); process.exit(); };
      socket.on("close", () => end("closed"));
      socket.on("error", () => end("closed"));
      setTimeout(() => end("open"), 1_500);`;
    const own = connect({ host: "127.0.0.1", port: target.port, localPort: 47123 });
    await once(own, "connect");
    try {
      expect(await stranger(connecting("127.0.0.2"), NOBODY)).toBe("closed");
      expect(own.destroyed).toBe(false);
    } finally {
      own.destroy();
    }
  });

  test("through the engine, what the program did not declare can be read but not written", async () => {
    const refused = expect.stringMatching(/^2: .*did not declare/);
    expect(await tryEverything(target)).toEqual({
      configure: "2: slipway-registry is configured already",
      check: "done",
      create: refused,
      sign: refused,
      update: refused,
      read: "done",
      list: "done",
      image: "done",
      // Only the program itself asks for push rights.
      push: expect.stringMatching(/^2: .*has no function/),
      cancel: "done",
    });
    expect(await registry.writes()).toEqual([]);
  });
});
