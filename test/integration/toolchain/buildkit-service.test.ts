import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildkitDown, buildkitUp, isOwnBuildkitUp } from "../../../toolchain/buildkit-service.mjs";
import { provideSample } from "../../../toolchain/npm-packages.mjs";
import { findOnPath } from "../../../toolchain/run.mjs";

const programs = ["buildkitd", "buildctl", "runc"] as const;
const bins = Object.fromEntries(programs.flatMap((name) => [[name, findOnPath(name) ?? ""]]));
// Where a Docker engine or a BuildKit of the person's own builds, ours is not provided.
const isPossible =
  process.platform === "linux" && process.getuid?.() === 0 && Object.values(bins).every(Boolean);

describe.skipIf(!isPossible)("a BuildKit of our own", () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(tmpdir(), "slipway-buildkit-"));
  });
  afterAll(async () => {
    await buildkitDown({ cache });
    rmSync(cache, { recursive: true, force: true });
  });

  test("builds the sample for both platforms, its RUN step included", async () => {
    await provideSample();
    const { endpoint, state } = await buildkitUp({ cache, bins });
    expect(state).toBe("started");
    expect((await buildkitUp({ cache, bins })).state).toBe("running");
    const sample = path.resolve(__dirname, "../../../examples/sample");
    const out = path.join(cache, "out");
    const args = ["--addr", endpoint, "build", "--frontend", "dockerfile.v0", "--progress", "plain"];
    args.push("--local", `context=${sample}`, "--local", `dockerfile=${sample}`);
    args.push("--opt", "platform=linux/amd64,linux/arm64", "--output", `type=local,dest=${out}`);
    execFileSync(bins.buildctl ?? "", args, { stdio: "pipe" });
    const find = execFileSync("find", [".", "-type", "f"], { cwd: out, encoding: "utf8" });
    expect(find.split("\n").filter(Boolean).sort()).toEqual(
      ["linux_amd64", "linux_arm64"].flatMap((platform) =>
        ["esbuild", "site/app.js", "site/index.html"].map((file) => `./${platform}/${file}`),
      ),
    );
    expect(await buildkitDown({ cache })).toBe(true);
    expect(isOwnBuildkitUp(cache)).toBe(false);
  });
});
