import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pollSeconds } from "../../../src/cli/dispatch/github";
import { logLines, reasonsInLog, unzip } from "../../../src/cli/dispatch/outcome";
import {
  checkDuration,
  checkRef,
  checkRepository,
  checkVersion,
  serverFor,
} from "../../../src/cli/dispatch/settings";
import { type ListedRun, ownRuns } from "../../../src/cli/dispatch/start-run";
import {
  dispatchInputs,
  readWorkflowFile,
  type WorkflowInput,
} from "../../../src/cli/dispatch/workflow-file";
import { plain } from "../../../src/github/client";
import { zipOf } from "../../support/github/actions-runs";

describe("flags", () => {
  test.each(["v1.2.3", "v0.0.1-rc.1", "standalone-v1.2.3"])("%s is a version", (text) => {
    expect(checkVersion(text, "--version")).toBe(text);
  });
  test.each(["1.2.3", "v1.2", "v01.2.3", "v1.2.3;x", "v1.2.3\n", "", "-v1.2.3"])(
    "%j is not a version",
    (text) => {
      expect(() => checkVersion(text, "--version")).toThrow("--version");
    },
  );
  test.each(["main", "release/1.x", "refs/tags/v1", "a".repeat(40)])("%s is a reference", (text) => {
    expect(checkRef(text, "--input-ref")).toBe(text);
  });
  test.each(["-x", "a..b", "a b", "$(x)", "a@{1}", "x.lock", "a/", "../a", "a//b", ""])(
    "%j is not a reference",
    (text) => {
      expect(() => checkRef(text, "--input-ref")).toThrow("--input-ref");
    },
  );
  test.each([
    ["o/r", { owner: "o", repo: "r" }],
    ["github.example/o/r", { owner: "o", repo: "r", host: "github.example" }],
  ])("%s is a repository", (text, expected) => expect(checkRepository(text, "--repo")).toEqual(expected));
  test.each(["o", "o/..", "o/r/x/y", "o/r?x"])("%j is not a repository", (text) => {
    expect(() => checkRepository(text, "--repo")).toThrow("--repo");
  });
  test.each([
    ["90s", 90],
    ["45m", 2700],
    ["2h", 7200],
    ["10", 600],
  ])("%s is %i seconds", (text, seconds) => expect(checkDuration(text, "--timeout")).toBe(seconds));
  test.each(["0", "-1", "1d", "", "1e9"])("%j is not a duration", (text) => {
    expect(() => checkDuration(text, "--timeout")).toThrow("--timeout");
  });
});

describe("the server", () => {
  test.each([
    [{}, "https://api.github.com"],
    [{ GH_HOST: "github.com" }, "https://api.github.com"],
    [{ GH_HOST: "github.example" }, "https://github.example/api/v3"],
    [{ GH_HOST: "acme.ghe.com" }, "https://api.acme.ghe.com"],
    [{ GITHUB_API_URL: "https://x.example/api/v3/", GH_HOST: "y" }, "https://x.example/api/v3"],
  ])("%j", (env, apiUrl) => expect(serverFor({ env }).apiUrl).toBe(apiUrl));
});

const input = (more: Partial<WorkflowInput> = {}): WorkflowInput => ({
  ...{ required: false, type: "string", hasDefault: false, options: [] },
  ...more,
});

describe("a workflow's inputs", () => {
  const id = "id-1";
  type Request = { version?: string; gitTag?: string; inputRef?: string; publishVersionTag?: boolean };
  const asked = (request: Request) => ({ gitTag: request.version, ...request });

  test.each<[Request, Record<string, WorkflowInput>, Record<string, string>]>([
    [{ version: "v1.2.3" }, { version: input() }, { version: "v1.2.3" }],
    [{ version: "v1.2.3" }, { "release-tag": input() }, { "release-tag": "v1.2.3" }],
    [{ version: "v1.2.3" }, { input_ref: input() }, { input_ref: "refs/tags/v1.2.3" }],
    [
      { version: "v1.2.3" },
      { version: input(), ref: input({ hasDefault: true }) },
      { version: "v1.2.3", ref: "refs/tags/v1.2.3" },
    ],
    [
      { version: "v0.2.1", gitTag: "docker-v0.2.1" },
      { version: input(), ref: input() },
      { version: "v0.2.1", ref: "refs/tags/docker-v0.2.1" },
    ],
    [
      { version: "v1.2.3", inputRef: "main", publishVersionTag: false },
      {
        version: input(),
        ref: input(),
        publish_version_tag: input({ options: ["yes", "no"] }),
        dispatch_id: input(),
      },
      { version: "v1.2.3", ref: "main", publish_version_tag: "no", dispatch_id: id },
    ],
  ])("%j", (request, declared, expected) => {
    const { inputs, problems } = dispatchInputs(asked(request), declared, "w.yml", id);
    expect({ inputs, problems }).toEqual({ inputs: expected, problems: [] });
  });

  test.each<[Request, Record<string, WorkflowInput>, string]>([
    [{ version: "v1.2.3" }, {}, "no input for --version"],
    [{ version: "v1.2.3", inputRef: "main" }, { input_ref: input() }, "no input for --version"],
    [{ inputRef: "main" }, { version: input() }, "no input for --input-ref"],
    [{ publishVersionTag: true }, {}, "no input for --publish-version-tag"],
    [{}, { version: input({ required: true }) }, "is required"],
    [{ publishVersionTag: true }, { publish_version_tag: input({ options: ["a"] }) }, "is not one of a"],
  ])("%j is refused", (request, declared, message) => {
    const { problems } = dispatchInputs(asked(request), declared, "w.yml", id);
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
  });
});

describe("a workflow's file", () => {
  test.each([
    ["on: workflow_dispatch", {}],
    ["on: [push, workflow_dispatch]", {}],
    ["on: { workflow_dispatch: }", {}],
    ["on: push", undefined],
  ])("%s", (text, inputs) => expect(readWorkflowFile("w", text).inputs).toEqual(inputs));

  test.each([
    ["jobs: { a: {} }", "default"],
    ["permissions: {}\njobs: { a: {} }", "none"],
    ["permissions: write-all\njobs: { a: {} }", "write"],
    ["permissions: { packages: write }\njobs: { a: { permissions: {} } }", "none"],
    ["permissions: {}\njobs: { a: { permissions: { packages: write } } }", "write"],
  ])("%s", (text, packages) => expect(readWorkflowFile("w", text).packages).toBe(packages));
});

describe("the run of a dispatch", () => {
  const run = (id: number, more: Partial<ListedRun> = {}): ListedRun => ({
    ...{ id, url: `u${id}`, title: "Release", event: "workflow_dispatch", branch: "main", actor: "ann" },
    ...more,
  });
  const marks = { afterId: 10, ref: "main", actor: "ann" };

  test.each<[string, ListedRun[], Partial<typeof marks> & { dispatchId?: string }, number[]]>([
    ["no run yet", [run(10)], {}, []],
    ["a newer run", [run(11), run(10)], {}, [11]],
    ["not another user's", [run(11, { actor: "bob" })], {}, []],
    ["a login in capitals", [run(11, { actor: "Ann" })], {}, [11]],
    ["not another branch's", [run(11, { branch: "develop" })], {}, []],
    ["a tag by its full name", [run(11, { branch: "v1.2.3" })], { ref: "refs/tags/v1.2.3" }, [11]],
    ["not a push", [run(11, { event: "push" })], {}, []],
    ["two that cannot be distinguished", [run(12), run(11)], {}, [12, 11]],
    [
      "the one with the id in its title",
      [run(12), run(11, { title: "Release (id-1)" })],
      { dispatchId: "id-1" },
      [11],
    ],
    ["none without the id in its title", [run(12), run(11)], { dispatchId: "id-1" }, []],
  ])("%s", (_, runs, more, expected) => {
    expect(ownRuns(runs, { ...marks, ...more }).map(({ id }) => id)).toEqual(expected);
  });

  test("is never older than the dispatch", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30 })), fc.nat({ max: 30 }), (ids, afterId) => {
        const found = ownRuns(
          ids.map((id) => run(id)),
          { ...marks, afterId },
        );
        return found.every(({ id }) => id > afterId);
      }),
    );
  });
});

describe("zip files", () => {
  test("give back what was packed", async () => {
    const names = fc.stringMatching(/^[a-z]{1,9}$/);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, fc.string(), { maxKeys: 5 }), async (files) => {
        const found = await unzip(zipOf(files), () => true, 10_000);
        expect(Object.fromEntries(found.map(({ name, bytes }) => [name, bytes.toString("utf8")]))).toEqual({
          ...files,
        });
      }),
    );
  });

  test("with any damaged byte give an error or the right bytes", async () => {
    const zip = zipOf({ a: "some text, some text" });
    const isHarmless = async (damaged: Buffer) => {
      const found = await unzip(damaged, () => true, 10_000).catch((error) => {
        if (error instanceof Error && error.message !== "") return [];
        throw error;
      });
      return found.every(({ bytes }) => bytes.toString("utf8") === "some text, some text");
    };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: zip.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const damaged = Buffer.from(zip);
        damaged[at] = (damaged[at] ?? 0) ^ bits;
        return isHarmless(damaged);
      }),
    );
  });

  test("that expand beyond the limit or their declared size are refused", async () => {
    const bomb = zipOf({ a: "x".repeat(100_000) });
    await expect(unzip(bomb, () => true, 1000)).rejects.toThrow("100000 bytes");
    // Before the last 22 bytes: the directory's one entry of 46 bytes and a name, with the size at 24.
    bomb.writeUInt32LE(10, bomb.length - 22 - 47 + 24);
    await expect(unzip(bomb, () => true, 1000)).rejects.toThrow("too many bytes");
  });
});

test("GitHub is polled every 2 seconds at first, every 10 at last", () => {
  const seconds = Array.from({ length: 20 }, (_, looks) => pollSeconds(looks));
  expect([seconds[0], seconds.at(-1)]).toEqual([2, 10]);
  expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
});

test("text from elsewhere contains no control characters", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/(?![\n\t])\p{Cc}/u.test(plain(text))));
});

test("the end of a log is the part before its error", () => {
  const log = "2026-01-10T00:30:00.1Z ##[group]x\n2026-01-10T00:30:00.1Z a\n##[error]b\nafter\n";
  expect(logLines(log).tail).toEqual(["a", "b"]);
  expect(reasonsInLog(["nothing of note"])).toEqual([]);
});
