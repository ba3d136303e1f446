// npm run sums: writes sums.json, the SHA-256 of every release file that pins.mjs names, from its publisher's own lists.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parts } from "./pins.mjs";

/**
 * The SHA-256 of a file in a list of sums ("<sum>  <name>", or a single "<sum>") or in in-toto statements, plain or in
 * envelopes, also one per line.
 * @param {string} text @param {string} name
 * @returns {string | undefined}
 */
export function checksumFor(text, name) {
  const lines = text.split("\n").map((line) => line.trim());
  for (const line of lines) {
    const match = /^([0-9a-f]{64})(?:\s+[*]?(?:\.\/)?(\S+))?$/i.exec(line);
    if (match && (match[2] === name || (match[2] === undefined && lines.filter(Boolean).length === 1))) {
      return match[1]?.toLowerCase();
    }
  }
  for (const candidate of [text, ...lines]) {
    if (!candidate.startsWith("{")) continue;
    try {
      const found = inTotoSubject(JSON.parse(candidate), name);
      if (found) return found;
    } catch {
      // One line of a JSON document with several lines.
    }
  }
  return undefined;
}

/** @param {any} statement @param {string} name @returns {string | undefined} */
function inTotoSubject(statement, name) {
  const payload = statement?.payload ?? statement?.dsseEnvelope?.payload;
  if (typeof payload === "string") {
    return inTotoSubject(JSON.parse(Buffer.from(payload, "base64").toString("utf8")), name);
  }
  for (const subject of statement?.subject ?? []) {
    if (path.basename(String(subject?.name)) === name) return subject?.digest?.sha256;
  }
  return undefined;
}

/** @param {string} url */
async function fetchText(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

async function pinSums() {
  /** @type {Record<string, string>} */
  const sums = {};
  for (const part of parts) {
    for (const os of part.only ?? /** @type {const} */ (["linux", "darwin", "windows"])) {
      for (const arch of /** @type {const} */ (["amd64", "arm64"])) {
        const download = part.download({ os, arch, exe: os === "windows" ? ".exe" : "" });
        if (!download) continue;
        // Some publishers have no file for a platform. Without a sum, the part is built from source.
        const list = await fetchText(download.checksums).catch((error) => String(error));
        const sum = checksumFor(list, path.basename(download.url));
        if (sum) sums[download.url] = sum;
        else console.error(`no SHA-256: ${download.url}`);
      }
    }
  }
  const sorted = Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(new URL("sums.json", import.meta.url), `${JSON.stringify(sorted, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await pinSums();
