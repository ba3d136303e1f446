import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type EventInput, readEvent, readReleasedEvent } from "../../../src/inputs/event";
import type { GitSource } from "../../../src/inputs/git";
import type { Config } from "../../../src/plan/config";
import { aConfig } from "../../support/plan-state";
import { anImage } from "../../support/planned";
import { temporaryFolder } from "./repository";

const HEAD = "a".repeat(40);
const GIT: GitSource = {
  revision: HEAD,
  commitDate: new Date("2020-01-10T00:30:00Z"),
  tagsAtHead: [],
  refusedTags: [],
  branch: "main",
  dirty: false,
  dirtyPaths: [],
  shallow: false,
};
const { branch: _, ...DETACHED } = GIT;
const read = (input: Partial<EventInput>) => readEvent({ env: {}, git: GIT, ...input });

async function payloadFile(payload: unknown): Promise<string> {
  const file = join(await temporaryFolder(), "event.json");
  await writeFile(file, typeof payload === "string" ? payload : JSON.stringify(payload));
  return file;
}

describe("on a laptop", () => {
  it.each<[string, Partial<EventInput>, string, string]>([
    [
      "an asserted version",
      { version: "v1.2.3", git: { ...GIT, tagsAtHead: ["v9.0.0"] } },
      "refs/tags/v1.2.3",
      "the version v1.2.3 that was asked for",
    ],
    [
      "a tag at HEAD",
      { git: { ...GIT, tagsAtHead: ["v1.2.3"] } },
      "refs/tags/v1.2.3",
      "the tag v1.2.3 at HEAD",
    ],
    [
      "the first of several tags at HEAD",
      { git: { ...GIT, tagsAtHead: ["v1.10.0", "v1.2.3"] } },
      "refs/tags/v1.10.0",
      "the tag v1.10.0 at HEAD",
    ],
    ["a branch", {}, "refs/heads/main", "the branch main"],
    ["a detached HEAD", { git: DETACHED }, "", "a detached HEAD without a release's tag"],
  ])("%s", async (_name, input, ref, origin) => {
    const answer = await read(input);
    expect(answer.event).toEqual({
      eventName: "push",
      ref,
      sha: HEAD,
      commitDate: GIT.commitDate,
      baseRef: "",
      inputs: {},
      repository: {},
    });
    expect(answer.origin).toBe(origin);
  });

  it.each(["https://github.com/octo/app", "https://codeberg.org/octo/app", "https://gitlab.com/a/b/app"])(
    "knows the repository from the remote's page %s",
    async (page) => {
      const { event } = await read({ git: { ...GIT, page } });
      expect(event.repository).toEqual({ name: "app", url: page });
    },
  );

  it("knows the default branch from the clone", async () => {
    const { event } = await read({ git: { ...GIT, defaultBranch: "trunk" } });
    expect(event).toMatchObject({ defaultBranch: "trunk", repository: { defaultBranch: "trunk" } });
  });

  it("refuses a hostile version", async () => {
    await expect(read({ version: "v1$(id)" })).rejects.toThrow(
      /"v1\$\(id\)" is not a release's name: .*\[source-tag-name\]/,
    );
  });
});

describe("on GitHub", () => {
  it("reads the event with its payload", async () => {
    const env = {
      GITHUB_REF: "refs/heads/feature/x",
      GITHUB_SHA: HEAD,
      GITHUB_EVENT_NAME: "workflow_dispatch",
      GITHUB_REPOSITORY: "octo/app",
      GITHUB_EVENT_PATH: await payloadFile({
        inputs: { tag: "custom" },
        repository: {
          name: "app",
          description: "An app",
          html_url: "https://github.com/octo/app",
          default_branch: "trunk",
          license: { spdx_id: "MIT" },
        },
      }),
    };
    const { event, origin } = await read({ env, git: { ...GIT, tagsAtHead: ["v1.2.3"] } });
    expect(event).toEqual({
      eventName: "workflow_dispatch",
      ref: "refs/heads/feature/x",
      sha: HEAD,
      commitDate: GIT.commitDate,
      baseRef: "",
      defaultBranch: "trunk",
      inputs: { tag: "custom" },
      repository: {
        name: "app",
        description: "An app",
        url: "https://github.com/octo/app",
        defaultBranch: "trunk",
        license: "MIT",
      },
    });
    expect(origin).toBe("GitHub's workflow_dispatch event (refs/heads/feature/x)");
  });

  const PAGE = "https://git.example/octo/app";
  it.each<[string, Record<string, string>, unknown, string | undefined]>([
    ["GitHub's own server", {}, {}, "https://github.com/octo/app"],
    ["the workflow's server", { GITHUB_SERVER_URL: "https://git.example" }, {}, PAGE],
    ["a server below a path", { GITHUB_SERVER_URL: "http://h:3000/git/" }, {}, "http://h:3000/git/octo/app"],
    [
      "a payload without an address",
      { GITHUB_SERVER_URL: "https://git.example" },
      { repository: { name: "app", html_url: null } },
      PAGE,
    ],
    [
      "the payload's own address",
      { GITHUB_SERVER_URL: "https://other.example" },
      { repository: { html_url: PAGE } },
      PAGE,
    ],
    ["an invalid server's address", { GITHUB_SERVER_URL: "javascript:x" }, {}, undefined],
  ])("knows the repository's page from %s", async (_, server, payload, url) => {
    const file = await payloadFile(payload);
    const env = { GITHUB_REF: "refs/heads/main", GITHUB_SHA: HEAD, GITHUB_REPOSITORY: "octo/app", ...server };
    const { event } = await read({ env: { ...env, GITHUB_EVENT_PATH: file } });
    expect(event.repository.url).toBe(url);
  });

  it.each<[string, string, unknown, string | undefined, string | undefined]>([
    ["a payload's", "push", { repository: { default_branch: "trunk" } }, "main", "trunk"],
    ["the clone's", "push", {}, "main", "main"],
    ["a schedule's own branch", "schedule", { schedule: "0 5 * * *" }, undefined, "dev"],
    [
      "a payload's before a schedule's",
      "schedule",
      { repository: { default_branch: "trunk" } },
      "main",
      "trunk",
    ],
    ["none", "push", {}, undefined, undefined],
  ])("knows the default branch: %s", async (_, name, payload, defaultBranch, expected) => {
    const file = await payloadFile(payload);
    const env = { GITHUB_REF: "refs/heads/dev", GITHUB_SHA: HEAD, GITHUB_EVENT_NAME: name };
    const { event } = await read({
      env: { ...env, GITHUB_EVENT_PATH: file },
      git: { ...GIT, defaultBranch },
    });
    expect([event.defaultBranch, event.repository.defaultBranch]).toEqual([expected, expected]);
  });

  it("prefers an asserted version to the event", async () => {
    const env = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: "b".repeat(40),
      GITHUB_EVENT_NAME: "workflow_dispatch",
    };
    const { event } = await read({ env, version: "v1.2.3" });
    expect(event).toMatchObject({ ref: "refs/tags/v1.2.3", sha: HEAD });
  });

  it("releases the ref that a dispatch names, not the one where its workflow was started", async () => {
    const env = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: "b".repeat(40),
      GITHUB_EVENT_NAME: "workflow_dispatch",
      GITHUB_EVENT_PATH: await payloadFile({ inputs: { ref: "v1.2.3", tag: "custom" } }),
    };
    const tagged = await read({ env, git: { ...DETACHED, tagsAtHead: ["v1.2.3"] } });
    expect(tagged.event).toMatchObject({ ref: "refs/tags/v1.2.3", sha: HEAD, inputs: { tag: "custom" } });
    const branch = await read({ env, git: { ...GIT, branch: "fix" } });
    expect(branch.event).toMatchObject({ ref: "refs/heads/fix", sha: HEAD });
  });

  it.each<[string, object, string, string]>([
    ["by its ref, on the branch with its commit", { ref: "v1.2.3" }, HEAD, "refs/tags/v1.2.3"],
    ["by its ref, of several at HEAD", { ref: "v1.2.3" }, "b".repeat(40), "refs/tags/v1.2.3"],
    ["by its ref's whole name", { ref: "refs/tags/v1.2.3" }, HEAD, "refs/tags/v1.2.3"],
    ["as the image's tag", { ref: "", tag: "v1.2.3" }, "b".repeat(40), "refs/tags/v1.2.3"],
    ["not, with an image's tag that is no git tag", { ref: "", tag: "hotfix-7" }, HEAD, "refs/heads/main"],
  ])("releases the git tag that a dispatch names: %s", async (_, inputs, sha, ref) => {
    const env = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: sha,
      GITHUB_EVENT_NAME: "workflow_dispatch",
      GITHUB_EVENT_PATH: await payloadFile({ inputs }),
    };
    const { event } = await read({ env, git: { ...DETACHED, tagsAtHead: ["v1.2.3", "v1.2.4"] } });
    expect(event.ref).toBe(ref);
  });

  it("refuses a dispatch without a ref about another commit", async () => {
    const env = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: "b".repeat(40),
      GITHUB_EVENT_NAME: "workflow_dispatch",
      GITHUB_EVENT_PATH: await payloadFile({ inputs: { ref: "" } }),
    };
    await expect(read({ env })).rejects.toThrow(/source-event-commit/);
  });

  it("refuses an event about another commit than the one that is built", async () => {
    const env = { GITHUB_REF: "refs/tags/v1.2.3", GITHUB_SHA: "b".repeat(40), GITHUB_EVENT_NAME: "push" };
    await expect(read({ env })).rejects.toThrow(
      /GitHub's event is about bbbbbbbbbbbb, but HEAD is aaaaaaaaaaaa \[source-event-commit\]/,
    );
  });

  it("allows a pull request that is checked out at its own head", async () => {
    const env = {
      GITHUB_REF: "refs/pull/2/merge",
      GITHUB_SHA: "b".repeat(40),
      GITHUB_EVENT_NAME: "pull_request",
      GITHUB_EVENT_PATH: await payloadFile({
        number: 2,
        pull_request: { head: { sha: HEAD }, base: { ref: "main" } },
      }),
    };
    const { event } = await read({ env });
    expect(event).toMatchObject({ ref: "refs/pull/2/merge", sha: HEAD, baseRef: "main" });
  });

  it("refuses a hostile tag", async () => {
    const env = { GITHUB_REF: "refs/tags/v1;id", GITHUB_SHA: HEAD };
    await expect(read({ env })).rejects.toThrow(/\[source-tag-name\]/);
  });

  it("says why a payload cannot be read", async () => {
    const missing = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: HEAD,
      GITHUB_EVENT_PATH: "/nowhere/event.json",
    };
    await expect(read({ env: missing })).rejects.toThrow(
      /"\/nowhere\/event.json" cannot be read: ENOENT.*\[source-event-payload\]/,
    );
    const broken = { ...missing, GITHUB_EVENT_PATH: await payloadFile("{") };
    await expect(read({ env: broken })).rejects.toThrow(/\[source-event-payload\]/);
  });
});

describe("for each image", () => {
  const own = (name: string) =>
    anImage({ name, tags: [`type=semver,pattern={{version}},match=^${name}-v(.*)$`] });
  const images = [own("api"), own("web"), anImage({ name: "docs", tags: ["type=ref,event=branch"] })];

  async function released(tagsAtHead: readonly string[], changes: Partial<Config> = {}, env = {}) {
    const config = aConfig({ images, ...changes });
    const { eventOf, releaseTags, notices } = await readReleasedEvent(
      config,
      env,
      { ...GIT, tagsAtHead },
      new Date(0),
    );
    const refs = Object.fromEntries(config.images.map((image) => [image.name, eventOf(image).ref]));
    return { refs, releaseTags, notices };
  }

  it("the tag that a dispatch names is released, even if a higher one is at HEAD", async () => {
    const env = {
      GITHUB_REF: "refs/heads/main",
      GITHUB_SHA: "b".repeat(40),
      GITHUB_EVENT_NAME: "workflow_dispatch",
      GITHUB_EVENT_PATH: await payloadFile({ inputs: { ref: "refs/tags/api-v1.2.0" } }),
    };
    const { refs, releaseTags } = await released(["api-v1.2.0", "api-v1.3.0"], {}, env);
    expect([refs.api, releaseTags]).toEqual(["refs/tags/api-v1.2.0", ["api-v1.2.0"]]);
  });

  it("the tag at HEAD that its rules match is released, else the branch", async () => {
    expect(await released(["api-v1.2.0", "chart-9.0.0", "web-v3.0.0"])).toEqual({
      refs: { api: "refs/tags/api-v1.2.0", web: "refs/tags/web-v3.0.0", docs: "refs/heads/main" },
      releaseTags: ["api-v1.2.0", "web-v3.0.0"],
      notices: [
        "the release of api is the tag api-v1.2.0 at HEAD",
        "the release of web is the tag web-v3.0.0 at HEAD",
        "the release of docs is the branch main",
        "not released, but also at HEAD: chart-9.0.0",
      ],
    });
  });

  it("a tag that no rule matches releases the branch", async () => {
    expect(await released(["deployed-to-stage"])).toEqual({
      refs: { api: "refs/heads/main", web: "refs/heads/main", docs: "refs/heads/main" },
      releaseTags: [],
      notices: ["the release is the branch main", "not released, but also at HEAD: deployed-to-stage"],
    });
  });

  it("the tag of an image that is not selected does not count", async () => {
    const { releaseTags, notices } = await released(["api-v1.2.0", "web-v3.0.0"], { only: ["web"] });
    expect(releaseTags).toEqual(["web-v3.0.0"]);
    expect(notices).toEqual([
      "the release is the tag web-v3.0.0 at HEAD",
      "not released, but also at HEAD: api-v1.2.0",
    ]);
  });

  it("an asserted version and GitHub's event apply to all images", async () => {
    const asked = await released(["api-v1.2.0", "web-v3.0.0"], { version: "web-v3.0.0" });
    expect(new Set(Object.values(asked.refs))).toEqual(new Set(["refs/tags/web-v3.0.0"]));
    expect(asked.releaseTags).toEqual(["web-v3.0.0"]);
    const env = { GITHUB_REF: "refs/tags/chart-9.0.0", GITHUB_SHA: HEAD, GITHUB_EVENT_NAME: "push" };
    const pushed = await released(["api-v1.2.0", "chart-9.0.0"], {}, env);
    expect(new Set(Object.values(pushed.refs))).toEqual(new Set(["refs/tags/chart-9.0.0"]));
    expect(pushed.releaseTags).toEqual([]);
  });
});
