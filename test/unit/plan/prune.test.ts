import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ImageConfig } from "../../../src/plan/config";
import { type Digest, digestOf } from "../../../src/plan/digest";
import { movingTags, prunableKind } from "../../../src/plan/prunable-tags";
import {
  type ManifestLinks,
  type PrunableImage,
  type PruneRules,
  planPrune,
  type RepositoryContents,
} from "../../../src/plan/prune";
import { anEvent, anImage } from "../../support/planned";

const NOW = new Date("2026-11-28T12:00:00Z");
const DAY = 86_400;
const REVISION = "0123abc".padEnd(40, "0");
const EVENT = anEvent({ ref: "", sha: REVISION, commitDate: NOW });

const digest = (name: string): Digest => digestOf(name);
/** `candidate-` tag, told apart by one digit. */
const candidate = (digit: number | string) => `candidate-${String(digit).repeat(16).slice(0, 16)}`;
const fallback = (name: string) => digest(name).replace(":", "-");

/** An image of ten days ago that Slipway built, of the given facts. */
function image(changes: Partial<PrunableImage> & { readonly days?: number } = {}): PrunableImage {
  const { days = 10, ...facts } = changes;
  return {
    versions: [],
    revision: REVISION,
    isOurs: true,
    madeAt: new Date(NOW.getTime() - days * DAY * 1000),
    ...facts,
  };
}

function rulesOf(
  changes: Partial<PruneRules> = {},
  images: readonly ImageConfig[] = [anImage()],
): PruneRules {
  const moving = movingTags({ images, event: EVENT, branches: ["main"], gitTags: [], now: NOW });
  return { images, recorded: new Set(), moving, now: NOW, ...changes };
}

interface World {
  /** Tag -> what it points to. */
  readonly tags: Readonly<Record<string, string>>;
  /** Each is there; those of no entry have neither parts nor a subject. */
  readonly manifests?: Readonly<
    Record<string, { readonly children?: readonly string[]; readonly subject?: string }>
  >;
  readonly images?: Readonly<Record<string, PrunableImage>>;
  readonly gone?: readonly string[];
}

function contentsOf({ tags, manifests = {}, images = {}, gone = [] }: World): RepositoryContents {
  const names = new Set([...Object.values(tags), ...Object.keys(manifests)]);
  const links = [...names].map((name): [Digest, ManifestLinks] => {
    const { children = [], subject } = manifests[name] ?? {};
    return [
      digest(name),
      { children: children.map(digest), ...(subject === undefined ? {} : { subject: digest(subject) }) },
    ];
  });
  return {
    repository: "ghcr.io/octo/app",
    tags: new Map(Object.entries(tags).map(([tag, name]) => [tag, digest(name)])),
    manifests: new Map(links),
    images: new Map(Object.entries(images).map(([name, facts]) => [digest(name), facts])),
    gone: new Set(gone.map(digest)),
  };
}

describe("a candidate tag", () => {
  const tag = candidate(1);
  const branch = anImage({ tags: ["type=ref,event=branch"] });

  test.each<
    [
      string,
      { others?: string[]; facts?: PrunableImage; rules?: PruneRules },
      "keep" | "tag" | "digest",
      RegExp,
    ]
  >([
    [
      "of a version",
      { others: ["1.2.3"], facts: image({ versions: ["1.2.3"] }) },
      "tag",
      /^1\.2\.3 has this content/,
    ],
    [
      "of a version with a prefix",
      { others: ["v1.2.3"], facts: image({ versions: ["1.2.3"] }) },
      "tag",
      /v1\.2\.3/,
    ],
    ["of a variant", { others: ["1.2.3-alpine"], facts: image({ versions: ["1.2.3"] }) }, "tag", /alpine/],
    ["of a commit", { others: ["sha-0123abc"], facts: image() }, "tag", /sha-0123abc has this/],
    [
      "of the newest version",
      { others: ["1.2.3", "latest"], facts: image({ versions: ["1.2.3"] }) },
      "keep",
      /latest points to/,
    ],
    [
      "of another version alone",
      { others: ["11.2.3"], facts: image({ versions: ["1.2.3"] }) },
      "keep",
      /11\.2\.3 points/,
    ],
    [
      "of a longer version alone",
      { others: ["1.2.30"], facts: image({ versions: ["1.2.3"] }) },
      "keep",
      /1\.2\.30 points/,
    ],
    ["of a branch", { others: ["main"], facts: image() }, "keep", /main points to now/],
    ["of a version that nothing states", { others: ["1.2.3"], facts: image() }, "keep", /1\.2\.3 points to/],
    [
      "that later releases look for",
      {
        others: ["1.2.3"],
        facts: image({ versions: ["1.2.3"] }),
        rules: rulesOf({}, [anImage({ labels: "none" })]),
      },
      "keep",
      /a later release/,
    ],
    ["that no release took", { facts: image() }, "digest", /no release has this content, made 10 days ago/],
    [
      "of an earlier branch build",
      { facts: image({ builtFor: "main" }), rules: rulesOf({}, [branch]) },
      "digest",
      /no release/,
    ],
    ["of today", { facts: image({ days: 0.5 }) }, "keep", /made today/],
    ["of an unknown age", { facts: { versions: [], isOurs: true } }, "keep", /age is unknown/],
    ["whose image cannot be read", {}, "keep", /cannot be read/],
    [
      "of a version whose tag is lost",
      { facts: image({ versions: ["1.2.3"] }) },
      "keep",
      /release statement says that it is 1\.2\.3/,
    ],
    ["of an unfinished version", { facts: image({ builtFor: "1.2.4" }) }, "keep", /built for 1\.2\.4/],
    [
      "of an unfinished version, by its claim",
      { facts: image({ claimed: "build-7" }) },
      "keep",
      /built for build-7/,
    ],
    [
      "of an earlier branch with a number",
      { facts: image({ builtFor: "issue-12" }) },
      "digest",
      /no release/,
    ],
    [
      "of an unfinished version, long ago",
      { facts: image({ builtFor: "1.2.4" }), rules: rulesOf({ olderThan: 9 * DAY }) },
      "digest",
      /no release/,
    ],
    [
      "of an unfinished version, not long ago",
      { facts: image({ builtFor: "1.2.4" }), rules: rulesOf({ olderThan: 11 * DAY }) },
      "keep",
      /built for 1\.2\.4/,
    ],
    ["of another image", { facts: image({ owner: "it is web" }) }, "keep", /it is web/],
    [
      "of another image's version",
      { others: ["1.2.3"], facts: image({ owner: "it is web", versions: ["1.2.3"] }) },
      "keep",
      /it is web/,
    ],
    [
      "that the state names",
      { facts: image(), rules: rulesOf({ recorded: new Set([digest("app")]) }) },
      "keep",
      /last release/,
    ],
  ])("%s", (_, { others = [], facts, rules = rulesOf() }, expected, reason) => {
    const tags = Object.fromEntries([tag, ...others].map((name) => [name, "app"]));
    const plan = planPrune(contentsOf({ tags, images: facts === undefined ? {} : { app: facts } }), rules);
    expect(plan.tags).toEqual([
      {
        name: tag,
        digest: digest("app"),
        kind: "candidate",
        action: expected === "keep" ? "keep" : "remove",
        reason: expect.stringMatching(reason),
      },
    ]);
    expect(plan.removals.map(({ by, tags }) => ({ by, tags }))).toEqual(
      expected === "keep" ? [] : [{ by: expected, tags: [tag] }],
    );
  });

  test("of a version that was built again goes: the version has other content", () => {
    const tags = { [tag]: "old", "v1.2.4": "new" };
    const plan = planPrune(contentsOf({ tags, images: { old: image({ builtFor: "1.2.4" }) } }), rulesOf());
    expect(plan.removals).toMatchObject([{ tags: [tag], by: "digest" }]);
  });

  test("takes its platforms, its signatures and their list with it, but nothing that a release shares", () => {
    const tags = {
      [tag]: "old",
      "1.0.0": "new",
      [fallback("old")]: "list",
      [fallback("shared")]: "attested",
    };
    const manifests = {
      old: { children: ["own", "shared"] },
      new: { children: ["shared"] },
      list: { children: ["signature", "stray"] },
      attested: { children: ["provenance"] },
      signature: { subject: "old" },
      provenance: { subject: "shared" },
      stray: {},
      own: {},
    };
    const plan = planPrune(contentsOf({ tags, manifests, images: { old: image() } }), rulesOf());
    expect(plan.removals).toEqual([
      { digest: digest("old"), tags: [tag], by: "digest", manifests: [digest("own")] },
      { digest: digest("list"), tags: [fallback("old")], by: "digest", manifests: [digest("signature")] },
    ]);
  });

  test("takes what is attached to its platforms along, and leaves a platform that a setting vouches for", () => {
    const tags = { [tag]: "old", [fallback("own")]: "list" };
    const manifests = {
      old: { children: ["own", "adopted"] },
      list: { children: ["provenance"] },
      provenance: { subject: "own" },
      own: {},
      adopted: {},
    };
    const contents = contentsOf({ tags, manifests, images: { old: image() } });
    const rules = rulesOf({ recorded: new Set([digest("adopted")]) });
    expect(planPrune(contents, rules).removals).toEqual([
      { digest: digest("old"), tags: [tag], by: "digest", manifests: [digest("own")] },
      { digest: digest("list"), tags: [fallback("own")], by: "digest", manifests: [digest("provenance")] },
    ]);
  });

  test("whose digest an index of another tag holds goes by the tag alone", () => {
    const tags = { [tag]: "part", "1.0.0": "whole" };
    const contents = contentsOf({
      tags,
      manifests: { whole: { children: ["part"] } },
      images: { part: image() },
    });
    expect(planPrune(contents, rulesOf()).removals).toMatchObject([{ by: "tag", manifests: [] }]);
  });

  test("that shares a platform with another one leaves it for the last of them", () => {
    const tags = { [candidate(1)]: "one", [candidate(2)]: "two" };
    const manifests = {
      one: { children: ["shared", "more"] },
      two: { children: ["shared"] },
      shared: {},
      more: {},
    };
    const images = { one: image(), two: image() };
    expect(planPrune(contentsOf({ tags, manifests, images }), rulesOf()).removals).toMatchObject([
      { digest: digest("one"), manifests: [digest("more")] },
      { digest: digest("two"), manifests: [digest("shared")] },
    ]);
  });
});

describe("a fallback tag", () => {
  test.each<[string, string, World, boolean]>([
    ["of a digest that is gone", fallback("lost"), { tags: {}, gone: ["lost"] }, true],
    ["of a digest that has no tag and is there", fallback("there"), { tags: {} }, false],
    ["of a release", fallback("app"), { tags: { "1.0.0": "app" } }, false],
    [
      "in cosign's older form, of a digest that is gone",
      `${fallback("lost")}.sig`,
      { tags: {}, gone: ["lost"] },
      true,
    ],
    ["in cosign's older form, of a release", `${fallback("app")}.att`, { tags: { "1.0.0": "app" } }, false],
    ["whose list is a release", fallback("lost"), { tags: { "1.0.0": "list" }, gone: ["lost"] }, true],
  ])("%s", (_, tag, world, goes) => {
    const plan = planPrune(contentsOf({ ...world, tags: { ...world.tags, [tag]: "list" } }), rulesOf());
    expect(plan.removals.map(({ tags, by }) => [by, ...tags])).toEqual(
      goes ? [["1.0.0" in world.tags ? "tag" : "digest", tag]] : [],
    );
  });

  test("keeps the manifests that it lists, since they are referred to", () => {
    const tags = { [candidate(1)]: "old", [fallback("there")]: "list" };
    const contents = contentsOf({
      tags,
      manifests: { list: { children: ["old"] } },
      images: { old: image() },
    });
    expect(planPrune(contents, rulesOf()).removals).toMatchObject([{ by: "tag" }]);
  });
});

describe("tags of branches and pull requests", () => {
  const RULES = [
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}",
    "type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}",
    "type=edge,branch=main",
    "type=ref,event=tag",
    "type=ref,event=branch",
    "type=ref,event=pr",
    "type=raw,value=stable",
    "type=sha",
  ];
  const images = [anImage({ tags: RULES })];
  const moving = movingTags({
    images,
    event: EVENT,
    branches: ["main", "next/one"],
    gitTags: ["v1.2.3", "spring"],
    now: NOW,
  });

  test.each([
    ["pr-7", "pull request"],
    ["feature-x", "branch"],
    ["pr-seven", "branch"],
    ["main", undefined],
    ["next-one", undefined],
    ["edge", undefined],
    ["stable", undefined],
    ["latest", undefined],
    ["1", undefined],
    ["147", undefined],
    ["2024_05_01", undefined],
    ["release-1.10", undefined],
    ["issue-12", "branch"],
    ["1.2.3", undefined],
    ["v9.9.9", undefined],
    ["standalone-v9.9.9", undefined],
    ["spring", undefined],
    ["nightly-20240101", undefined],
    ["sha-0123abc", undefined],
    [candidate(1), "candidate"],
    ["candidate-of-mine", "branch"],
    [fallback("x"), "referrers"],
    [`${fallback("x")}.sig`, "referrers"],
  ])("%s is of the kind %s", (tag, kind) => {
    expect(prunableKind(tag, moving)).toBe(kind);
  });

  test("are not recognised if no rule makes them", () => {
    const none = movingTags({
      images: [anImage({ tags: ["type=sha"] })],
      event: EVENT,
      branches: [],
      gitTags: [],
      now: NOW,
    });
    for (const tag of ["pr-7", "feature-x"]) expect(prunableKind(tag, none)).toBeUndefined();
    const prefixed = [
      anImage({ tags: ["type=ref,event=branch,prefix=b-", "type=ref,event=pr,suffix=-pull"] }),
    ];
    const forms = movingTags({ images: prefixed, event: EVENT, branches: [], gitTags: [], now: NOW });
    const kinds = ["b-x", "x", "7", "pr-7-pull"].map((tag) => prunableKind(tag, forms));
    expect(kinds).toEqual(["branch", undefined, undefined, "pull request"]);
  });

  test.each<[string, string, PrunableImage, number | undefined, "remove" | "keep" | undefined]>([
    ["an old pull request's", "pr-7", image({ days: 31 }), 30, "remove"],
    ["a younger one's", "pr-7", image({ days: 29 }), 30, "keep"],
    ["an old one's, unless asked", "pr-7", image({ days: 31 }), undefined, undefined],
    ["one of an unknown age", "pr-7", { versions: [], isOurs: true }, 30, "keep"],
    ["an old branch's", "feature-x", image({ days: 31, builtFor: "feature-x" }), 30, "remove"],
    [
      "one that another name was built for",
      "feature-x",
      image({ days: 31, builtFor: "other" }),
      30,
      undefined,
    ],
    [
      "one that another tool made",
      "feature-x",
      image({ days: 31, builtFor: "feature-x", isOurs: false }),
      30,
      undefined,
    ],
    [
      "one that a claim calls a version",
      "feature-x",
      image({ days: 31, builtFor: "feature-x", claimed: "feature-x" }),
      30,
      undefined,
    ],
    [
      "one that a statement calls a version",
      "feature-x",
      image({ days: 31, builtFor: "feature-x", versions: ["feature-x"] }),
      30,
      "keep",
    ],
    ["another image's", "pr-7", image({ days: 31, owner: "it is web" }), 30, "keep"],
  ])("%s", (_, tag, facts, days, expected) => {
    const olderThan = days === undefined ? {} : { olderThan: days * DAY };
    const plan = planPrune(
      contentsOf({ tags: { [tag]: "app" }, images: { app: facts } }),
      rulesOf({ moving, ...olderThan }, images),
    );
    expect(plan.tags[0]?.action).toBe(expected);
    expect(plan.removals).toHaveLength(expected === "remove" ? 1 : 0);
  });

  test("take the candidate of the same digest along, and leave one that a release has", () => {
    const tags = { "pr-7": "pull", [candidate(1)]: "pull", "pr-8": "app", "1.2.3": "app" };
    const images = { pull: image({ days: 31 }), app: image({ days: 31 }) };
    const { removals } = planPrune(contentsOf({ tags, images }), rulesOf({ moving, olderThan: 30 * DAY }));
    expect(removals.map(({ by, tags }) => [by, ...tags])).toEqual([
      ["digest", candidate(1), "pr-7"],
      ["tag", "pr-8"],
    ]);
  });
});

describe("whatever a repository holds", () => {
  const SIZE = 12;
  const names = Array.from({ length: SIZE }, (_, at) => `m${at}`);
  const facts = fc.record({
    versions: fc.constantFrom<readonly string[]>([], [], ["1.0.0"]),
    days: fc.constantFrom(0, 10, 100),
    builtFor: fc.constantFrom(undefined, "1.0.0", "feature-x"),
    owner: fc.constantFrom(undefined, undefined, undefined, "it is web"),
  });
  const tagName = fc.oneof(
    fc.integer({ min: 0, max: 9 }).map(candidate),
    fc.constantFrom(...names).map(fallback),
    fc.constantFrom("1.0.0", "1.0", "latest", "feature-x", "pr-1", "pr-2", "sha-0123abc"),
  );
  /** Digests name content, so links point one way. */
  const links = fc
    .tuple(
      ...names.map((_, at) => {
        const below = names.slice(at + 1);
        const children =
          below.length === 0 ? fc.constant([]) : fc.uniqueArray(fc.constantFrom(...below), { maxLength: 3 });
        const subject =
          below.length === 0
            ? fc.constant(undefined)
            : fc.option(fc.constantFrom(...below), { nil: undefined });
        return fc.record({ children, subject });
      }),
    )
    .map((all) => Object.fromEntries(all.map((one, at) => [names[at] ?? "", one])));
  const world = fc.record({
    tags: fc.dictionary(tagName, fc.constantFrom(...names), { maxKeys: 12 }),
    manifests: links,
    images: fc
      .tuple(...names.map(() => facts))
      .map((all) =>
        Object.fromEntries(all.map(({ days, ...one }, at) => [names[at] ?? "", image({ days, ...one })])),
      ),
    gone: fc.uniqueArray(fc.constantFrom("lost"), { maxLength: 1 }),
  });
  const moving = movingTags({
    images: [anImage({ tags: ["type=ref,event=branch", "type=ref,event=pr"] })],
    event: EVENT,
    branches: ["main"],
    gitTags: [],
    now: NOW,
  });

  /** On its own: everything that can be reached from tags, by any link, in either direction of a subject. */
  function reachable({ manifests }: RepositoryContents, from: readonly Digest[]): Set<Digest> {
    const found = new Set(from);
    for (let before = -1; found.size !== before; ) {
      before = found.size;
      for (const [digest, { children, subject }] of manifests) {
        if (found.has(digest))
          for (const next of [...children, ...(subject ? [subject] : [])]) found.add(next);
        if (subject !== undefined && found.has(subject)) found.add(digest);
      }
    }
    return found;
  }

  test("nothing that can be reached from a tag that stays is removed", () => {
    fc.assert(
      fc.property(world, fc.constantFrom(undefined, 30 * DAY), (drawn, days) => {
        const contents = contentsOf(drawn);
        const rules = rulesOf({ moving, ...(days === undefined ? {} : { olderThan: days }) });
        const { removals } = planPrune(contents, rules);
        const left = new Map(contents.tags);
        for (const tag of removals.flatMap(({ tags }) => tags)) expect(left.delete(tag)).toBe(true);
        const kept = reachable(contents, [...left.values()]);
        for (const { digest, by, manifests } of removals) {
          if (by === "tag") expect(manifests).toEqual([]);
          for (const one of by === "tag" ? manifests : [digest, ...manifests])
            expect(kept.has(one)).toBe(false);
        }
        for (const tag of ["1.0.0", "1.0", "latest", "sha-0123abc"].filter((name) => contents.tags.has(name)))
          expect(left.has(tag)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("a second look at what is left finds nothing more to remove by digest", () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const contents = contentsOf(drawn);
        const rules = rulesOf({ moving });
        const { removals } = planPrune(contents, rules);
        const deleted = new Set(
          removals.flatMap(({ digest, by, manifests }) =>
            by === "tag" ? manifests : [digest, ...manifests],
          ),
        );
        const after: RepositoryContents = {
          ...contents,
          tags: new Map(
            [...contents.tags].filter(([name]) => !removals.some(({ tags }) => tags.includes(name))),
          ),
          manifests: new Map([...contents.manifests].filter(([digest]) => !deleted.has(digest))),
          gone: new Set([...contents.gone, ...deleted]),
        };
        expect(planPrune(after, rules).removals).toEqual([]);
      }),
    );
  });
});
