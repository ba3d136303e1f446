import { readRow } from "./input-list";

/**
 * Reads image entries in docker/metadata-action's syntax and gives the names that are enabled, as written.
 *
 * An entry is a name, or `name=ghcr.io/octo/app,enable=true`. A single entry of bare names
 * (`octo/app,ghcr.io/octo/app`) stands for all of them; in one of several entries the last name wins.
 *
 * @throws TypeError that says what is wrong and what is allowed.
 */
export function parseImages(entries: readonly string[]): string[] {
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const fields = readRow(only);
    if (fields.length > 0 && fields.every((field) => !field.includes("="))) {
      return fields.map((field) => field.trim());
    }
  }
  return entries.flatMap((entry) => {
    const image = parseImage(entry);
    return image.enable ? [image.name] : [];
  });
}

function parseImage(entry: string): { name: string; enable: boolean } {
  const wrong = (what: string) => new TypeError(`image ${JSON.stringify(entry)}: ${what}`);
  let name = "";
  let enable = true;
  for (const field of readRow(entry)) {
    const [first = "", value] = field.split("=").map((part) => part.trim());
    if (value === undefined) {
      name = first;
      continue;
    }
    switch (first.toLowerCase()) {
      case "name":
        name = value;
        break;
      case "enable":
        if (value !== "true" && value !== "false") {
          throw wrong(`enable=${JSON.stringify(value)} is not one of true, false`);
        }
        enable = value === "true";
        break;
      default:
        throw wrong(`${JSON.stringify(first)} is not one of name, enable`);
    }
  }
  if (name === "") throw wrong("it has no name");
  return { name, enable };
}
