// @ts-check
// Starts other programs. Arguments never go through a shell.

import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";

/** @typedef {{ code: number, output: string }} Finished output: stdout and stderr as they came */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Runs a program to its end and keeps what it printed. A program that cannot be started ends with code 127.
 * @param {string} program @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<Finished & { stdout: string }>}
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

/** Ends what is still running, so that an interrupted command leaves no build behind. */
export function endChildren() {
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

/** npm as this very Node would run it; on Windows npm is a script that only a shell or Node can start. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  if (script && /\.c?js$/.test(script)) return { program: process.execPath, args: [script] };
  const beside = path.join(path.dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js");
  if (statSync(beside, { throwIfNoEntry: false })) return { program: process.execPath, args: [beside] };
  return { program: "npm", args: [] };
}

/** @param {string} output @param {number} [count] */
export function lastLines(output, count = 12) {
  const lines = output.trimEnd().split("\n");
  return lines
    .slice(-count)
    .map((line) => `    ${line}`)
    .join("\n");
}

/** npm puts the reason first, and its usage after it. @param {string} output @param {number} [count] */
export function firstLines(output, count = 12) {
  const lines = output.trim().split("\n");
  return lines
    .slice(0, count)
    .map((line) => `    ${line}`)
    .join("\n");
}
