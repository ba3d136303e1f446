import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { partNamed } from "../../../toolchain/pins.mjs";
import { createProgress } from "../../../toolchain/progress.mjs";
import { provideToolchain, type Sources } from "../../../toolchain/provide.mjs";
import { buildPart } from "../../../toolchain/sources.mjs";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), "slipway-provide-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

type Log = string[];

function fakeSources(log: Log, overrides: Partial<Sources> = {}): Sources {
  return {
    machine: async () => ({ why: "no pulumi on the PATH" }),
    plugin: () => "no plugin in ~/.pulumi",
    download: async (download) => {
      log.push("download");
      return `${new URL(download.url).hostname} cannot be reached (no answer in 3.5 s)`;
    },
    modules: async () => {},
    go: async (part, target) => {
      log.push(`build ${part.name}`);
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      return undefined;
    },
    wheel: async (part, _platform, target) => {
      log.push(`wheel ${part.name}`);
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      return undefined;
    },
    ...overrides,
  };
}

function plainProgress() {
  const lines: Log = [];
  const progress = createProgress({
    stream: { write: (text: string) => lines.push(text.trimEnd()) },
    live: false,
  });
  return { lines, progress };
}

test("a part on the machine is used, and not copied to the cache", async () => {
  const log: Log = [];
  const bins = { pulumi: "/usr/bin/pulumi", "pulumi-language-nodejs": "/usr/bin/pulumi-language-nodejs" };
  const { lines, progress } = plainProgress();
  const toolchain = await provideToolchain({
    parts: ["pulumi"],
    cache,
    progress,
    sources: fakeSources(log, { machine: async () => ({ bins, version: "3.260.1" }) }),
  });
  expect(toolchain.bins).toEqual(bins);
  expect(toolchain.path).toEqual([]);
  expect(log).toEqual([]);
  expect(lines).toEqual(["✓ pulumi 3.260.1 (on this machine: /usr/bin/pulumi)"]);
});

test("a missing part is downloaded or else built; a second run finds it in the cache", async () => {
  const log: Log = [];
  const { lines, progress } = plainProgress();
  const options = { parts: ["crane"], cache, progress, sources: fakeSources(log) };
  const first = await provideToolchain(options);
  expect(log).toEqual(["download", "build crane"]);
  expect(lines.at(-1)).toMatch(/^✓ crane [\d.]+ \(built from source/);
  expect(first.path).toEqual([path.dirname(first.bins.crane ?? "")]);
  const second = await provideToolchain(options);
  expect(second).toEqual(first);
  expect(log).toEqual(["download", "build crane"]);
});

test("a plugin is installed below PULUMI_HOME, where the engine finds it", async () => {
  const { progress } = plainProgress();
  const { bins, path: folders } = await provideToolchain({
    parts: ["docker-build"],
    cache,
    progress,
    sources: fakeSources([]),
  });
  const name = "pulumi-resource-docker-build";
  expect(bins[name]).toBe(path.join(cache, "pulumi-home", "plugins", "resource-docker-build-v0.0.22", name));
  expect(folders).toEqual([]);
});

test("a plugin that was built from an older version of our program is built again, once", async () => {
  const log: Log = [];
  const { progress } = plainProgress();
  const plugin = path.join(cache, "pulumi-home/plugins/resource-github-v6.15.0");
  mkdirSync(plugin, { recursive: true });
  writeFileSync(path.join(plugin, "pulumi-resource-github"), "older");
  const options = { parts: ["github"], cache, progress, sources: fakeSources(log) };
  await provideToolchain(options);
  await provideToolchain(options);
  expect(log).toEqual(["download", "build github"]);
  expect(readFileSync(path.join(plugin, "pulumi-resource-github"), "utf8")).toBe("");
});

test("two runs at once do the work once", async () => {
  const log: Log = [];
  const sources = fakeSources(log, {
    go: async (part, target) => {
      log.push("build");
      await sleep(200);
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      return undefined;
    },
  });
  const { lines, progress } = plainProgress();
  const run = () => provideToolchain({ parts: ["crane"], cache, progress, sources });
  const [first, second] = await Promise.all([run(), run()]);
  expect(first).toEqual(second);
  expect(log.filter((line) => line === "build")).toHaveLength(1);
  expect(lines.join("\n")).toMatch(/waiting for process \d+, which is providing it/);
});

test("the incomplete folder of a killed run is not used, and is removed", async () => {
  const parts = path.join(cache, "parts");
  // Above the kernel's largest pid, so no process has it.
  const leftover = path.join(parts, ".making-99999999-abcd");
  mkdirSync(leftover, { recursive: true });
  writeFileSync(path.join(leftover, "crane"), "half");
  const log: Log = [];
  const { progress } = plainProgress();
  await provideToolchain({ parts: ["crane"], cache, progress, sources: fakeSources(log) });
  expect(log).toContain("build crane");
  expect(existsSync(leftover)).toBe(false);
  expect(readdirSync(parts)).toHaveLength(1);
});

test("a part that is not available is one error, with what was tried and what to do", async () => {
  const { progress } = plainProgress();
  const sources = fakeSources([], {
    go: (part, target, onProgress) => buildPart(part, target, onProgress, { PATH: "/nonexistent" }),
  });
  const providing = provideToolchain({ parts: ["pulumi"], cache, progress, sources });
  await expect(providing).rejects.toThrow(
    [
      `SLIPWAY_PART_MISSING: pulumi ${partNamed("pulumi").version} is not available. Tried:`,
      "  - this machine: no pulumi on the PATH",
      "  - official download: get.pulumi.com cannot be reached (no answer in 3.5 s)",
      "  - go build: no go on the PATH",
      "What you can do: install the Pulumi CLI (https://www.pulumi.com/docs/install/); or give this machine access to " +
        "get.pulumi.com; or install Go 1.26 or later (https://go.dev/dl/), so that Slipway can build it from source. " +
        "Then run the same command again; it continues.",
    ].join("\n"),
  );
  expect(readdirSync(path.join(cache, "parts"))).toEqual([]);
});

test("one missing part does not stop the others", async () => {
  const { progress } = plainProgress();
  const sources = fakeSources([], {
    go: async (part, target) => {
      if (part.name === "pulumi") return "no go on the PATH";
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      return undefined;
    },
  });
  await expect(provideToolchain({ parts: ["pulumi", "crane"], cache, progress, sources })).rejects.toThrow(
    /pulumi 3\.\d+\.\d+ is not available/,
  );
  expect(readdirSync(path.join(cache, "parts")).join()).toMatch(/^crane-/);
});

test("a build from source reports the time left for all builds", async () => {
  const { lines, progress } = plainProgress();
  let text = () => "";
  const sources = fakeSources([], {
    go: async (part, target, _onProgress, _env, onCount = () => {}) => {
      onCount({ modules: 12, packages: 30 });
      lines.push(`left: ${text()}`);
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      return undefined;
    },
  });
  const left = (said: () => string) => {
    text = said;
  };
  await provideToolchain({ parts: ["crane", "registry"], cache, progress: { ...progress, left }, sources });
  expect(lines.filter((line) => line.startsWith("left: "))).toEqual([
    "left: about 1 min left",
    "left: about 1 min left",
  ]);
  expect(text()).toBe("");
});

test.skipIf(process.platform === "win32")(
  "the output of `go build -v` is counted, and left out of an error",
  async () => {
    const bin = path.join(cache, "bin");
    mkdirSync(bin);
    const go = `#!/bin/sh
[ "$1" = version ] && echo "go version go1.26.0 linux/amd64" && exit
printf 'go: downloading github.com/google/go-containerregistry v0.22.1\ngo: downloading golang.org/x/sync v0.1.0\n' >&2
printf 'internal/goos\ngithub.com/a/b-c/v2\n' >&2
sleep 0.1
printf 'golang.org/x/sync/errgroup\n# github.com/a/b\n./x.go:1:2: undefined: y\n' >&2
exit 1
`;
    writeFileSync(path.join(bin, "go"), go, { mode: 0o755 });
    const counts: string[] = [];
    const onCount = ({ modules, packages }: { modules: number; packages: number }) =>
      counts.push(`${modules} ${packages}`);
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    const why = await buildPart(partNamed("crane"), cache, () => {}, env, onCount);
    expect(counts.at(-1)).toBe("2 3");
    expect(why).toMatch(/^`go build … .*` in toolchain\/go\/crane failed:\n/);
    expect(why).toContain("./x.go:1:2: undefined: y");
    expect(why).not.toContain("internal/goos");
  },
);

test("parts are built one at a time while the modules of the next one are downloaded", async () => {
  const log: Log = [];
  const { progress } = plainProgress();
  const sources = fakeSources(log, {
    modules: async ({ name }) => {
      log.push(`fetch ${name}`);
    },
    go: async (part, target) => {
      log.push("begin");
      await sleep(100);
      for (const bin of part.bins) writeFileSync(path.join(target, bin), "");
      log.push("end");
      return undefined;
    },
  });
  await provideToolchain({ parts: ["crane", "registry"], cache, progress, sources });
  const building = log.filter((line) => line === "begin" || line === "end");
  const atOnce = availableParallelism() > 4 && totalmem() > 6e9;
  expect(building).toEqual(atOnce ? ["begin", "begin", "end", "end"] : ["begin", "end", "begin", "end"]);
  const fetched = ["fetch crane", "fetch registry"].map((line) => log.indexOf(line));
  if (totalmem() > 6e9) expect(log.indexOf("end")).toBeGreaterThan(Math.max(...fetched));
});
