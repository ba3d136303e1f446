import { expect, test } from "vitest";
import { changesIn, type ReleasePlan } from "../../../src/plan/release-plan";

type Parts = { from?: "build" | "candidate"; copyTo?: string[]; action?: string; unasked?: boolean };

function plan({ from = "candidate", copyTo = [], action = "unchanged", unasked }: Parts): ReleasePlan {
  const tag = { repository: "ghcr.io/octo/app", name: "latest", action };
  const images = [{ name: "app", content: { from }, copyTo }];
  // Nothing else of a plan is looked at.
  return { unasked, images, levels: [{ name: "latest", tags: [tag] }] } as unknown as ReleasePlan;
}

test.each<[string, Parts, string[]]>([
  ["everything is in place", {}, []],
  ["a tag stays for a reason", { action: "keep" }, []],
  ["a build", { from: "build" }, ["app would be built"]],
  ["a copy", { copyTo: ["docker.io/octo/app"] }, ["app would be copied to docker.io/octo/app"]],
  ["a tag that is gone", { action: "create" }, ["ghcr.io/octo/app:latest is not there"]],
  ["a tag that another tool moved", { action: "move" }, ["ghcr.io/octo/app:latest points to something else"]],
  [
    "a dry run, which asks no registry",
    { action: "create", unasked: true },
    [expect.stringMatching("not known")],
  ],
])("%s", (_, parts, expected) => {
  expect(changesIn(plan(parts))).toEqual(expected);
});
