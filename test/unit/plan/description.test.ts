import { describe, expect, test } from "vitest";
import { FULL_LIMIT, type ReadDescription, textProblems } from "../../../src/plan/description";
import { planText } from "../../../src/report/plan-text";
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
import { anImage } from "../../support/planned";

const HUB = "https://hub.example.com";
const READ: ReadDescription = {
  at: "images[0]",
  images: ["app"],
  file: "HUB.md",
  short: "An app",
  full: "# App\n",
};
const taking = (...hosts: readonly string[]) => {
  const config = aConfig();
  return {
    ...config,
    registries: config.registries.map((registry) =>
      hosts.includes(registry.host) ? { ...registry, hub: HUB } : registry,
    ),
  };
};
const described = (state = registryState(), changes: Parameters<typeof planOf>[1] = {}) =>
  planOf(state, { config: taking("localhost:5000"), descriptions: [READ], ...changes });

describe("a description goes to", () => {
  test("the repositories of registries that take one", () => {
    expect(described().descriptions).toEqual([
      { image: "app", repository: FIRST, file: "HUB.md", short: "An app", full: "# App\n" },
    ]);
    const both = described(registryState(), { config: taking("localhost:5000", "localhost:5001") });
    expect(both.descriptions?.map(({ repository }) => repository)).toEqual([FIRST, SECOND]);
  });

  test("nowhere, with a notice, if no registry takes one", () => {
    const plan = planOf(registryState(), { descriptions: [READ] });
    expect(plan.descriptions).toBeUndefined();
    expect(plan.notices).toContainEqual(expect.stringContaining("HUB.md describes nothing"));
    expect(plan.refusals).toEqual([]);
  });

  test("no registry that is skipped", () => {
    const state = registryState().skipped("localhost:5000", "optional");
    expect(described(state).descriptions).toBeUndefined();
  });

  test("one repository once, whatever variants share it", () => {
    const variant = intent({
      name: "app-slim",
      image: anImage({ name: "app-slim" }),
      candidateTag: "candidate-slim",
      tags: [{ name: "latest-slim", class: "floating", line: {} }],
    });
    const plan = described(registryState(), {
      intents: [intent(), variant],
      descriptions: [{ ...READ, images: ["app", "app-slim"] }],
    });
    expect(plan.descriptions?.map(({ repository }) => repository)).toEqual([FIRST]);
  });
});

describe("a description stays as it is if floating tags do not move to the release", () => {
  const newer = image({
    digest: digest("e"),
    version: "2.0.0",
    revision: OTHER_REVISION,
    contentKey: "e".repeat(64),
  });

  test.each([
    [
      "an older version",
      () => described(registryState().with(FIRST, "latest", newer).withTags(FIRST, ["2.0.0"])),
      "latest stays where it is",
    ],
    [
      "no version and no floating tag",
      () => {
        const tags = [{ name: "sha-0123456", class: "revision" as const }];
        const { version: _, ...branch } = intent({ tags, ref: "refs/heads/main" });
        return described(registryState(), { intents: [branch] });
      },
      "this release has no version and no floating tag",
    ],
  ])("%s", (_, plan, kept) => {
    expect(plan().descriptions).toMatchObject([{ repository: FIRST, kept }]);
  });

  test("another registry's floating tag does not matter", () => {
    const state = registryState().with(SECOND, "latest", newer).withTags(SECOND, ["2.0.0"]);
    const [description] = described(state, { config: taking("localhost:5001") }).descriptions ?? [];
    expect(description).toMatchObject({ repository: SECOND, kept: "latest stays where it is" });
  });

  test("a version without floating tags describes", () => {
    const tags = [{ name: "1.2.3", class: "version" as const }];
    expect(
      described(registryState(), { intents: [intent({ tags })] }).descriptions?.[0]?.kept,
    ).toBeUndefined();
  });
});

test("a repository that is not namespace/name cannot have one", () => {
  const deep = "localhost:5000/octo/deep/app";
  const state = registryState({
    access: registryState().access,
    repositories: { [deep]: { tags: [], found: {} } },
  });
  const repositories = [{ host: "localhost:5000", path: "octo/deep/app" }];
  const { refusals } = described(state, { intents: [intent({ repositories })] });
  expect(refusals).toMatchObject([
    { code: "description-repository", message: expect.stringContaining("a repository is namespace/name") },
  ]);
});

describe("a text", () => {
  test.each([
    ["x".repeat(FULL_LIMIT), []],
    ["x".repeat(FULL_LIMIT + 1), ["HUB.md has 25001 bytes, and Docker Hub takes 25000 at most"]],
    ["€".repeat(8334), ["HUB.md has 25002 bytes, and Docker Hub takes 25000 at most"]],
    [" \n", ["HUB.md is empty"]],
  ])("is counted in bytes (%#)", (full, messages) => {
    expect(textProblems({ ...READ, full }).map(({ message }) => message)).toEqual(messages);
  });
});

test("the plan's text names file, bytes and the short text, or why it stays", () => {
  expect(planText(described())).toContain(
    `\ndescriptions, after every tag:\n  ${FIRST}\n    HUB.md, 6 bytes: An app\n`,
  );
});
