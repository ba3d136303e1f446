import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ListedRun, ownRuns } from "../../../src/cli/dispatch/start-run";

const run = (id: number, more: Partial<ListedRun> = {}): ListedRun => ({
  ...{ id, url: `u${id}`, title: "Release", event: "workflow_dispatch", branch: "main", actor: "ann" },
  ...more,
});
const marks = { afterId: 10, ref: "main", actor: "ann" };

describe("which run is the dispatch's own", () => {
  test.each<[string, ListedRun[], Partial<typeof marks> & { dispatchId?: string }, number[]]>([
    ["none yet", [run(10)], {}, []],
    ["a newer one", [run(11), run(10)], {}, [11]],
    ["not another's", [run(11, { actor: "bob" })], {}, []],
    ["logins have no case", [run(11, { actor: "Ann" })], {}, [11]],
    ["not another branch's", [run(11, { branch: "develop" })], {}, []],
    ["a tag, fully named", [run(11, { branch: "v1.2.3" })], { ref: "refs/tags/v1.2.3" }, [11]],
    ["not a push", [run(11, { event: "push" })], {}, []],
    ["two that nothing tells apart", [run(12), run(11)], {}, [12, 11]],
    ["the marked one of two", [run(12), run(11, { title: "Release (id-1)" })], { dispatchId: "id-1" }, [11]],
    ["never an unmarked one", [run(12), run(11)], { dispatchId: "id-1" }, []],
  ])("%s", (_, runs, more, expected) => {
    expect(ownRuns(runs, { ...marks, ...more }).map(({ id }) => id)).toEqual(expected);
  });

  test("a run that was there before the dispatch is never taken", () => {
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
