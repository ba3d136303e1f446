import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { minVersion, satisfies } from "semver";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../package.json";
import { buildkitImage, parts, registryImage } from "../../toolchain/pins.mjs";

/** What Slipway itself stands on is named exactly, with a sum of its content. */
const ROOT = path.join(__dirname, "../..");
const FILES = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(path.join(ROOT, file)));

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

interface LockedPackage {
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly engines?: { readonly node?: string };
}

function lockedPackages(): [name: string, locked: LockedPackage][] {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(read("package-lock.json"));
  return Object.entries(lock.packages).filter(([name]) => name !== "");
}

describe("npm packages", () => {
  test.each(Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies }))(
    "%s is pinned exactly: %s",
    (_name, version) => {
      expect(version).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
    },
  );

  test("the lock file has the sum of each", () => {
    const packages = lockedPackages();
    expect(packages.length).toBeGreaterThan(100);
    expect(
      packages
        .filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""))
        .map(([name]) => name),
    ).toEqual([]);
  });

  test("two of those that are released run a script when they are installed, and no other may begin to", () => {
    const scripts = lockedPackages()
      .filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev)
      .map(([name]) => name.replace("node_modules/", ""));
    // The first asks Pulumi's CLI for its plugin, the second looks at version numbers and warns.
    expect(scripts).toEqual(["@pulumi/docker-build", "protobufjs"]);
  });

  test("each that is released runs on the oldest Node that the package names, or npm would warn", () => {
    const oldest = minVersion(packageJson.engines.node)?.version ?? "";
    const others = lockedPackages().filter(
      ([, { dev, engines }]) => !dev && engines?.node !== undefined && !satisfies(oldest, engines.node),
    );
    expect(others.map(([name, { engines }]) => `${name}: ${engines?.node}`)).toEqual([]);
  });

  test("run none of these scripts here or in a workflow", () => {
    const installs = FILES.filter((file) => /^\.ci\/|\/workflows\/[^/]+\.ya?ml$/.test(file)).flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => /\bnpm (?:ci|install)\b/.test(line)),
    );
    expect(installs.length).toBeGreaterThan(5);
    expect(installs.filter((line) => !line.includes("npm ci --ignore-scripts"))).toEqual([]);
    expect(read("toolchain/npm-packages.mjs")).toContain('"--ignore-scripts"');
  });
});

describe("the toolchain", () => {
  test.each(parts.map((part) => [part.name, part] as const))("%s: each source has a sum", (_name, part) => {
    expect(part.version).toMatch(/^\d+\.\d+\.\d+(-beta\.\d+)?$/);
    for (const { module } of part.go) {
      const sums = existsSync(path.join(ROOT, "toolchain/go", module, "go.sum"));
      const needsSums = read(`toolchain/go/${module}/go.mod`).includes("require");
      expect(sums).toBe(needsSums);
    }
    for (const { sha256 } of Object.values(part.wheel?.files ?? {})) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

test("a release file that is downloaded has its SHA-256 in sums.json, and no sum is left of another version", () => {
  const sums: Record<string, string> = JSON.parse(read("toolchain/sums.json"));
  const urls = parts.flatMap((part) =>
    (["linux", "darwin", "windows"] as const).flatMap((os) =>
      (["amd64", "arm64"] as const).map(
        (arch) => part.download({ os, arch, exe: os === "windows" ? ".exe" : "" })?.url,
      ),
    ),
  );
  for (const [url, sha256] of Object.entries(sums)) {
    expect(urls).toContain(url);
    expect(url).toMatch(/^https:\/\//);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
});

test("the toolchain's images are named by digest", () => {
  for (const image of [buildkitImage, registryImage]) expect(image).toMatch(/:[\w.]+@sha256:[0-9a-f]{64}$/);
});

describe("actions", () => {
  const workflows = FILES.filter((file) => /(?:^|\/)\.(?:github|gitea)\/workflows\/[^/]+\.ya?ml$/.test(file));

  test("there are workflows to look at", () => {
    expect(workflows).toContain(".github/workflows/ci.yml");
    expect(workflows.length).toBeGreaterThan(5);
  });

  test.each(workflows)("%s names each by a full commit", (file) => {
    expect(parse(read(file))).toHaveProperty("permissions", {});
    const uses = [...read(file).matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/^[\w./-]+@[0-9a-f]{40} # v\d/.test(action ?? ""))).toEqual([]);
  });
});

test("no file holds the marks of a merge", () => {
  const marked = FILES.filter((file) => /^(?:<{7} |>{7} |={7}$)/m.test(read(file)));
  expect(marked).toEqual([]);
});
