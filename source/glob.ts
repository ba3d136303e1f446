/** A pattern of files, as `config/grammar.ts` allows it. */
export interface Glob {
  readonly text: string;
  /** The folder that everything it can match lies in; empty for the root. */
  readonly folder: string;
  /** How many folders below that one it can look into. */
  readonly depth: number;
  /** What each wildcard matches in a path with `/`; undefined where the path does not match. */
  readonly match: (path: string) => readonly string[] | undefined;
}

/** Names that begin with a dot match like any other. */
export function parseGlob(text: string): Glob {
  const segments = text.replace(/^(?:\.\/)+/, "").split("/");
  const wild = segments.findIndex((segment) => /[*?]/.test(segment));
  const fixed = wild === -1 ? segments.length - 1 : wild;
  const expression = new RegExp(`^${segments.map(segmentPattern).join("")}$`, "su");
  return {
    text,
    folder: segments.slice(0, fixed).join("/"),
    depth: segments.includes("**") ? Number.POSITIVE_INFINITY : segments.length - fixed - 1,
    match: (path) => expression.exec(path)?.slice(1),
  };
}

function segmentPattern(segment: string, index: number, all: readonly string[]): string {
  const isLast = index === all.length - 1;
  if (segment === "**") return isLast ? "(.+)" : "((?:.*/)?)";
  const name = segment
    .replace(/[.+^$()|\\[\]{}]/g, "\\$&")
    .replaceAll("*", "([^/]*)")
    .replaceAll("?", "([^/])");
  return isLast ? name : `${name}/`;
}

/**
 * In the order of what the wildcards stand for, by bytes. For `rootfs/**` that is what `sort -z` gives in the C locale;
 * for `entrypoint*.sh` the plain name comes before `entrypoint-user.sh`, as one writes them.
 */
export function compareMatches(a: readonly string[], b: readonly string[]): number {
  for (const [index, text] of a.entries()) {
    const order = Buffer.compare(Buffer.from(text), Buffer.from(b[index] ?? ""));
    if (order !== 0) return order;
  }
  return 0;
}
