import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** One call of the CLI, as it saw it. */
export interface CliCall {
  readonly args: readonly string[];
  readonly stdin: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A Docker-compatible CLI that knows `login` and `build`: it builds for real, by the project's BuildKit. */
export interface DockerCli {
  /** For CI_DOCKER_CLI. */
  readonly program: string;
  /** Every call so far. */
  calls(): CliCall[];
  forget(): void;
  remove(): void;
}

/** Fails a build whose arguments hold the text of SLIPWAY_TEST_FAIL, with exit code 17, and hangs at SLIPWAY_TEST_HANG. */
const SCRIPT = `
const { execFileSync } = require("node:child_process");
const { appendFileSync, readFileSync, writeFileSync, mkdtempSync, rmSync } = require("node:fs");
const path = require("node:path");
const args = process.argv.slice(2);
const isLogin = args[0] === "login";
const stdin = isLogin ? readFileSync(0, "utf8") : "";
appendFileSync(path.join(__dirname, "calls.jsonl"), JSON.stringify({ args, stdin, env: process.env }) + "\\n");

function instance() {
  const file = path.join(process.env.BUILDX_CONFIG, "instances", "slipway");
  return JSON.parse(readFileSync(file, "utf8")).Nodes[0].Endpoint;
}

if (isLogin) {
  const file = path.join(process.env.DOCKER_CONFIG, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  const auth = Buffer.from(args[args.indexOf("--username") + 1] + ":" + stdin).toString("base64");
  config.auths = { ...config.auths, [args[1]]: { auth } };
  writeFileSync(file, JSON.stringify(config));
  console.log("the password is " + stdin);
} else if (args[0] === "build") {
  const fail = process.env.SLIPWAY_TEST_FAIL;
  if (fail && args.join(" ").includes(fail)) {
    console.error("step 1 of 2\\nERROR: the disk is full");
    process.exit(17);
  }
  if (process.env.SLIPWAY_TEST_HANG) {
    console.log("hanging");
    setInterval(() => {}, 1000);
  } else build();
} else {
  console.error("unknown command " + args[0]);
  process.exit(1);
}

function build() {
  const context = args[args.length - 1];
  const folder = mkdtempSync(path.join(__dirname, "build-"));
  const metadata = path.join(folder, "metadata.json");
  const out = ["--addr", instance(), "build", "--progress", "plain", "--frontend", "dockerfile.v0",
    "--local", "context=" + context, "--metadata-file", metadata];
  let iidFile;
  for (let at = 1; at < args.length - 1; at += 2) {
    const value = args[at + 1];
    const opt = { "--platform": "platform=", "--target": "target=", "--build-arg": "build-arg:", "--label": "label:",
      "--build-context": "context:" }[args[at]];
    if (opt !== undefined) out.push("--opt", opt + value);
    else if (args[at] === "--file") out.push("--local", "dockerfile=" + path.dirname(value), "--opt", "filename=" + path.basename(value));
    else if (args[at] === "--output") out.push("--output", value);
    else if (args[at] === "--secret") out.push("--secret", value);
    else if (args[at] === "--cache-from") out.push("--import-cache", value);
    else if (args[at] === "--cache-to") out.push("--export-cache", value);
    else if (args[at] === "--iidfile") iidFile = value;
    else throw new Error("unknown flag " + args[at]);
  }
  try {
    execFileSync("buildctl", out, { stdio: "inherit" });
    writeFileSync(iidFile, JSON.parse(readFileSync(metadata, "utf8"))["containerimage.digest"]);
  } catch (error) {
    process.exitCode = error.status || 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
`;

/** Writes it into a folder of its own. */
export function dockerCli(): DockerCli {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-docker-cli-"));
  const program = path.join(folder, "docker-alike");
  const log = path.join(folder, "calls.jsonl");
  writeFileSync(program, `#!${process.execPath}\n${SCRIPT}`);
  chmodSync(program, 0o755);
  return {
    program,
    calls: () =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .split("\n")
            .filter((line) => line !== "")
            .map((line): CliCall => JSON.parse(line))
        : [],
    forget: () => rmSync(log, { force: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
