import { describe, expect, test } from "vitest";
import { type GitHubEvent, releaseEventFromGitHub } from "../../../src/plan/tag-rules/event";
import { NOW, SHA } from "./evaluate-text";

const HEAD = "f".repeat(40);

function read(parts: Partial<GitHubEvent> = {}) {
  return releaseEventFromGitHub({
    eventName: "push",
    ref: "refs/heads/main",
    sha: SHA,
    payload: {},
    sourceOfSha: "event",
    now: NOW,
    ...parts,
  });
}

describe("the event's reference and commit", () => {
  const payload = { number: 7, pull_request: { head: { sha: HEAD }, base: { ref: "main" } } };

  test("pull_request_target has the reference of its pull request", () => {
    expect(read({ eventName: "pull_request_target", payload })).toMatchObject({
      ref: "refs/pull/7/merge",
      sha: SHA,
      baseRef: "main",
    });
  });

  test("sourceOfSha chooses a pull request's own head", () => {
    const sourceOfSha = "pull-request-head";
    expect(read({ eventName: "pull_request", payload, sourceOfSha }).sha).toBe(HEAD);
    expect(read({ eventName: "pull_request", payload: {}, sourceOfSha }).sha).toBe(SHA);
    expect(read({ eventName: "push", payload, sourceOfSha }).sha).toBe(SHA);
  });

  test("base_ref is used for tags only", () => {
    const pushed = { base_ref: "refs/heads/rel/1" };
    expect(read({ ref: "refs/tags/v1", payload: pushed }).baseRef).toBe("rel/1");
    expect(read({ ref: "refs/tags/v1", payload: { base_ref: null } }).baseRef).toBe("");
    expect(read({ payload: pushed }).baseRef).toBe("");
  });
});

describe("the commit's date comes from", () => {
  const payload = {
    commits: [
      { id: HEAD, timestamp: "2020-01-01T00:00:00Z" },
      { id: SHA, timestamp: "2020-01-02T01:00:00+01:00" },
    ],
    head_commit: { id: HEAD, timestamp: "2020-01-03T00:00:00Z" },
  };
  test.each([
    ["the commit in the payload", { payload }, "2020-01-02T00:00:00.000Z"],
    [
      "the head commit",
      { payload: { head_commit: { id: SHA, timestamp: "2020-01-03T00:00:00Z" } } },
      "2020-01-03T00:00:00.000Z",
    ],
    ["the clock, not another commit", { payload: { head_commit: payload.head_commit } }, NOW.toISOString()],
    ["the caller first of all", { payload, commitDate: new Date(0) }, "1970-01-01T00:00:00.000Z"],
  ])("%s", (_, parts, date) => {
    expect(read(parts).commitDate.toISOString()).toBe(date);
  });
});

test("the repository comes from GitHub's API, else from the payload, without null fields", () => {
  const payload = { repository: { name: "a", default_branch: "main", license: null, description: null } };
  expect(read({ payload })).toMatchObject({
    defaultBranch: "main",
    repository: { name: "a", defaultBranch: "main" },
  });
  const repository = {
    name: "b",
    html_url: "https://x/b",
    license: { spdx_id: "MIT" },
    default_branch: "dev",
  };
  expect(read({ payload, repository })).toMatchObject({
    defaultBranch: "main",
    repository: { name: "b", url: "https://x/b", license: "MIT", defaultBranch: "dev" },
  });
});

test("a dispatched workflow's inputs are converted to strings", () => {
  expect(read({ payload: { inputs: { tag: "v1", push: true, n: 3, nothing: null } } }).inputs).toEqual({
    tag: "v1",
    push: "true",
    n: "3",
  });
  for (const payload of [null, undefined, "x", 3, [], { inputs: null }])
    expect(read({ payload }).inputs).toEqual({});
});
