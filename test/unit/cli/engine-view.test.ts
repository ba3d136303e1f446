import { describe, expect, test } from "vitest";
import { EngineView } from "../../../src/cli/engine/view";

const PROJECT = "urn:pulumi:stage::shop::";
const RELEASE = `${PROJECT}slipway:index:Release::release`;
const IMAGE_TYPE = "slipway:index:Release$slipway:index:ImageRelease";
const STACK = `${PROJECT}pulumi:pulumi:Stack::shop-stage`;
const TAGS = `${PROJECT}slipway:index:Release$slipway-registry:index:Tags::release-tags`;

const component = (image: string) => `${PROJECT}${IMAGE_TYPE}::release-${image}`;
const build = (image: string) =>
  `${PROJECT}${IMAGE_TYPE}$docker-build:index:Image::release-${image}-build-01`;
const content = (image: string) =>
  `${PROJECT}${IMAGE_TYPE}$slipway-registry:index:Content::release-${image}-content`;

const typeOf = (urn: string) => urn.split("::")[2]?.split("$").at(-1) ?? "";

/** A view of events, with a clock that the events move. */
function seen(events: readonly (object | string)[]): { lines: string[]; view: EngineView } {
  const lines: string[] = [];
  let now = 0;
  const view = new EngineView(
    (line) => lines.push(line),
    () => now,
  );
  for (const event of events) {
    if (typeof event === "string") view.read(event);
    else if ("after" in event) now += Number(event.after);
    else view.read(JSON.stringify({ sequence: 0, timestamp: 0, ...event }));
  }
  return { lines, view };
}

const waits = (seconds: number) => ({ after: seconds * 1000 });
const step = (urn: string, op: string, state: object = {}) => ({
  metadata: { op, urn, type: typeOf(urn), new: { custom: true, ...state } },
});
const starts = (urn: string, op = "create", state: object = {}) => ({
  resourcePreEvent: step(urn, op, state),
});
const ends = (urn: string, op = "create", state: object = {}) => ({ resOutputsEvent: step(urn, op, state) });
const planned = (urn: string, op: string) => ({ resOutputsEvent: { ...step(urn, op), planning: true } });
const says = (urn: string, severity: string, message: string, ephemeral = false) => ({
  diagnosticEvent: { ...(urn === "" ? {} : { urn }), severity, message, ephemeral },
});
const status = (urn: string, message: string) => says(urn, "info", message, true);
const summary = (resourceChanges: object, isPreview = false) => ({
  summaryEvent: { resourceChanges, isPreview, durationSeconds: 9 },
});

const startsImage = (image: string) => [
  starts(component(image), "create", { custom: false, parent: RELEASE, inputs: { image } }),
  starts(build(image), "create", { parent: component(image) }),
];

describe("a release", () => {
  test("of two images shows a line for each start and end, and none of BuildKit's", () => {
    const { lines, view } = seen([
      says("", "debug", "Registering resource\n"),
      says("", "info", "Release plan for stage\n  api: build\n\n"),
      ...startsImage("api"),
      ...startsImage("web-api"),
      status(build("api"), '#0 building with "slipway"\n'),
      waits(3),
      ends(build("web-api")),
      waits(9),
      status(build("api"), "#1 DONE 0.0s\n"),
      ends(build("api")),
      starts(content("api"), "create", { parent: component("api") }),
      ends(content("api")),
      starts(TAGS),
      status(TAGS, "writing version tags (1)"),
      ends(TAGS),
      ends(component("api"), "create", { custom: false }),
      summary({ create: 7, same: 2 }),
    ]);
    view.end();
    expect(lines).toEqual([
      "Release plan for stage\n  api: build",
      "building api",
      "building web-api",
      "built web-api in 3.0 s",
      "built api in 12 s",
      "Resources: 7 created, 2 unchanged (9 s)",
    ]);
    expect(view.failure("full")).toBe("");
  });

  test("shows the progress of copies every 10 s, and of builds every 30 s", () => {
    const copying = (second: number) => [waits(1), status(content("api"), `copied ${second} MB of 90 MB`)];
    const { lines } = seen([
      ...startsImage("api"),
      ...Array.from({ length: 65 }, (_, at) => [waits(1), status(build("api"), `#7 ${at + 1}`)]).flat(),
      ends(build("api")),
      starts(content("api"), "create", { parent: component("api") }),
      ...Array.from({ length: 25 }, (_, at) => copying(at + 1)).flat(),
    ]);
    expect(lines).toEqual([
      "building api",
      "api: #7 30",
      "api: #7 60",
      "built api in 1 min 5 s",
      "api: copied 10 MB of 90 MB",
      "api: copied 20 MB of 90 MB",
    ]);
  });

  test.each<[string, object[], string[]]>([
    ["nothing to do", [starts(content("api"), "same"), ends(content("api"), "same")], []],
    ["a forgotten build", [starts(build("api"), "delete"), ends(build("api"), "delete")], []],
    [
      "a warning and a line of a resource",
      [...startsImage("api"), says(build("api"), "warning", "old base\n"), says(build("api"), "info", "hm")],
      ["building api", "api: warning: old base", "api: hm"],
    ],
    [
      "what the program reports in the preview and in the update",
      [says(STACK, "warning", "old\n"), says(STACK, "warning", "old\n"), says(STACK, "info", "old\n")],
      ["warning: old", "old"],
    ],
    [
      "standard error of the program",
      [says(STACK, "info#err", "careful\n"), says("", "info", "\n")],
      ["careful"],
    ],
    [
      "a resource of the user's own",
      [
        starts(`${PROJECT}k8s:apps/v1:Deployment::api::v1`, "update"),
        waits(2),
        ends(`${PROJECT}k8s:apps/v1:Deployment::api::v1`, "update"),
      ],
      ["updated: k8s:apps/v1:Deployment api::v1 in 2.0 s"],
    ],
    [
      "the same in a preview",
      [planned(`${PROJECT}k8s:apps/v1:Deployment::api`, "create"), planned(build("api"), "create")],
      ["to be created: k8s:apps/v1:Deployment api"],
    ],
    [
      "a policy's advice",
      [
        {
          policyEvent: {
            ...{ resourceUrn: STACK, policyName: "sbom", policyPackName: "rules", message: "add one" },
            enforcementLevel: "advisory",
          },
        },
      ],
      ["warning: [advisory] rules: sbom: add one"],
    ],
  ])("%s", (_, events, expected) => {
    expect(seen(events).lines).toEqual(expected);
  });

  test("a preview counts what is to be done", () => {
    const { lines, view } = seen([summary({ create: 1, delete: 2, same: 6, update: 3 }, true)]);
    view.end();
    expect(lines).toEqual(["Resources: 1 to create, 2 to delete, 6 unchanged, 3 to update (9 s)"]);
  });

  test.each([["warning: a new version of Pulumi is available"], ["{ no event }"], ['{"a": 1}'], ["[]"]])(
    "a line that is not an event is shown as it is: %s",
    (line) => {
      expect(seen([line, ""]).lines).toEqual([line]);
    },
  );
});

describe("a failure", () => {
  const failedBuild = [
    ...startsImage("api"),
    ...startsImage("web"),
    status(build("web"), "#1 CACHED\n"),
    status(build("api"), "#1 RUN make\n"),
    status(build("api"), "\n"),
    says(build("api"), "error", "failed to solve: exit code: 1\n"),
    status(build("api"), "#1 ERROR: exit code: 1\n"),
    ends(build("web")),
    says("", "error", "update failed\n"),
    summary({ create: 3 }),
  ];

  test("of a build ends with its log, the reason and what to do", () => {
    const { lines, view } = seen(failedBuild);
    expect(lines).toEqual(["building api", "building web", "built web in 0.0 s"]);
    expect(view.failure("full")).toBe(`The log of api's build:
  #1 RUN make
  #1 ERROR: exit code: 1
error: api: the build failed: failed to solve: exit code: 1
No tag was written. Run the same command again: it finishes what is missing.
`);
  });

  test("while tags are written does not claim that no tag was written", () => {
    const { view } = seen([starts(TAGS), says(TAGS, "error", "503\n"), summary({ create: 3 })]);
    expect(view.failure("full")).toBe(
      "error: release-tags: 503\nRun the same command again: it finishes what is missing.\n",
    );
  });

  const refused = "The release is refused (1 reason); nothing was written:\n  api: 1.0.0 exists\n";
  test.each<["full" | "titles", string]>([
    ["full", `error: ${refused}`],
    ["titles", "error: The release is refused (1 reason); nothing was written (see above)\n"],
  ])("of the program, %s, adds no advice", (extent, expected) => {
    const { lines, view } = seen([
      starts(STACK, "same"),
      says(STACK, "error", refused),
      says("", "error", "preview failed\n"),
      summary({ same: 1 }, true),
    ]);
    view.end();
    expect(lines).toEqual([]);
    expect(view.failure(extent)).toBe(expected);
  });

  test("shows each reason once, and those of one resource together", () => {
    const other = content("web");
    const { view } = seen([
      starts(content("api"), "create"),
      says(content("api"), "error", "gone\n"),
      says(content("api"), "error", "gone\n"),
      says(content("api"), "error", "1 error occurred\n"),
      says(other, "error", "denied\n"),
      says(STACK, "error", "snapshot failed\n"),
      { errorEvent: { error: "snapshot failed" } },
      summary({}, true),
    ]);
    expect(view.failure("full")).toBe(
      "error: release-api-content: gone\n1 error occurred\nerror: release-web-content: denied\nerror: snapshot failed\n",
    );
  });

  test("shows the message of a mandatory policy", () => {
    const event = {
      policyEvent: {
        ...{ resourceUrn: STACK, policyName: "sbom", policyPackName: "rules", message: "add one" },
        enforcementLevel: "mandatory",
      },
    };
    expect(seen([event]).view.failure("full")).toBe("error: [mandatory] rules: sbom: add one\n");
  });
});

test("colours of programs and providers are removed", () => {
  const { lines, view } = seen([
    says(STACK, "info", "\u001b[32mready\u001b[39m"),
    says(STACK, "error", "\u001b[31mno\u001b[39m"),
  ]);
  expect(lines).toEqual(["ready"]);
  expect(view.failure("full")).toBe("error: no\n");
});
