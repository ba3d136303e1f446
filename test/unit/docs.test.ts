import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json";
import { ENVIRONMENT } from "../../src/settings/environment-table";
import { stackFileSchema } from "../../src/settings/json-schema";
import { writtenConfigSchema } from "../../src/settings/schema";

/** The pages say what the code says. `UPDATE_DOCS=1` writes the tables that are made from code. */
const ROOT = path.join(__dirname, "../..");
const FILES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file !== "" && existsSync(path.join(ROOT, file)));
const PAGES = FILES.filter((file) => file.endsWith(".md"));

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function section(file: string, name: string): string {
  const text = read(file).split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0];
  if (text === undefined) throw new Error(`${file} has no section <!-- ${name} -->`);
  return text;
}

/** The body rows of a section's table. */
function rowsOf(file: string, name: string): string[][] {
  const rows = section(file, name)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.slice(2);
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")));
  const widths = (escaped[0] ?? []).map((_, column) =>
    Math.max(...escaped.map((row) => row[column]?.length ?? 0)),
  );
  const lines = escaped.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  return [lines[0], `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)].join(
    "\n",
  );
}

function expectTable(file: string, name: string, rows: readonly (readonly string[])[]): void {
  const wanted = `\n\n${markdownTable(rows)}\n\n`;
  if (process.env.UPDATE_DOCS) {
    const old = section(file, name);
    const [before, after] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    writeFileSync(
      path.join(ROOT, file),
      read(file).replace(before + old + after, () => before + wanted + after),
    );
  }
  expect(section(file, name), "UPDATE_DOCS=1 writes it anew").toBe(wanted);
}

describe("tables made from code", () => {
  const HEAD = ["setting", "meaning", "default"];

  test("docs/configuration.md has every setting of the schema", () => {
    expectTable("docs/configuration.md", "settings", [HEAD, ...settings()]);
  });

  test("docs/configuration.md has every row of the table of variables", () => {
    expectTable("docs/configuration.md", "environment", [
      ["variables", "setting", "meaning"],
      ...ENVIRONMENT.map(({ variables, path: setting, meaning }) => [
        variables.map((name) => `\`${name}\``).join(", "),
        setting
          .split(", ")
          .map((part) => `\`${part}\``)
          .join(", "),
        meaning,
      ]),
    ]);
  });
});

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((current, key) => (isJson(current) ? current[key] : undefined), value);
}

/** Every setting with what the schema says about it, in the schema's order. */
function settings(): string[][] {
  const missing = writtenConfigSchema.safeParse({}).error?.issues.map(({ path: [key] }) => String(key)) ?? [];
  return rowsBelow(
    at(stackFileSchema(), "properties", "config", "properties"),
    missing.map((key) => `slipway:${key}`),
    "",
  );
}

function rowsBelow(properties: unknown, required: readonly unknown[], prefix: string): string[][] {
  if (!isJson(properties)) return [];
  return Object.entries(properties).flatMap(([key, schema]) => {
    const name = prefix + key;
    const list = listForm(schema);
    const holder = list === undefined ? schema : at(list, "items");
    const below = at(holder, "required");
    return [
      settingRow(name, schema, required.includes(key)),
      ...rowsBelow(
        at(holder, "properties"),
        Array.isArray(below) ? below : [],
        `${name}${holder === schema ? "." : "[]."}`,
      ),
    ];
  });
}

/** A list of mappings, which may also be written in another form. */
function listForm(schema: unknown): unknown {
  const other = at(schema, "anyOf");
  const forms: unknown[] = Array.isArray(other) ? other : [schema];
  return forms.find((form) => isJson(at(form, "items", "properties")));
}

function settingRow(name: string, schema: unknown, required: boolean): string[] {
  const [meaning = "", ...tags] = String(at(schema, "description") ?? "").split(/ ?@(?=default |example )/);
  const find = (tag: string) => tags.find((text) => text.startsWith(`${tag} `))?.slice(tag.length + 1);
  const example = find("example");
  return [
    `\`${name}\``,
    meaning + (example === undefined ? "" : ` Example: \`${example}\``),
    required ? "required" : (find("default") ?? "none"),
  ];
}

describe("docs/configuration.md", () => {
  const CODE = FILES.filter((file) =>
    /^(?!src\/workflows)(?:components|src|toolchain)\/.*\.(?:ts|mjs|cjs)$/.test(file),
  );
  const names = new Set(
    CODE.flatMap((file) => [...read(file).matchAll(/\benv(?:ironment)?\.([A-Z][A-Z0-9_]+)\b/g)])
      .map(([, name]) => name ?? "")
      .concat([...read("src/plan/config.ts").matchAll(/"([A-Z]+_[A-Z_]+)"/g)].map(([, name]) => name ?? "")),
  );
  const OF_THE_SYSTEM = ["HOME", "PATH"];
  const documented = read("docs/configuration.md").match(/\w+/g) ?? [];

  test("reads of the environment are found", () => {
    expect(names).toContain("GITHUB_REF");
    expect(names).toContain("GHCR_TOKEN");
    expect(names).toContain("SLIPWAY_CACHE");
  });

  test.each([...names].filter((name) => !OF_THE_SYSTEM.includes(name)).sort())("names %s", (name) => {
    expect(documented).toContain(name);
  });
});

describe("docs/architecture.md", () => {
  /** Folders at the top, and those in `src/`. */
  const folderNames = [...new Set(FILES.flatMap((file) => file.match(/^(?:src\/)?[^/]+\//)?.[0] ?? []))];

  test("shows every folder, and none that does not exist", () => {
    const shown = rowsOf("docs/architecture.md", "folders").map(([name]) => name?.replaceAll("`", ""));
    expect([...shown].sort()).toEqual([...folderNames].sort());
  });

  test("names no file or folder that does not exist", () => {
    const mentioned = [
      ...read("docs/architecture.md").matchAll(/`([\w./-]+\/[\w./-]*|[\w-]+\.(?:ts|js|yaml))`/g),
    ]
      .map(([, name]) => name ?? "")
      .filter((name) => name !== "dist/");
    const missing = mentioned.filter(
      (name) =>
        !FILES.some(
          (file) =>
            file === name || (name.endsWith("/") && (file.startsWith(name) || file.includes(`/${name}`))),
        ),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/trust.md", () => {
  const PAGE = "docs/trust.md";
  const [claims = ""] = read(PAGE).split("## Evidence");
  const evidence = rowsOf(PAGE, "evidence").map(([file = "", tests = ""]) => ({
    file: file.replaceAll("`", ""),
    tests: [...tests.matchAll(/`([^`]+)` \[([\d, ]+)\]/g)].map(([, title = "", lines = ""]) => ({
      title,
      lines: lines.split(", ").map(Number),
    })),
  }));
  const sorted = (numbers: Iterable<number>) => [...new Set(numbers)].sort((a, b) => a - b);

  test("names no test that does not exist", () => {
    const missing = evidence.flatMap(({ file, tests }) => {
      const text = FILES.includes(file) ? read(file) : "";
      return tests.flatMap(({ title }) =>
        text.includes(JSON.stringify(title)) ? [] : [`${file}: ${title}`],
      );
    });
    expect(missing).toEqual([]);
  });

  test("has a test for each of its lines, and no other", () => {
    const cited = [...claims.matchAll(/\[(\d+)\]/g)].map(([, line]) => Number(line));
    const rows = rowsOf(PAGE, "rights").map(([line]) => Number(line));
    const tested = evidence.flatMap(({ tests }) => tests.flatMap(({ lines }) => lines));
    expect(sorted([...cited, ...rows])).toEqual(sorted(tested));
  });

  test("has a number at the end of every point", () => {
    const points = claims.split(/\n(?=- )/).slice(1);
    const ends = points.map((point) => point.split("\n\n")[0]?.trim() ?? "");
    expect(ends.filter((point) => !/\[\d+\]$/.test(point))).toEqual([]);
  });

  test("has every code of the gate", () => {
    const listed = [...section(PAGE, "codes").matchAll(/`((?:verify|versions?)-[a-z-]+)`/g)].map(
      ([, code]) => code,
    );
    const known = [...read("src/signing/verify-bundle.ts").matchAll(/\| "(verify-[a-z-]+)"/g)].map(
      ([, code]) => code,
    );
    expect(listed.sort()).toEqual([...known, "version-not-verified", "versions-not-verified"].sort());
  });
});

test("no command asks the public registry for a package called slipway", () => {
  // Where none is installed, plain npx would fetch and run a stranger's.
  const fetching = FILES.filter((file) => /\bnpx slipway\b/.test(read(file)));
  expect(fetching.filter((file) => file !== "test/e2e/init.test.ts")).toEqual([]);
});

describe("docs/dependencies.md", () => {
  test("is package.json's list, version by version", () => {
    const listed = rowsOf("docs/dependencies.md", "dependencies").map(([name, version]) => [
      name?.replaceAll("`", ""),
      version,
    ]);
    expect(Object.fromEntries(listed)).toEqual(packageJson.dependencies);
  });

  test("every reason is given", () => {
    for (const row of rowsOf("docs/dependencies.md", "dependencies")) {
      expect(row).toHaveLength(6);
      expect(row.every((cell) => cell !== "")).toBe(true);
    }
  });
});

describe.each(PAGES)("%s", (page) => {
  const text = read(page);
  const prose = text.replace(/^```[\s\S]*?^```/gm, "");

  test("its links lead somewhere", () => {
    const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !/^[a-z]+:/.test(target) && !resolves(page, target));
    expect(broken).toEqual([]);
  });

  test("its npm scripts exist", () => {
    const scripts = [...text.matchAll(/npm run (?:--\w+ )*([a-z]+(?::[a-z-]+)*)/g)].map(
      ([, name]) => name ?? "",
    );
    const known = scriptsFor(page);
    expect(scripts.filter((name) => !known.has(name))).toEqual([]);
  });

  test("names no machine, and no folder of one", () => {
    expect(text).not.toMatch(/\/(?:root|home|work|Users)\//);
  });
});

/**
 * The project's scripts, and those of the example that a page is about;
 * examples/README.md is about all.
 */
function scriptsFor(page: string): Set<string> {
  const folder = `${path.posix.dirname(page)}/`;
  const examples = FILES.filter(
    (file) => file.startsWith("examples/") && file.endsWith("/package.json") && file.startsWith(folder),
  );
  const own = page.startsWith("examples/") ? examples : [];
  return new Set(["package.json", ...own].flatMap((file) => Object.keys(scriptsIn(file))));
}

function scriptsIn(file: string): Json {
  const scripts = at(JSON.parse(read(file)), "scripts");
  return isJson(scripts) ? scripts : {};
}

/** A file that exists and, after `#`, a heading of it. */
function resolves(page: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const found = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
  if (!FILES.some((known) => known === found || known.startsWith(`${found.replace(/\/$/, "")}/`)))
    return false;
  return anchor === undefined || headingsOf(found).includes(anchor);
}

/** Headings as GitHub names them. */
function headingsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

test("codes in docs/troubleshooting.md are codes of the program", () => {
  const sources = FILES.filter((file) => /\.(?:ts|mjs)$/.test(file) && !file.startsWith("test/"))
    .map(read)
    .join("\n");
  const codes = [...read("docs/troubleshooting.md").matchAll(/`\[([a-z-]+)\]`|`(SLIPWAY_[A-Z_]+)`/g)].map(
    ([, code, name]) => code ?? name ?? "",
  );
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.filter((code) => !sources.includes(code))).toEqual([]);
});
