import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackFileSchemaText } from "./json-schema";

/** `node --require tsx/cjs config/write-json-schema.ts [--check]`: writes slipway.schema.json, or says that it is stale. */
const file = join(__dirname, "..", "slipway.schema.json");
const text = stackFileSchemaText();

if (process.argv.includes("--check")) {
  if (read() !== text) {
    process.stderr.write(
      "slipway.schema.json does not fit config/schema.ts. Run: node --require tsx/cjs config/write-json-schema.ts\n",
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, text);
}

function read(): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
