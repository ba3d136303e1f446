import type { Config } from "./config";
import type { ReleasePlan } from "./release-plan";
import { buildName, tagName } from "./resource-names";

/** `slipway up` says by this variable which services its engine targets are. */
export const TARGETS_VARIABLE = "SLIPWAY_TARGETS";

/**
 * The resources of the images of a plan, as the engine's `--target` takes them, sorted: what they are made with
 * (provider, barriers), and of each image its component, build, candidate, statement and tags. They name types and
 * whole names, since a target that the program does not declare is deleted: `web` must not match `web-worker`.
 */
export function engineTargets(config: Config, plan: ReleasePlan): string[] {
  const images = plan.images.flatMap(({ name, intent, repositories }) => [
    target("slipway:index:ImageRelease", name),
    // Another generation of the same content too; a key is no part of another image's name.
    target("docker-build:index:Image", `${buildName(name, intent.contentKey, undefined)}*`),
    target("slipway-registry:index:Candidate", `${name}-candidate`),
    target("slipway-registry:index:Attestation", `${name}-statement`),
    ...intent.tags.flatMap(({ slot }) =>
      repositories.map((repository) =>
        target("slipway-registry:index:Tag", tagName(name, slot, repository, repositories)),
      ),
    ),
  ]);
  return [
    ...new Set([
      target("pulumi:pulumi:Stack", "*"),
      target("pulumi:providers:slipway-registry", "*"),
      target("slipway:index:TagSet", "tags"),
      target("slipway-registry:index:Barrier", "tags-*"),
      ...images,
    ]),
  ].sort();
}

/** A URN's type ends with the resource's own, after its parents'. */
function target(type: string, name: string): string {
  return `**${type}::${name}`;
}
