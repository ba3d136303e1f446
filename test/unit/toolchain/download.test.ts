import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { downloadPart, forgetHosts, unreachable } from "../../../toolchain/from-download.mjs";
import { checksumFor } from "../../../toolchain/pin-sums.mjs";
import type { Download } from "../../../toolchain/pins.mjs";

const sum = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

describe("checksumFor", () => {
  const expected = sum("expected");
  const other = sum("other");
  const statement = { subject: [{ name: "buildkit.tar.gz", digest: { sha256: expected } }] };
  const envelope = { payload: Buffer.from(JSON.stringify(statement)).toString("base64") };
  test.each([
    ["a list of sums", `${other}  a.tar.gz\n${expected}  buildkit.tar.gz\n`, expected],
    ["the star of binary mode", `${expected} *buildkit.tar.gz\n`, expected],
    ["a folder before the name", `${expected}  ./buildkit.tar.gz\n`, expected],
    ["a single sum", `${expected}\n`, expected],
    ["an in-toto statement", JSON.stringify(statement, null, 2), expected],
    [
      "in-toto statements in envelopes, one per line",
      `${JSON.stringify({ subject: [] })}\n${JSON.stringify(envelope)}\n`,
      expected,
    ],
    ["only another file's sum", `${other}  a.tar.gz\n`, undefined],
    ["a name with the same beginning", `${other}  buildkit.tar.gz.sbom\n`, undefined],
    ["a page of HTML", "<!doctype html><title>Sign in</title>", undefined],
  ])("%s", (_what, text, found) => {
    expect(checksumFor(text, "buildkit.tar.gz")).toBe(found);
  });
});

describe("unreachable", () => {
  beforeEach(() => forgetHosts());
  test("a host without an address takes less than 5 seconds, once a run", async () => {
    const started = Date.now();
    expect(await unreachable("https://unreachable.invalid/a")).toMatch(
      /^unreachable\.invalid cannot be reached/,
    );
    expect(Date.now() - started).toBeLessThan(5_000);
    const again = Date.now();
    await unreachable("https://unreachable.invalid/b");
    expect(Date.now() - again).toBeLessThan(100);
  });
  test("a host that never answers takes less than 5 seconds", async () => {
    // TEST-NET-1 is never routed.
    const started = Date.now();
    expect(await unreachable("https://192.0.2.1/a")).toMatch(/^192\.0\.2\.1 cannot be reached/);
    expect(Date.now() - started).toBeLessThan(5_000);
  });
});

describe("downloadPart", () => {
  let dir: string;
  let server: Server;
  let base: string;
  const files = new Map<string, Buffer>();
  beforeEach(async () => {
    forgetHosts();
    files.clear();
    requests.length = 0;
    dir = mkdtempSync(path.join(tmpdir(), "slipway-download-"));
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      const file = files.get(request.url ?? "");
      response.statusCode = file ? 200 : 404;
      response.end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true, force: true });
  });

  let sums: Record<string, string>;
  const requests: string[] = [];

  function publish(): Download {
    const source = path.join(dir, "source");
    mkdirSync(path.join(source, "tool"), { recursive: true });
    writeFileSync(path.join(source, "tool", "tool"), "#!/bin/sh\n", { mode: 0o644 });
    execFileSync("tar", ["-czf", path.join(dir, "tool.tar.gz"), "-C", source, "tool"]);
    const archive = readFileSync(path.join(dir, "tool.tar.gz"));
    files.set("/tool.tar.gz", archive);
    sums = { [`${base}/tool.tar.gz`]: sum(archive) };
    return {
      url: `${base}/tool.tar.gz`,
      checksums: `${base}/checksums.txt`,
      kind: "archive",
      members: { tool: "tool/tool" },
    };
  }
  const target = () => {
    const folder = path.join(dir, "target");
    mkdirSync(folder);
    return folder;
  };

  test("unpacks the binary, makes it executable and removes the rest", async () => {
    const folder = target();
    const download = publish();
    expect(await downloadPart(download, folder, () => {}, sums)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(["tool"]);
    expect(statSync(path.join(folder, "tool")).mode & 0o777).toBe(0o755);
  });

  test("refuses a file with another sum", async () => {
    const download = publish();
    files.set("/tool.tar.gz", Buffer.from("tampered with"));
    const folder = target();
    expect(await downloadPart(download, folder, () => {}, sums)).toBe(
      `${base}/tool.tar.gz has SHA-256 ${sum("tampered with")}, toolchain/sums.json says ${sums[download.url]}`,
    );
    expect(existsSync(path.join(folder, "tool"))).toBe(false);
  });

  test("downloads nothing without a committed sum, even if the publisher's list has one", async () => {
    const download = publish();
    files.set("/checksums.txt", Buffer.from(`${sums[download.url]}  tool.tar.gz\n`));
    expect(await downloadPart(download, target(), () => {})).toBe(
      `toolchain/sums.json has no SHA-256 for ${base}/tool.tar.gz`,
    );
    expect(requests).toEqual([]);
  });
});
