import type { Problem } from "./problem";

/** What git says about the tag that is asserted. */
export interface TagFacts {
  /** The commit at HEAD. */
  readonly revision: string;
  readonly tagsAtHead: readonly string[];
  readonly dirty: boolean;
  /** Some of the changed paths, for the message. */
  readonly dirtyPaths: readonly string[];
  /** The commit that the asserted tag points to; undefined where there is no such tag. */
  readonly tagCommit?: string;
  /** Tags may be missing from a shallow clone. Default false. */
  readonly shallow?: boolean;
}

export interface RequireTagInput {
  /** `slipway:requireTag`. Nothing is asserted without it. */
  readonly requireTag: boolean;
  /** As asked for by `slipway:version` or RELEASE_TAG. Default: any tag at HEAD. */
  readonly version?: string;
  readonly git: TagFacts;
}

/** With `requireTag`: HEAD is the version's tag and the tree is clean. Each problem says what differs and what to do. */
export function requireTagProblems({ requireTag, version, git }: RequireTagInput): Problem[] {
  if (!requireTag) return [];
  return [...tagProblems(version, git), ...treeProblems(git)];
}

function tagProblems(version: string | undefined, git: TagFacts): Problem[] {
  const head = `HEAD is ${short(git.revision)}`;
  const tags = git.tagsAtHead.length === 0 ? "and has no tag" : `with ${git.tagsAtHead.join(", ")}`;
  if (version === undefined) {
    if (git.tagsAtHead.length > 0) return [];
    return [
      {
        code: "source-tag-required",
        path: "requireTag",
        message: `a tag is required, but ${head} ${tags}, and no version is asked for`,
        hint: "Check out the tag to release, or name it: RELEASE_TAG=v1.2.3",
      },
    ];
  }
  const name = JSON.stringify(version);
  if (git.tagsAtHead.includes(version) || git.tagCommit === git.revision) return [];
  if (git.tagCommit === undefined) {
    const near = git.tagsAtHead.find((tag) => tag === `v${version}` || `v${tag}` === version);
    return [
      {
        code: "source-tag-missing",
        path: "version",
        message: `there is no tag ${name} in this repository; ${head} ${tags}`,
        hint:
          near === undefined
            ? `${git.shallow ? "This clone is shallow. " : ""}Fetch it (git fetch --tags) or make it (git tag ${version})`
            : `Did you mean ${JSON.stringify(near)}?`,
      },
    ];
  }
  return [
    {
      code: "source-tag-elsewhere",
      path: "version",
      message: `the tag ${name} is ${short(git.tagCommit)}, but ${head} ${tags}`,
      hint: `Check it out: git checkout ${version}`,
    },
  ];
}

function treeProblems(git: TagFacts): Problem[] {
  if (!git.dirty) return [];
  const shown = git.dirtyPaths.slice(0, 5).map((path) => JSON.stringify(path));
  const rest = git.dirtyPaths.length > shown.length ? ", …" : "";
  return [
    {
      code: "source-dirty",
      path: "requireTag",
      message: `the working tree differs from its commit: ${shown.join(", ")}${rest}`,
      hint: "Commit, stash or ignore these changes (git status shows all of them)",
    },
  ];
}

function short(revision: string): string {
  return revision.slice(0, 12);
}
