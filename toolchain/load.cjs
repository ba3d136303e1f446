// Loads an entry of this package from its bundle in dist/, which is made again when a source has changed. The npm package
// has only the bundles. Loading some 200 modules one by one takes a second in every preview; a bundle takes a tenth of it.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");

/** Packages that the user's program shares or that cannot be bundled: loaded from their own files. */
const EXTERNAL = [
  "#toolchain/*",
  "@pulumi/docker",
  "@pulumi/docker-build",
  "@pulumi/github",
  "@pulumi/pulumi",
  "execa",
  "octokit",
];

/** The provider is a separate process, with the SDK's protocol files in its bundle. */
const EXTERNAL_OF_PROVIDER = ["execa"];

/**
 * @param {string} entry a TypeScript file, relative to this package
 * @returns {any} what the entry exports
 */
exports.load = (entry) => require(bundled(entry));

exports.bundled = bundled;

/** @param {string} entry @returns {string} its bundle, up to date */
function bundled(entry) {
  const bundle = path.join(root, "dist", entry.replace(/\.ts$/, ".js"));
  const hasSource = fs.existsSync(path.join(root, entry));
  if (hasSource && isStale(bundle)) {
    build(entry, bundle, entry.startsWith("src/provider/") ? EXTERNAL_OF_PROVIDER : EXTERNAL);
  }
  return bundle;
}

/** @param {string} bundle */
function isStale(bundle) {
  try {
    const { inputs } = JSON.parse(fs.readFileSync(`${bundle}.inputs.json`, "utf8"));
    const built = fs.statSync(bundle).mtimeMs;
    return inputs.some((/** @type {string} */ file) => fs.statSync(path.join(root, file)).mtimeMs > built);
  } catch {
    return true;
  }
}

/** @param {string} entry @param {string} bundle @param {string[]} external */
function build(entry, bundle, external) {
  const esbuild = require("esbuild");
  const { outputFiles, metafile } = esbuild.buildSync({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node20",
    external,
    logLevel: "warning",
  });
  const [output] = outputFiles;
  const own = Object.keys(metafile.inputs).filter((file) => !file.startsWith("node_modules/"));
  fs.mkdirSync(path.dirname(bundle), { recursive: true });
  writeWhole(bundle, output?.contents ?? "");
  writeWhole(`${bundle}.inputs.json`, JSON.stringify({ inputs: [...own, "package-lock.json"] }));
}

/** Two runs may do this at once. @param {string} file @param {string | Uint8Array} content */
function writeWhole(file, content) {
  const part = `${file}.${process.pid}`;
  fs.writeFileSync(part, content);
  fs.renameSync(part, file);
}
