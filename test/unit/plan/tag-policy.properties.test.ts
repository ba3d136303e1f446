import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../../src/plan/digest";
import { type Ancestry, type DesiredTag, decideTag, type LiveTag } from "../../../src/plan/tag-policy";
import {
  compareVersions,
  newest,
  parseVersion,
  type Version,
  type VersionForm,
  type VersionLine,
} from "../../../src/plan/versions";

/** A simulated registry: tag -> what it points to. */
type Registry = Map<string, LiveTag>;

const small = fc.integer({ min: 0, max: 2 });
const versionText = fc
  .tuple(
    small,
    small,
    small,
    fc.constantFrom("", "", "", "b", "c"),
    fc.constantFrom("", "", "", "-rc.1", "-rc.2"),
  )
  .map(([major, minor, patch, letters, pre]) => `${major}.${minor}.${patch}${letters}${pre}`);
const history = fc.uniqueArray(versionText, { minLength: 1, maxLength: 12 });
const form = fc.constantFrom(
  { prefix: "", suffix: "" },
  { prefix: "v", suffix: "" },
  { prefix: "", suffix: "-alpine" },
  { prefix: "standalone-v", suffix: "" },
);

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} is not a version`);
  return parsed;
}

/** One content a version. */
function digestOf(text: string): Digest {
  return `sha256:${Buffer.from(text).toString("hex").padEnd(64, "0")}`;
}

/** The tags of one release, version tag first. */
function tagsOf(
  text: string,
  { prefix, suffix }: VersionForm,
): Pick<DesiredTag, "name" | "class" | "line">[] {
  const [major = 0, minor = 0] = version(text).runs.flat();
  const lines: (readonly [string, VersionLine])[] = [
    [`${major}.${minor}`, { major, minor }],
    [`${major}`, { major }],
    ["latest", {}],
  ];
  return [
    { name: `${prefix}${text}${suffix}`, class: "version" },
    ...lines.map(([name, line]) => ({ name: `${prefix}${name}${suffix}`, class: "floating" as const, line })),
  ];
}

/** Releases a version to one registry, with the versions of all registries in view, as the plan and the provider do. */
function release(
  text: string,
  written: VersionForm,
  registry: Registry,
  all: readonly Registry[] = [registry],
) {
  return tagsOf(text, written).map((tag) => {
    const existing = [...new Set(all.flatMap((known) => [...known.keys()]))];
    const desired = {
      ...tag,
      form: written,
      version: text,
      revision: text,
      digest: digestOf(text),
      overridden: false,
    };
    const decision = decideTag(desired, registry.get(tag.name), existing, "unknown");
    if (decision.action === "create" || decision.action === "move")
      registry.set(tag.name, { digest: digestOf(text), version: text, revision: text });
    return { tag, decision };
  });
}

const OTHER_FORMS: Readonly<Record<string, (major: number, minor: number, patch: number) => string>> = {
  "padded dates": (year, month, day) => `202${year}.0${month + 1}.0${day + 1}`,
  "dates with and without zeros": (year, month, day) =>
    `202${year}.${month + 9}.${day + 9}`.replace(/\.9/g, ".09"),
  "days with dashes": (year, month, day) => `202${year}-${month + 9}-0${day}`,
  "two parts": (major, minor) => `${major}.${minor * 9}`,
  "two or three parts": (major, minor, patch) => `${major}.${minor}${patch === 0 ? "" : `.${patch}`}`,
  "four parts": (major, minor, patch) => `1.${major}.${minor}.${patch * 9}`,
  "a word before": (major, minor) => `release-${major}.${minor * 9}`,
  underscores: (major, minor) => `REL_${major}_${minor * 9}`,
  "build numbers": (major, minor) => `build-${major * 10 + minor}`,
};

test.each(Object.keys(OTHER_FORMS))("latest never goes back: %s", (name) => {
  const write = OTHER_FORMS[name] ?? String;
  const written = fc.tuple(small, small, small).map(([major, minor, patch]) => write(major, minor, patch));
  fc.assert(
    fc.property(fc.array(written, { maxLength: 12 }), form, (order, form) => {
      const registry: Registry = new Map();
      for (const [index, text] of order.entries()) {
        release(text, form, registry);
        const latest = registry.get(`${form.prefix}latest${form.suffix}`)?.version;
        expect(latest).toBe(newestReleased(order.slice(0, index + 1), {}));
      }
    }),
  );
});

function newestReleased(released: readonly string[], line: VersionLine): string | undefined {
  return newest(released.map(version), { line })?.text;
}

describe("in any order of releases", () => {
  test("every floating tag points to the newest release of its line, after each release", () => {
    fc.assert(
      fc.property(history, form, (order, written) => {
        const registry: Registry = new Map();
        for (const [index, text] of order.entries()) {
          release(text, written, registry);
          const released = order.slice(0, index + 1);
          for (const { name, line } of released.flatMap((known) => tagsOf(known, written))) {
            if (line === undefined) continue;
            expect([name, registry.get(name)?.version]).toEqual([name, newestReleased(released, line)]);
          }
        }
      }),
    );
  });

  test("a version tag never changes", () => {
    fc.assert(
      fc.property(fc.array(versionText, { maxLength: 12 }), form, (order, written) => {
        const registry: Registry = new Map();
        for (const text of order) {
          release(text, written, registry);
          for (const known of new Set(order.slice(0, order.indexOf(text) + 1)))
            expect(registry.get(`${written.prefix}${known}${written.suffix}`)?.digest).toBe(digestOf(known));
        }
      }),
    );
  });

  test("releasing the last version again changes nothing", () => {
    fc.assert(
      fc.property(history, form, (order, written) => {
        const registry: Registry = new Map();
        for (const text of order) {
          release(text, written, registry);
          const again = release(text, written, registry).map(({ decision }) => decision.action);
          expect(again.filter((action) => action !== "unchanged" && action !== "keep")).toEqual([]);
        }
      }),
    );
  });

  test("releasing everything again changes nothing", () => {
    fc.assert(
      fc.property(history, history, form, (order, other, written) => {
        const registry: Registry = new Map();
        for (const text of order) release(text, written, registry);
        const before = new Map(registry);
        for (const text of [...other.filter((known) => order.includes(known)), ...order])
          release(text, written, registry);
        expect(registry).toEqual(before);
      }),
    );
  });

  test("other content of a version that exists is refused, however many releases came between", () => {
    fc.assert(
      fc.property(history, fc.nat(), form, (order, pick, written) => {
        const registry: Registry = new Map();
        for (const text of order) release(text, written, registry);
        const text = order[pick % order.length] ?? "";
        const name = `${written.prefix}${text}${written.suffix}`;
        const other = {
          name,
          class: "version",
          form: written,
          version: text,
          revision: "x",
          overridden: false,
        } as const;
        const decision = decideTag(
          { ...other, digest: digestOf("x") },
          registry.get(name),
          [...registry.keys()],
          "unknown",
        );
        expect(decision.action).toBe("refuse");
      }),
    );
  });

  test("versions of another form move nothing of this one", () => {
    fc.assert(
      fc.property(history, history, (plain, alpine) => {
        const alone: Registry = new Map();
        for (const text of plain) release(text, { prefix: "", suffix: "" }, alone);
        const shared: Registry = new Map();
        for (const [index, text] of plain.entries()) {
          for (const other of alpine.slice(index, index + 1))
            release(other, { prefix: "", suffix: "-alpine" }, shared);
          release(text, { prefix: "", suffix: "" }, shared);
        }
        expect([...shared].filter(([name]) => !name.endsWith("-alpine"))).toEqual([...alone]);
      }),
    );
  });
});

test("if one of two registries misses releases, no tag goes back in either of them", () => {
  const step = fc.tuple(versionText, fc.constantFrom("both", "first", "second"));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const written = { prefix: "", suffix: "" };
      const [first, second]: [Registry, Registry] = [new Map(), new Map()];
      const all = [first, second];
      for (const [text, where] of steps) {
        const before = all.map((registry) => new Map(registry));
        const reached = where === "both" ? all : where === "first" ? [first] : [second];
        for (const registry of reached) release(text, written, registry, all);
        for (const [index, registry] of all.entries()) {
          for (const [name, { version: was = "" }] of before[index] ?? []) {
            const now = registry.get(name)?.version ?? "";
            expect(compareVersions(version(now), version(was))).not.toBe(-1);
          }
        }
      }
      // Once every release is complete in both, their floating tags are equal again.
      const versions = [...new Set(steps.map(([text]) => text))].sort(
        (a, b) => compareVersions(version(a), version(b)) ?? 0,
      );
      for (const text of versions) for (const registry of all) release(text, written, registry, all);
      expect(floating(first)).toEqual(floating(second));
    }),
  );
});

describe("releases without a version, on any history of commits", () => {
  /** Commit n's parent is the n-th number; the first commit is the root. */
  const parents = fc
    .array(fc.nat(), { minLength: 1, maxLength: 12 })
    .map((picks) => picks.map((pick, n) => pick % (n + 1)));

  /** A commit and all before it. */
  function line(tree: readonly number[], commit: number): number[] {
    return commit === 0 ? [0] : [...line(tree, tree[commit - 1] ?? 0), commit];
  }

  function relation(tree: readonly number[], at: number, released: number): Ancestry {
    if (line(tree, released).includes(at)) return "ancestor";
    return line(tree, at).includes(released) ? "descendant" : "diverged";
  }

  test("latest moves to descendants only, a branch's tag never to an ancestor", () => {
    fc.assert(
      fc.property(parents, fc.array(fc.nat(), { maxLength: 15 }), (tree, picks) => {
        const at: Record<"latest" | "main", number | undefined> = { latest: undefined, main: undefined };
        for (const commit of picks.map((pick) => pick % (tree.length + 1))) {
          for (const name of ["latest", "main"] as const) {
            const was = at[name];
            const decision = decideTag(
              {
                name,
                class: "floating",
                ...(name === "latest" ? { line: {} } : {}),
                form: { prefix: "", suffix: "" },
                revision: `${commit}`,
                digest: digestOf(`${commit}`),
                overridden: false,
              },
              was === undefined ? undefined : { digest: digestOf(`${was}`), revision: `${was}` },
              [],
              was === undefined ? "unknown" : relation(tree, was, commit),
            );
            if (decision.action === "create" || decision.action === "move") at[name] = commit;
            const now = at[name] ?? 0;
            if (was === undefined || was === now) continue;
            const moved = relation(tree, was, now);
            expect(name === "latest" ? moved === "ancestor" : moved !== "descendant").toBe(true);
          }
        }
      }),
    );
  });
});

function floating(registry: Registry): Map<string, LiveTag> {
  const entries = [...registry].filter(([name]) => !/\d+\.\d+\.\d+/.test(name));
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
