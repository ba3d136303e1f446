import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crane } from "./crane";

export const SPDX = "https://spdx.dev/Document";

/**
 * Pushes an SBOM generator as BuildKit runs one: esbuild, which copies a ready statement to where BuildKit looks for it.
 * Each predicate makes another image under the same tag.
 */
export async function pushSbomGenerator(reference: string, predicate: object): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-generator-"));
  const paths = [path.dirname(require.resolve("esbuild/package.json"))];
  const esbuild = require.resolve(`@esbuild/linux-${process.arch}/bin/esbuild`, { paths });
  copyFileSync(esbuild, path.join(folder, "esbuild"));
  const statement = { _type: "https://in-toto.io/Statement/v0.1", predicateType: SPDX, predicate };
  writeFileSync(path.join(folder, "sbom.json"), JSON.stringify(statement));
  const layer = path.join(folder, "layer.tar");
  execFileSync("tar", ["--create", "--file", layer, "--directory", folder, "esbuild", "sbom.json"]);
  const command = ["/esbuild", "/sbom.json", "--loader:.json=copy", "--outfile=/run/out/app.spdx.json"];
  await crane("append", "--oci-empty-base", "--new_layer", layer, "--new_tag", reference);
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const platform = ["--set-platform", `linux/${architecture}`];
  await crane("mutate", reference, "--entrypoint", command.join(","), ...platform, "--tag", reference);
  rmSync(folder, { recursive: true });
}
