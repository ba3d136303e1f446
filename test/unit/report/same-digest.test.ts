import { describe, expect, it } from "vitest";
import { digestPairs, type ReleaseManifest } from "../../../src/plan/manifest";
import { releaseMarkdown } from "../../../src/report/release-markdown";
import { releaseTable } from "../../../src/report/release-table";
import { DIGEST, KEY, REVISION } from "../../support/planned";

const OTHER = `sha256:${"b".repeat(64)}` as const;
const repository = "docker.io/joakimp/opencode-devbox";

function manifest(latest: typeof DIGEST): ReleaseManifest {
  const image = {
    contentKey: KEY,
    platforms: ["linux/amd64"],
    repositories: [repository],
    references: [`${repository}@${DIGEST}`],
    attestations: [],
    digest: DIGEST,
  };
  return {
    schema: 1,
    stack: "prod",
    revision: REVISION,
    skipped: {},
    images: [
      {
        ...image,
        name: "opencode-devbox-base",
        tags: [
          { repository, name: "base-0123456789ab", class: "revision", digest: DIGEST },
          { repository, name: "base-latest", class: "floating", digest: DIGEST },
        ],
      },
      {
        ...image,
        name: "opencode-devbox",
        version: "1.15.12",
        tags: [
          { repository, name: "candidate-0123", class: "revision", digest: DIGEST },
          { repository, name: "v1.15.12", class: "version", digest: DIGEST },
          { repository, name: "latest", class: "floating", digest: latest },
        ],
      },
    ],
  };
}

describe("the table by which a release is checked", () => {
  it("has each version's tag, and a base's own, beside what follows it", () => {
    expect(
      digestPairs(manifest(DIGEST)).map(({ fixed, floating, other }) => [fixed, floating, other]),
    ).toEqual([
      ["base-0123456789ab", "base-latest", undefined],
      ["v1.15.12", "latest", undefined],
    ]);
    const text = releaseMarkdown(manifest(DIGEST), []);
    expect(text).toContain("## Same digest\n\n| Tag | Followed by | Repository | Same digest |");
    expect(text).toContain(
      "| `v1.15.12` | `latest` | docker.io/joakimp/opencode-devbox | yes, sha256:aaaaaaaaaaaa |",
    );
    const released = manifest(DIGEST);
    expect(releaseTable({ ...released, run: { tags: [] } })).toContain(
      "All tags of this release point to the same digest.",
    );
    const [first, ...others] = released.images.map((image) => ({ ...image, digest: OTHER }));
    const apart = [
      ...(first === undefined ? [] : [first]),
      ...others.map((one) => ({ ...one, digest: DIGEST })),
    ];
    expect(releaseTable({ ...released, images: apart, run: { tags: [] } })).toContain(
      "All tags of each image point to the same digest.",
    );
  });

  it("says where they differ, and why", () => {
    const kept = {
      image: "opencode-devbox",
      repository,
      name: "latest",
      action: "kept",
      reason: "2.0.0 is newer",
    } as const;
    expect(releaseMarkdown(manifest(OTHER), [kept])).toContain(
      "no, latest is sha256:bbbbbbbbbbbb: 2.0.0 is newer |",
    );
    expect(releaseTable({ ...manifest(OTHER), run: { tags: [kept] } })).not.toContain("differ");
    expect(releaseTable({ ...manifest(OTHER), run: { tags: [] } })).toContain(
      `${repository}: v1.15.12 and latest differ: no, latest is sha256:bbbbbbbbbbbb`,
    );
  });
});
