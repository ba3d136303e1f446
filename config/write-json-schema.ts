import { readFileSync, writeFileSync } from "node:fs";
import { argsTypesText } from "./args-types";
import { stackFileSchemaText } from "./json-schema";

/** The files that are generated from `config/schema.ts`. */
const FILES: Readonly<Record<string, () => string>> = {
  "slipway.schema.json": stackFileSchemaText,
  "components/args.ts": argsTypesText,
};

/** `npm run schema [-- --check]`, in the project's folder: writes the generated files, or reports those that are stale. */
export function main(argv: readonly string[]): void {
  for (const [file, render] of Object.entries(FILES)) {
    const text = render();
    if (!argv.includes("--check")) {
      writeFileSync(file, text);
    } else if (readFileSync(file, "utf8") !== text) {
      process.stderr.write(`${file} does not fit config/schema.ts. Run: npm run schema\n`);
      process.exitCode = 1;
    }
  }
}
