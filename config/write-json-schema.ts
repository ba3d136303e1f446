import { readFileSync, writeFileSync } from "node:fs";
import { stackFileSchemaText } from "./json-schema";

const FILE = "slipway.schema.json";

/** `npm run schema [-- --check]`, in the project's folder: writes slipway.schema.json, or says that it is stale. */
export function main(argv: readonly string[]): void {
  const text = stackFileSchemaText();
  if (!argv.includes("--check")) {
    writeFileSync(FILE, text);
    return;
  }
  if (readFileSync(FILE, "utf8") === text) return;
  process.stderr.write(`${FILE} does not fit config/schema.ts. Run: npm run schema\n`);
  process.exitCode = 1;
}
