import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ReleaseManifest,
  releaseManifest,
  type TagOutcome,
  tagOutcomes,
} from "../../../src/plan/manifest";
import type { ReleasePlan } from "../../../src/plan/release-plan";
import {
  failureAfter,
  type ManifestFile,
  readManifestFile,
  writeArtifacts,
} from "../../../src/report/manifest-file";
import { releaseMarkdown } from "../../../src/report/release-markdown";
import { releaseTable } from "../../../src/report/release-table";
import {
  digest,
  FIRST,
  image,
  intent,
  manifest,
  OTHER_REVISION,
  planOf,
  registryState,
  SECOND,
} from "../../support/plan-state";
import { REVISION } from "../../support/planned";

// Colours are chosen when their library is loaded.
vi.hoisted(() => {
  process.env.NO_COLOR = "1";
});

const GHCR = "ghcr.io/octo-organisation/long-product-name";
const HUB = "docker.io/octoorganisation/long-product-name";

/** A plan that was carried out as it was planned, every digest `b`. */
function carriedOut(plan: ReleasePlan): ManifestFile {
  const built = digest("b");
  const made = releaseManifest(plan, {
    digests: Object.fromEntries(plan.images.map(({ name }) => [name, built])),
    attestations: {},
    tags: plan.levels.flatMap(({ tags }) =>
      tags.map(({ image: of, repository, name, class: tagClass, desired }) => ({
        image: of,
        repository,
        name,
        class: tagClass,
        digest: desired.digest ?? built,
      })),
    ),
  });
  return { ...made, run: { tags: tagOutcomes(plan, made) } };
}

const OLDER = image({
  digest: digest("a"),
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
const ONE_REGISTRY = registryState().skipped(
  "localhost:5001",
  "optional, and there are no credentials for it",
);
const MOVES = ONE_REGISTRY.with(FIRST, "1", OLDER).with(FIRST, "latest", NEWER).withTags(FIRST, ["2.0.0"]);

/** A manifest's image and its run in two repositories with long names. */
function longNames(tags: readonly Partial<TagOutcome>[]): ManifestFile {
  const base = manifest([{ repository: GHCR, name: "1.2.3", class: "version", digest: digest("a") }], {
    repositories: [GHCR, HUB],
    references: [`${GHCR}@${digest("a")}`, `${HUB}@${digest("a")}`],
  });
  const run = [GHCR, HUB].flatMap((repository) =>
    tags.map((tag) => ({
      image: "app",
      repository,
      name: "1.2.3",
      action: "created" as const,
      to: digest("a"),
      ...tag,
    })),
  );
  return { ...base, run: { tags: run } };
}

function linesOver80(text: string): string[] {
  return text.split("\n").filter((line) => line.length > 80);
}

describe("the table", () => {
  test("shows what was released, what happened to each tag, what was skipped, and how to pull it", () => {
    expect(releaseTable(carriedOut(planOf(MOVES)))).toBe(`
app 1.2.3 for linux/amd64, linux/arm64
  ${digest("b")}

  ${FIRST}
    tag          what it did  digest
    sha-0123456  created      sha256:bbbbbbbbbbbb
    1.2.3        created      sha256:bbbbbbbbbbbb
    1            moved        sha256:aaaaaaaaaaaa (1.2.2) → sha256:bbbbbbbbbbbb
    latest       kept         sha256:eeeeeeeeeeee (2.0.0)
                              2.0.0 exists and is newer than 1.2.3

  pull it:     docker pull ${FIRST}:1.2.3
  look at it:  crane manifest ${FIRST}:1.2.3

localhost:5001 was skipped: optional, and there are no credentials for it
`);
  });

  test("says that a tag that does not exist was not made", () => {
    const text = releaseTable(carriedOut(planOf(ONE_REGISTRY.withTags(FIRST, ["2.0.0"]))));
    expect(text).toContain("    latest       not made     2.0.0 exists and is newer than 1.2.3\n");
  });

  test("says that nothing changed", () => {
    const tags = ["sha-0123456", "1.2.3", "1", "latest"];
    const state = tags.reduce(
      (known, tag) => known.with(FIRST, tag, image({ digest: digest("b") })),
      ONE_REGISTRY,
    );
    const text = releaseTable(carriedOut(planOf(state)));
    expect(text).toContain("    latest       unchanged    sha256:bbbbbbbbbbbb (1.2.3)\n");
    expect(text).toMatch(/\nNothing changed: everything is released and in its place\.\n$/);
  });

  test("has a part for each image and each registry", () => {
    const plan = planOf(registryState(), { intents: [intent(), intent({ name: "slim" })] });
    const text = releaseTable(carriedOut(plan));
    expect(text.match(/^(?:app|slim) .*|^ {2}localhost.*$/gm)).toEqual([
      "app 1.2.3 for linux/amd64, linux/arm64",
      `  ${FIRST}`,
      `  ${SECOND}`,
      "slim 1.2.3 for linux/amd64, linux/arm64",
      `  ${FIRST}`,
      `  ${SECOND}`,
    ]);
  });

  const REASON =
    "it points to sha256:000000000000 (2222222), a commit that this clone does not have; fetch the whole history";

  test.each<[string, readonly Partial<TagOutcome>[]]>([
    ["long repositories", [{}, { name: "sha-0123456" }]],
    [
      "a move from a version",
      [{ name: "sha-0123456", action: "moved", from: digest("b"), fromVersion: "1.9.3" }],
    ],
    [
      "a move from a long version",
      [{ name: "latest", action: "moved", from: digest("b"), fromVersion: "2025.11.0-rc.12" }],
    ],
    [
      "a candidate's long name",
      [{ name: "candidate-0123456789abcdef", action: "moved", from: digest("b"), fromVersion: "1.9.3" }],
    ],
    [
      "a long reason",
      [{ name: "latest", action: "kept", from: digest("b"), to: digest("b"), reason: REASON }],
    ],
  ])("fits 80 columns, no space at a line's end: %s", (_, tags) => {
    const text = releaseTable(longNames(tags));
    expect(linesOver80(text)).toEqual([]);
    expect(text).not.toMatch(/ $/m);
    for (const { reason = "" } of tags) expect(text.replace(/\s+/g, " ")).toContain(reason);
  });

  test("breaks no name, reference or command, however long", () => {
    const name = `release-${"x".repeat(70)}`;
    const repository = `ghcr.io/${"octo/".repeat(15)}app`;
    const long = manifest([{ repository, name, class: "version", digest: digest("a") }], {
      repositories: [repository],
    });
    const tag = { image: "app", repository, name, action: "created", to: digest("a") } as const;
    const text = releaseTable({ ...long, run: { tags: [tag] } });
    expect(text).toContain(`    ${name}  created      sha256:aaaaaaaaaaaa\n`);
    expect(text).toContain(`docker pull ${repository}:${name}\n`);
  });

  test.each<[string, ReleaseManifest, string]>([
    [
      "the version, though the commit's tag is first",
      manifest([
        { repository: FIRST, name: "sha-0123456", class: "revision", digest: digest("a") },
        { repository: FIRST, name: "1", class: "floating", digest: digest("a") },
        { repository: FIRST, name: "1.2.3", class: "version", digest: digest("a") },
      ]),
      `${FIRST}:1.2.3`,
    ],
    [
      "a moving tag that points to it, not one that stayed elsewhere",
      manifest([
        { repository: FIRST, name: "latest", class: "floating", digest: digest("e") },
        { repository: FIRST, name: "main", class: "floating", digest: digest("a") },
      ]),
      `${FIRST}:main`,
    ],
    ["the digest where no tag is", manifest([]), `${FIRST}@${digest("a")}`],
  ])("pulls by the reference that is easiest to type: %s", (_, made, reference) => {
    expect(releaseTable({ ...made, run: { tags: [] } })).toContain(`docker pull ${reference}\n`);
  });
});

describe("the page", () => {
  test("shows the whole release", () => {
    const { run, ...made } = carriedOut(planOf(MOVES));
    expect(releaseMarkdown(made, run.tags)).toBe(`# Release on \`stage\`

Commit \`${REVISION}\` of octo/app.

## app 1.2.3

- Digest: \`${digest("b")}\`
- Platforms: linux/amd64, linux/arm64
- SBOM: none (\`sbom: false\`)
- Pull: \`docker pull ${FIRST}@${digest("b")}\`

| Tag | Repository | What happened | Digest |
| --- | --- | --- | --- |
| \`sha-0123456\` | ${FIRST} | created | sha256:bbbbbbbbbbbb |
| \`1.2.3\` | ${FIRST} | created | sha256:bbbbbbbbbbbb |
| \`1\` | ${FIRST} | moved | sha256:aaaaaaaaaaaa (1.2.2) → sha256:bbbbbbbbbbbb |
| \`latest\` | ${FIRST} | kept: 2.0.0 exists and is newer than 1.2.3 | sha256:eeeeeeeeeeee (2.0.0) |

## Same digest

| Tag | Followed by | Repository | Same digest |
| --- | --- | --- | --- |
| \`1.2.3\` | \`1\` | ${FIRST} | yes, sha256:bbbbbbbbbbbb |
| \`1.2.3\` | \`latest\` | ${FIRST} | no, latest is sha256:eeeeeeeeeeee: 2.0.0 exists and is newer than 1.2.3 |

## Skipped registries

- localhost:5001: optional, and there are no credentials for it
`);
  });

  test("lets no text from elsewhere become markup", () => {
    const reason = "a | b\n| c <img src=x> \\";
    const tag = { image: "app", repository: FIRST, name: "latest", action: "kept", reason } as const;
    const text = releaseMarkdown({ ...manifest(), skipped: { "ghcr.io": "a\n# b <b>" } }, [tag]);
    expect(text).toContain(`| \`latest\` | ${FIRST} | not made: a \\| b \\| c &lt;img src=x> \\\\ | – |\n`);
    expect(text).toContain("- ghcr.io: a # b &lt;b>\n");
  });
});

describe("the files", () => {
  let folder: string;
  const { run, ...made } = carriedOut(planOf(MOVES));

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "slipway-report-"));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test("are the manifest with what the run did, and the page; written again they are the same bytes", async () => {
    await writeArtifacts(folder, "out/deep", made, run);
    const file = path.join(folder, "out/deep/release-manifest.json");
    const first = readFileSync(file, "utf8");
    expect(await readManifestFile(file)).toEqual({ ...made, run });
    expect(readFileSync(path.join(folder, "out/deep/release-report.md"), "utf8")).toBe(
      releaseMarkdown(made, run.tags),
    );
    await writeArtifacts(folder, "out/deep", made, run);
    expect(readFileSync(file, "utf8")).toBe(first);
  });

  test("name a run that failed on a registry after the release, and none before it", async () => {
    await writeArtifacts(folder, "failed", made, run);
    const file = path.join(folder, "failed/release-manifest.json");
    const diagnosed = (at: string) =>
      writeFileSync(
        path.join(folder, `failed/diagnostics-${at}.json`),
        JSON.stringify({ schema: 1, at, message: "ghcr.io answered 400\n  more", requests: [] }),
      );
    diagnosed("2001-01-01T00:00:00.000Z");
    expect(await failureAfter(file)).toBeUndefined();
    diagnosed("2101-01-01T00:00:00.000Z");
    expect(await failureAfter(file)).toBe(
      "A later run failed (2101-01-01T00:00:00.000Z): ghcr.io answered 400\n" +
        `  See ${path.join(folder, "failed/diagnostics-2101-01-01T00:00:00.000Z.json")}`,
    );
  });

  test.each([
    ["missing", undefined, /there is no release manifest/],
    ["no JSON", "{", /this is no release manifest of schema 1/],
    ["no manifest", "[]", /this is no release manifest of schema 1/],
    ["a manifest without a run", JSON.stringify(made), /this is no release manifest of schema 1/],
    [
      "another schema's",
      JSON.stringify({ ...made, run, schema: 2 }),
      /this is no release manifest of schema 1/,
    ],
  ])("that cannot be read say so: %s", async (name, text, message) => {
    const file = path.join(folder, `${name}.json`);
    if (text !== undefined) writeFileSync(file, text);
    await expect(readManifestFile(file)).rejects.toThrow(message);
    await expect(readManifestFile(file)).rejects.toMatchObject({
      problems: [{ code: "manifest-unreadable", path: file }],
    });
  });
});
