import { createHash, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/plan/digest";
import type { RegistryClient } from "../../../src/registry/client";
import { type CopyProgress, copyContent } from "../../../src/registry/copy";
import { bytesText, copyWithProgress } from "../../../src/release/copy-content";
import { type EngineLog, NO_LOG } from "../../../src/release/operation";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { clientOf, json, pushIndex, validate } from "./content";

describe("copyContent with bytes on their way", () => {
  let stage: TestRegistry;
  let prod: TestRegistry;
  let proxy: FaultProxy;
  let source: RegistryClient;
  let target: RegistryClient;
  let repository: string;
  let count = 0;

  beforeAll(async () => {
    stage = await startRegistry();
    prod = await startRegistry();
    proxy = await startFaultProxy(prod.host);
  }, 30_000);
  afterAll(async () => {
    await proxy.stop();
    await stage.stop();
    await prod.stop();
  });
  beforeEach(() => {
    proxy.reset();
    source = clientOf(stage.host);
    target = clientOf(proxy.host);
    repository = `octo/app${++count}`;
  });
  afterEach(async () => {
    await source.close();
    await target.close();
  });

  it("survives a source that breaks off while it streams", async () => {
    const flaky = await startFaultProxy(stage.host);
    const index = await pushIndex(source, repository, { layerSize: 2_000_000 });
    flaky.inject({ method: "GET", path: /blobs/, times: 3, fault: { kind: "truncate", bytes: 300_000 } });
    const from = clientOf(flaky.host);
    const progress: CopyProgress[] = [];
    try {
      await copyContent({
        from: { client: from, repository },
        to: { client: target, repository },
        digest: index.digest,
        onProgress: (bytes) => progress.push(bytes),
      });
      await validate(`${prod.host}/${repository}@${index.digest}`);
      // What was sent twice counts once.
      expect(progress.filter(({ sent, total }) => sent < 0 || sent > total)).toEqual([]);
      const { sent, total } = progress.at(-1) ?? {};
      expect(total).toBeGreaterThan(4_000_000);
      expect(sent).toBe(total);
    } finally {
      await from.close();
      await flaky.stop();
    }
  }, 20_000);

  it.each<[string, number, number, RegExp, RegExp]>([
    [
      "slow",
      8_000_000,
      50,
      /^copied (?:[\d.]+ [kM]?B) of 16 MB \([\d.]+ [kM]?B\/s\) to prod\/app$/,
      /^copied 16 MB to prod\/app \(/,
    ],
    [
      "large",
      51_000_000,
      2,
      /^copied (?:[\d.]+ [kM]?B) of 102 MB \([\d.]+ [kM]?B\/s\) to prod\/app$/,
      /^copied 102 MB to prod\/app \(/,
    ],
    ["small and fast", 8_000_000, 1, /^$/, /^$/],
  ])(
    "shows bytes and rate of what is large or slow: %s",
    async (what, layerSize, step, during, end) => {
      const index = await pushIndex(source, repository, { layerSize });
      const lines: { passing: string[]; kept: string[] } = { passing: [], kept: [] };
      const log: EngineLog = {
        ...NO_LOG,
        status: async (urn, line) => void lines.passing.push(`${urn}: ${line}`),
        info: async (urn, line) => void lines.kept.push(`${urn}: ${line}`),
      };
      const from = { client: source, path: repository, repository: "stage/app" };
      const to = { client: target, path: repository, repository: "prod/app" };
      let now = 0;
      const clock = () => {
        now += step;
        return now;
      };
      await copyWithProgress(log, "urn", { from, to, digest: index.digest }, clock);
      const isShown = what !== "small and fast";
      expect(lines.kept).toHaveLength(isShown ? 1 : 0);
      expect(lines.passing.length > 0).toBe(isShown);
      // Every ten seconds at most, after the first ones.
      expect(lines.passing.length).toBeLessThan(6 + now / 10_000);
      for (const line of lines.passing) expect(line.replace(/^urn: /, "")).toMatch(during);
      for (const line of lines.kept) expect(line.replace(/^urn: /, "")).toMatch(end);
      // What is there is not copied, and nothing is said of it.
      await copyWithProgress(log, "urn", { from, to, digest: index.digest }, clock);
      expect(lines.kept).toHaveLength(isShown ? 1 : 0);
    },
    20_000,
  );

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [999_600, "1.0 MB"],
    [9_940_000, "9.9 MB"],
    [9_960_000, "10 MB"],
    [312_400_000, "312 MB"],
    [1_900_000_000, "1.9 GB"],
    [2e15, "2000 TB"],
  ])("%d bytes are %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it("copies nothing that is not what its digest says", async () => {
    const lying = await startFaultProxy(stage.host);
    const index = await pushIndex(source, repository, { layerSize: 50_000 });
    lying.inject({ method: "GET", path: /blobs/, fault: { kind: "corrupt" } });
    const from = clientOf(lying.host);
    try {
      const copying = copyContent({
        from: { client: from, repository },
        to: { client: target, repository },
        digest: index.digest,
      });
      await expect(copying).rejects.toMatchObject({ code: "registry-digest-mismatch", registry: lying.host });
      expect(await target.headManifest(repository, index.digest)).toBeUndefined();
    } finally {
      await from.close();
      await lying.stop();
    }
  });

  it("streams large layers in bounded memory", async () => {
    const size = 256 * 1024 * 1024;
    const piece = randomBytes(1024 * 1024);
    const hash = createHash("sha256");
    for (let at = 0; at < size; at += piece.length) hash.update(piece);
    const digest = `sha256:${hash.digest("hex")}`;
    await source.putBlobStream(repository, { digest, size }, async () =>
      (async function* () {
        for (let at = 0; at < size; at += piece.length) yield piece;
      })(),
    );
    const config = await source.putBlob(repository, json({}));
    const bytes = json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: config.digest,
        size: config.size,
      },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size }],
    });
    const image = await source.putManifest(
      repository,
      digestOf(bytes),
      bytes,
      "application/vnd.oci.image.manifest.v1+json",
    );
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers + process.memoryUsage().external - before);
    }, 5);
    // The proxy in this process would count too.
    const direct = clientOf(prod.host);
    const { bytes: sent } = await copyContent({
      from: { client: source, repository },
      to: { client: direct, repository },
      digest: image.digest,
    });
    clearInterval(timer);
    await direct.close();
    expect(sent).toBeGreaterThan(size);
    expect(most).toBeLessThan(size / 2);
  }, 60_000);
});
