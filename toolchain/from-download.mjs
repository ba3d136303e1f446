// Downloads a part's release file from its publisher and checks it against the SHA-256 in sums.json.

import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { lastLines, messageOf, run } from "./run.mjs";

/** @typedef {import('./pins.mjs').Download} Download */

/** Address -> SHA-256. @type {Readonly<Record<string, string>>} */
const committedSums = JSON.parse(readFileSync(new URL("sums.json", import.meta.url), "utf8"));

const connectMs = 3_500;
const answerMs = 15_000;
const silenceMs = 30_000;

/** Remembered for the run, so that an unreachable host costs its seconds only once.
 * @type {Map<string, Promise<string | undefined>>} */
const hosts = new Map();

/** @param {string} url @returns {Promise<string | undefined>} why its host cannot be reached */
export function unreachable(url) {
  const { hostname: host, port, protocol } = new URL(url);
  const target = { host, port: Number(port || (protocol === "https:" ? 443 : 80)) };
  const key = `${host}:${target.port}`;
  const answer = hosts.get(key) ?? ask();
  hosts.set(key, answer);
  return answer;

  async function ask() {
    // Behind a proxy (Node 22.21+ with NODE_USE_ENV_PROXY=1) the host may be unreachable directly.
    const why = process.env.NODE_USE_ENV_PROXY === "1" ? undefined : await whyNoAnswer(target, connectMs);
    return why && `${host} cannot be reached (${why})`;
  }
}

/**
 * Connects once and disconnects.
 * @param {import('node:net').NetConnectOpts} target @param {number} timeoutMs
 * @returns {Promise<string | undefined>} why nothing answers
 */
export function whyNoAnswer(target, timeoutMs) {
  return new Promise((resolve) => {
    const socket = connect(target);
    /** @param {string | undefined} why */
    const end = (why) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    // The socket's own timeout does not cover name resolution.
    const timer = setTimeout(() => end(`no answer in ${timeoutMs / 1000} s`), timeoutMs);
    socket.on("connect", () => end(undefined));
    socket.on("error", (error) => end(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
  });
}

/**
 * @param {Download} download @param {string} target folder that gets the binaries
 * @param {(doing: string) => void} onProgress @param {Readonly<Record<string, string>>} [sums]
 * @returns {Promise<string | undefined>} why the download failed
 */
export async function downloadPart(download, target, onProgress, sums = committedSums) {
  const expected = sums[download.url];
  if (!expected) return `toolchain/sums.json has no SHA-256 for ${download.url}`;
  const work = path.join(target, ".download");
  try {
    const why = await unreachable(download.url);
    if (why) return why;
    mkdirSync(work, { recursive: true });
    const name = path.basename(new URL(download.url).pathname);
    const file = path.join(work, name);
    onProgress(`downloading ${download.url}`);
    const found = await fetchFile(download.url, file);
    if (found !== expected)
      return `${download.url} has SHA-256 ${found}, toolchain/sums.json says ${expected}`;
    if (download.kind === "archive") {
      const { code, output } = await run("tar", ["-xf", file, "-C", work]);
      if (code !== 0) return `tar could not unpack ${name}:\n${lastLines(output)}`;
    }
    for (const [bin, member] of Object.entries(download.members)) {
      const place = path.join(target, bin + path.extname(member).replace(/^(?!\.exe$).*/, ""));
      copyFileSync(path.join(work, member), place);
      chmodSync(place, 0o755);
    }
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause ? ` (${error.cause})` : "";
    return messageOf(error) + cause;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} url */
async function request(url) {
  const abort = new AbortController();
  const late = new Error(`${url}: no answer in ${answerMs / 1000} s`);
  const timer = setTimeout(() => abort.abort(late), answerMs);
  try {
    const response = await fetch(url, { signal: abort.signal, redirect: "follow" });
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    return { body: response.body, abort };
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} url @param {string} file @returns {Promise<string>} its SHA-256 */
async function fetchFile(url, file) {
  const { body, abort } = await request(url);
  const hash = createHash("sha256");
  const quiet = () => abort.abort(new Error(`${url}: nothing came for ${silenceMs / 1000} s`));
  let timer = setTimeout(quiet, silenceMs);
  const watch = new Transform({
    transform(chunk, _encoding, next) {
      clearTimeout(timer);
      timer = setTimeout(quiet, silenceMs);
      hash.update(chunk);
      next(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(/** @type {any} */ (body)), watch, createWriteStream(file));
  } finally {
    clearTimeout(timer);
  }
  return hash.digest("hex");
}

/** For tests. */
export function forgetHosts() {
  hosts.clear();
}

/** @param {string} file */
export function sha512Of(file) {
  return `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
}
