import type { ReleasePlan } from "./release-plan";

/** What a plan would build, copy or tag, a line each; empty where everything is in place. */
export function changesIn(plan: ReleasePlan): string[] {
  return [
    ...plan.images.flatMap(({ name, content, copyTo }) => [
      ...(content.from === "build" ? [`${name} would be built`] : []),
      ...copyTo.map((repository) => `${name} would be copied to ${repository}`),
    ]),
    ...plan.levels
      .flatMap(({ tags }) => tags)
      .filter(({ action }) => action === "create" || action === "move")
      .map(({ repository, name, action }) =>
        action === "create"
          ? `${repository}:${name} is not there`
          : `${repository}:${name} points to something else`,
      ),
  ];
}
