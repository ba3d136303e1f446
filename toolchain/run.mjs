// Starts other programs, never through a shell.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, onError?: (text: string) => void }} RunOptions
 * onError: gets standard error as it arrives */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Runs a program and collects what it prints; `output` is stdout and stderr in order of arrival. The code is 127 if the
 * program cannot be started.
 * @param {string} program @param {string[]} args @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string, stdout: string }>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutMs,
      windowsHide: true,
    });
    running.add(child);
    let output = "";
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
      options.onError?.(String(chunk));
    });
    child.on("error", (error) => {
      running.delete(child);
      resolve({ code: 127, output: error.message, stdout: "" });
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? 128, output: signal ? `${output}\n(ended by ${signal})` : output, stdout });
    });
  });
}

/** Ends all running children, so that an interrupted command leaves no build behind. */
function endChildren() {
  for (const child of running) child.kill("SIGTERM");
}

/**
 * @param {string} program @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} its full path, as a shell would find it
 */
export function findOnPath(program, env = process.env) {
  const suffixes = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  for (const folder of (env.PATH ?? env.Path ?? "").split(path.delimiter)) {
    for (const suffix of folder ? suffixes : []) {
      const file = path.join(folder, program + suffix);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat?.isFile() && (process.platform === "win32" || (stat.mode & 0o111) !== 0)) return file;
    }
  }
  return undefined;
}

/**
 * Runs npm with the current Node. On Windows npm is a script, which cannot be started without a shell or Node.
 * @param {string[]} args @param {RunOptions} options
 */
export function runNpm(args, options) {
  const script = process.env.npm_execpath;
  if (script && /\.c?js$/.test(script)) return run(process.execPath, [script, ...args], options);
  const beside = path.join(path.dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js");
  const isBeside = statSync(beside, { throwIfNoEntry: false }) !== undefined;
  return isBeside ? run(process.execPath, [beside, ...args], options) : run("npm", args, options);
}

/** @param {string} output @param {number} [count] */
export const lastLines = (output, count = 12) => indented(output.trimEnd().split("\n").slice(-count));

/** For npm, which prints the reason first and its usage after it. @param {string} output @param {number} [count] */
export const firstLines = (output, count = 12) => indented(output.trim().split("\n").slice(0, count));

/** @param {string[]} lines */
const indented = (lines) => lines.map((line) => `    ${line}`).join("\n");

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Runs a program in the foreground. After Ctrl-C, waits for it: the engine finishes the operations that it has begun.
 * @param {string} program @param {string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit code
 */
export function runInForeground(program, args, { cwd, env }) {
  // A terminal sends Ctrl-C to the whole process group. A second one would make the engine stop at once, so it is not
  // forwarded. Without a terminal, the program gets its own group, and signals are forwarded.
  const onTerminal = Boolean(process.stdin.isTTY);
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: "inherit",
    detached: !onTerminal && process.platform !== "win32",
  });
  let isEnding = false;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (isEnding || (signal === "SIGINT" && onTerminal)) return;
    isEnding = true;
    child.kill("SIGINT");
  };
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? (signal === "SIGKILL" ? 137 : 130));
    });
  });
}

/** @param {() => Promise<number | void>} main its result is the exit code */
export async function runCommand(main) {
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      endChildren();
      process.exit(code);
    });
  }
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    endChildren();
    console.error(`\n${messageOf(error)}`);
    if (process.env.SLIPWAY_DEBUG && error instanceof Error) console.error(error.stack);
    process.exitCode = 1;
  }
}

/**
 * Running processes that were started with a text in their environment. Always empty except on Linux.
 * @param {string} mark @returns {{ pid: number, command: string }[]}
 */
export function processesWith(mark) {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((name) => {
    if (!/^[0-9]+$/.test(name) || Number(name) === process.pid) return [];
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(mark)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      // A process without a command is a zombie.
      return command === "" ? [] : [{ pid: Number(name), command }];
    } catch {
      return [];
    }
  });
}

/**
 * Waits until such processes end. @returns those that are still running
 * @param {string} mark @param {{ withinMs: number, except?: RegExp }} options except: commands that may stay
 */
export async function processesLeft(mark, { withinMs, except }) {
  const until = Date.now() + withinMs;
  for (;;) {
    const left = processesWith(mark).filter(({ command }) => !except?.test(command));
    if (left.length === 0 || Date.now() > until) return left;
    await sleep(100);
  }
}
