/** A run in a workflow's list. */
export interface ListedRun {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly event: string;
  readonly branch: string;
  /** Who started it; absent where GitHub does not say. */
  readonly actor?: string;
}

/** What is known of the run that is looked for. */
export interface RunMarks {
  /** The newest run before the dispatch; ids only grow. 0 where there was none. */
  readonly afterId: number;
  /** In the title of the run, where the workflow has an input for it. */
  readonly dispatchId?: string;
  /** The branch or tag that it was dispatched on. */
  readonly ref: string;
  /** Absent if the token's user is unknown. */
  readonly actor?: string;
}

/** The runs that may be the one that was dispatched; none, one, or several that cannot be distinguished. */
export function ownRuns(runs: readonly ListedRun[], marks: RunMarks): readonly ListedRun[] {
  const { dispatchId } = marks;
  const possible = runs.filter((run) => isPossible(run, marks));
  return dispatchId === undefined ? possible : possible.filter(({ title }) => title.includes(dispatchId));
}

/** All but the dispatch's own mark: what a person may look through where the mark is nowhere. */
export function isPossible(run: ListedRun, { afterId, ref, actor }: RunMarks): boolean {
  return (
    run.id > afterId &&
    run.event === "workflow_dispatch" &&
    run.branch === ref.replace(/^refs\/(?:heads|tags)\//, "") &&
    (actor === undefined || run.actor === undefined || run.actor.toLowerCase() === actor.toLowerCase())
  );
}
