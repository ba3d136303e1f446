import type { Config } from "./config";
import type { ManifestImage } from "./manifest";
import type { ReleasePlan } from "./release-plan";

/** What a fleet's pipelines read; `report/` writes it. */
export interface FleetImages {
  /** `registry.stage`, with the namespace where there is one. */
  readonly registry: string;
  /** The tag of this run; a service that was left out keeps its own. */
  readonly tag: string;
  /** false: a dry run, nothing was pushed. */
  readonly push: boolean;
  /** In the order of the list: `langgraph`, `registry.stage/langgraph:2025.11.0`. */
  readonly images: readonly { readonly name: string; readonly image: string }[];
}

/**
 * Every service by the tag that it was released with: those of the plan by the plan's, the others as the last release
 * left them. The tag of a run is its version tag or, where the rules make none, the first one.
 */
export function fleetImages(config: Config, plan: ReleasePlan): FleetImages | undefined {
  const { fleet } = config;
  const primary = config.registries[0];
  if (fleet === undefined || primary === undefined) return undefined;
  const planned = new Map(plan.images.map(({ name, intent }) => [name, intent]));
  const kept = new Map(plan.kept.map((image) => [image.name, image]));
  const registry = [primary.host, primary.namespace].filter((part) => part !== "").join("/");
  const tags = plan.images.flatMap(({ intent }) => releaseTag(intent.tags) ?? []);
  return {
    registry,
    tag: tags[0] ?? "",
    push: config.push,
    images: fleet.names.flatMap((name) => {
      const intent = planned.get(name);
      const tag = intent === undefined ? undefined : releaseTag(intent.tags);
      if (intent !== undefined && tag !== undefined) {
        return [{ name, image: `${registry}/${intent.image.repository}:${tag}` }];
      }
      const last = kept.get(name);
      return last === undefined ? [] : keptImage(last);
    }),
  };
}

function keptImage({ name, repositories, tags }: ManifestImage): { name: string; image: string }[] {
  const repository = repositories[0] ?? "";
  const tag = releaseTag(tags.filter((known) => known.repository === repository));
  return tag === undefined ? [] : [{ name, image: `${repository}:${tag}` }];
}

function releaseTag(tags: readonly { readonly name: string; readonly class: string }[]): string | undefined {
  const own = tags.filter(({ name }) => !name.startsWith("candidate-"));
  return (own.find((tag) => tag.class === "version") ?? own[0])?.name;
}
