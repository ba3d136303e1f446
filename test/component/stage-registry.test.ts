import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { StageRegistry, type StageRegistryArgs } from "../../components";
import { type Registered, record } from "../../src/testing/record";
import { DIGEST } from "../support/planned";

const ROOT = path.resolve(__dirname, "../..");
const declared = (args?: StageRegistryArgs) => record(() => void new StageRegistry("stage", args));
/** Image and volume depend on nothing, so they come in any order. */
const parts = (resources: readonly Registered[]) => {
  const named = (name: string) => resources.find((resource) => resource.name === name);
  return { image: named("stage-image"), volume: named("stage-content"), container: named("stage-container") };
};
const PINNED = `registry:3.1.2@sha256:${"a".repeat(64)}`;

test("it is one container on the loopback interface that restarts, with its content in a volume", async () => {
  const { resources, outputs } = await declared();
  expect(resources.map(({ type, name, parent }) => [type, name, parent]).sort()).toEqual([
    ["docker:index/container:Container", "stage-container", "stage"],
    ["docker:index/remoteImage:RemoteImage", "stage-image", "stage"],
    ["docker:index/volume:Volume", "stage-content", "stage"],
    ["slipway:index:StageRegistry", "stage", ""],
  ]);
  const { image, volume, container } = parts(resources);
  expect(image?.inputs).toEqual({ name: "registry:3.1.2", keepLocally: true });
  expect(volume).toMatchObject({ retainOnDelete: true, inputs: { name: "stage-content" } });
  expect(container?.inputs).toMatchObject({
    name: "stage",
    image: DIGEST,
    restart: "unless-stopped",
    ports: [{ internal: 5000, external: 5000, ip: "127.0.0.1" }],
    volumes: [{ volumeName: "stage-content", containerPath: "/var/lib/registry" }],
    envs: ["REGISTRY_STORAGE_DELETE_ENABLED=true", "OTEL_TRACES_EXPORTER=none"],
  });
  expect(container?.dependencies).toEqual(["stage-content", "stage-image"]);
  expect(outputs.get("stage")).toEqual({ host: "localhost:5000" });
});

test("port, image and whether to keep the content can be chosen", async () => {
  const { resources, outputs } = await declared({ port: 5055, image: PINNED, keepContent: false });
  const { image, volume, container } = parts(resources);
  expect(image?.inputs).toMatchObject({ name: PINNED });
  expect(volume?.retainOnDelete).toBe(false);
  expect(container?.inputs).toMatchObject({
    ports: [{ internal: 5000, external: 5055, ip: "127.0.0.1" }],
  });
  expect(outputs.get("stage")).toEqual({ host: "localhost:5055" });
});

test.each([
  [{ image: "registry" }, '"registry" is not pinned'],
  [{ image: "registry:latest" }, '"registry:latest" is not pinned'],
  [{ image: "registry:3" }, '"registry:3" is not pinned'],
  [{ image: "Registry:3.1" }, "is not an image reference"],
  [{ port: 0 }, "port 0 is not a whole number"],
  [{ port: 65_536 }, "port 65536 is not a whole number"],
])("%o is refused", async (args, message) => {
  await record(() => {
    expect(() => new StageRegistry("stage", args)).toThrow(message);
  });
});

test("a program that does not use it does not load @pulumi/docker", () => {
  const program = `
    require(${JSON.stringify(path.join(ROOT, "toolchain/load.cjs"))}).load("components/index.ts");
    const loaded = (name) => Object.keys(require.cache).some((file) => file.includes("/@pulumi/" + name + "/"));
    process.stdout.write(JSON.stringify({ docker: loaded("docker"), build: loaded("docker-build") }));`;
  const text = execFileSync(process.execPath, ["-e", program], { cwd: ROOT, encoding: "utf8" });
  expect(JSON.parse(text)).toEqual({ docker: false, build: true });
});
