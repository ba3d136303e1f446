import { describe, expect, test } from "vitest";
import { planText, refusalText } from "../../../src/report/plan-text";
import {
  aConfig,
  digest,
  FIRST,
  image,
  intent,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../../support/plan-state";
import { REVISION } from "../../support/planned";

const OLDER = image({
  digest: digest("d"),
  version: "1.2.2",
  revision: OTHER_REVISION,
  contentKey: "d".repeat(64),
});
const NEWER = image({
  digest: digest("e"),
  version: "2.0.0",
  revision: OTHER_REVISION,
  contentKey: "e".repeat(64),
});

describe("the plan", () => {
  test("shows for every tag what happens to it, in which registry, and why", () => {
    const state = registryState()
      .with(FIRST, "1", OLDER)
      .with(FIRST, "latest", NEWER)
      .withTags(FIRST, ["2.0.0"])
      .skipped("localhost:5001", "optional, and there are no credentials for it");
    const plan = planOf(state, { notices: ["the release is the tag v1.2.3 at HEAD", "odd\nmend it"] });
    expect(planText({ ...plan, origins: { "slipway:version": "RELEASE_TAG" } })).toBe(
      `Release plan for stage, commit 0123456789ab
  note: the release is the tag v1.2.3 at HEAD
  note: odd
    mend it
  note: no SBOM for app: it is turned off (sbom: false)
  slipway:version comes from RELEASE_TAG
  localhost:5001 is skipped: optional, and there are no credentials for it

app 1.2.3: build for linux/amd64, linux/arm64
  ${FIRST}
    + sha-0123456  new → 1.2.3
    + 1.2.3        new → 1.2.3
    ~ 1            sha256:dddddddddddd (1.2.2) → 1.2.3
    = latest       stays sha256:eeeeeeeeeeee (2.0.0): 2.0.0 exists and is newer than 1.2.3
`,
    );
  });

  test("names bases that moved, once for all images that are built on them", () => {
    const moved = { built: "1.2.3", base: "debian:12", from: digest("b"), to: digest("c") };
    const hint = "Release v1.2.3-r1 to rebuild it";
    const movedBases = [
      { ...moved, image: "app", hint },
      { ...moved, image: "base", built: "base-3f2a9c01b7de", hint: "Change it" },
      { ...moved, image: "web", hint },
    ];
    const lines = planText({ ...planOf(registryState()), movedBases }).split("\n");
    const at = lines.findIndex((line) => line.includes("base-moved"));
    expect(lines.slice(at, at + 5)).toEqual([
      "  base-moved app, web: debian:12 sha256:bbbbbbbbbbbb → sha256:cccccccccccc since 1.2.3 was built",
      `    ${hint}`,
      "  base-moved base: debian:12 sha256:bbbbbbbbbbbb → sha256:cccccccccccc since base-3f2a9c01b7de was built",
      "    Change it",
      "",
    ]);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ["none", {}, []],
    ["each its own", { a: "X", b: "Y" }, ["  a comes from X", "  b comes from Y"]],
    ["a few", { a: "X", b: "Y", c: "X" }, ["  a, c come from X", "  b comes from Y"]],
    ["many", { a: "X", b: "X", c: "X", d: "X" }, ["  a and 3 more come from X"]],
  ])("names what decides settings once: %s", (_, origins, expected) => {
    const lines = planText({ ...planOf(registryState()), origins }).split("\n");
    expect(lines.filter((line) => / comes? from /.test(line))).toEqual(expected);
  });

  test("shows where content comes from, where it is copied to, and which tags are unchanged", () => {
    const tags = ["sha-0123456", "1.2.3", "1", "latest"];
    const first = tags.reduce((known, tag) => known.with(FIRST, tag, image()), registryState());
    expect(planText(planOf(first.withTags(SECOND, ["2.0.0"])))).toBe(
      `Release plan for stage, commit 0123456789ab

app 1.2.3: no build, 1.2.3 is released (sha256:aaaaaaaaaaaa)
  trusting the registry alone: nothing is signed (sign: none)
  copy to ${SECOND}
  ${FIRST}
      sha-0123456  sha256:aaaaaaaaaaaa (1.2.3) unchanged
      1.2.3        sha256:aaaaaaaaaaaa (1.2.3) unchanged
      1            sha256:aaaaaaaaaaaa (1.2.3) unchanged
      latest       sha256:aaaaaaaaaaaa (1.2.3) unchanged
  ${SECOND}
    + sha-0123456  new → sha256:aaaaaaaaaaaa (1.2.3)
    + 1.2.3        new → sha256:aaaaaaaaaaaa (1.2.3)
    + 1            new → sha256:aaaaaaaaaaaa (1.2.3)
    = latest       not made: 2.0.0 exists and is newer than 1.2.3
`,
    );
  });

  test("of a dry run, which asks no registry, calls nothing new", () => {
    const config = aConfig({ push: false });
    const tags = [
      { name: "1.3.0-rc.1", class: "version" as const },
      { name: "latest", class: "floating" as const, line: {} },
    ];
    const candidate = intent({ version: "1.3.0-rc.1", tags });
    const text = planText(planOf(registryState(), { config, intents: [candidate] }));
    expect(text).toBe(
      `Release plan for stage, commit 0123456789ab
  note: nothing is pushed and no registry was asked (push: false): which tags exist is not known
  note: no SBOM for app: it is turned off (sbom: false)

app 1.3.0-rc.1: build for linux/amd64, linux/arm64, where no registry has it
${[FIRST, SECOND]
  .map(
    (repository) => `  ${repository}
    ? sha-0123456  not asked → 1.3.0-rc.1
    ? 1.3.0-rc.1   not asked → 1.3.0-rc.1
    = latest       stays as it is: 1.3.0-rc.1 is a pre-release, and a pre-release moves no floating tag
`,
  )
  .join("")}`,
    );
  });

  test("names the tag that has the content already", () => {
    const text = planText(planOf(registryState().with(FIRST, "sha-0123456", image())));
    expect(text).toContain("\napp 1.2.3: no build, sha-0123456 has this content (sha256:aaaaaaaaaaaa)\n");
  });

  test("of a release without a version says what is to be built", () => {
    const { version: _, ...main } = intent({
      tags: [{ name: "main", class: "floating" }],
    });
    const text = planText(planOf(registryState().with(FIRST, "main", OLDER), { intents: [main] }));
    expect(text).toContain("\napp: build for linux/amd64, linux/arm64\n");
    expect(text).toContain("\n    ~ main         sha256:dddddddddddd (1.2.2) → to be built\n");
    expect(text).toContain("\n    + main         new → to be built\n");
  });

  test("has a part for each image, and each tag once", () => {
    const plan = planOf(registryState(), { intents: [intent(), intent({ name: "slim" })] });
    const text = planText(plan);
    expect(text.match(/^(?:app|slim) .*/gm)).toHaveLength(2);
    expect(text.match(/ latest /g)).toHaveLength(4);
  });

  test("fits 80 columns where names allow it, with no space at a line's end", () => {
    const text = planText(planOf(registryState().with(FIRST, "1", OLDER)));
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(text).not.toMatch(/ $/m);
  });
});

describe("a refusal", () => {
  const foreign = image({ revision: OTHER_REVISION });

  test("shows every reason with its code, what to do, and what overrides it", () => {
    const plan = planOf(
      registryState().with(FIRST, "1.2.3", foreign).refused("localhost:5001", "registry-no-credentials"),
    );
    expect(refusalText(plan)).toBe(
      `The release is refused (2 reasons); nothing was written:
  localhost:5001: no [registry-no-credentials]
  app:1.2.3: ${FIRST}:1.2.3 was released from commit ffffffffffff, and this is commit ${REVISION.slice(0, 12)} [version-of-another-revision]
    Release a new version, or check out ffffffffffff to complete that one.
    to override it, in the stack's file: slipway:override: [app:1.2.3]`,
    );
  });

  test("shows equal advice only once", () => {
    const [one] = planOf(registryState().with(FIRST, "1.2.3", foreign)).refusals;
    if (one === undefined) throw new Error("nothing is refused");
    const of = (path: string, override?: string, hint = one.hint) => ({
      ...one,
      path,
      message: "no",
      hint,
      override,
    });
    const refusals = [
      of("a", "a:1"),
      of("x", undefined, "Look.\nAgain."),
      of("b", "b:1"),
      of("y", undefined, "Look."),
    ];
    expect(refusalText({ ...planOf(registryState()), refusals })).toBe(
      `The release is refused (4 reasons); nothing was written:
  a: no [version-of-another-revision]
  b: no [version-of-another-revision]
    Release a new version, or check out ffffffffffff to complete that one.
    to override them, in the stack's file: slipway:override: [a:1, b:1]
  x: no [version-of-another-revision]
    Look.
    Again.
  y: no [version-of-another-revision]
    Look.`,
    );
  });

  test("counts one reason as one", () => {
    expect(refusalText(planOf(registryState().with(FIRST, "1.2.3", foreign)))).toMatch(
      /^The release is refused \(1 reason\); nothing was written:\n/,
    );
  });
});
