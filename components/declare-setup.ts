import type * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../plan/setup/plan";

/** What every declaration of a setup needs. */
export interface Declared {
  readonly plan: SetupPlan;
  /** What names of resources begin with. */
  readonly name: string;
  readonly parent: pulumi.Resource;
}

/** Options of the resource that stands for a slot of the plan: imported, and kept on deletion, as the plan says. */
export function declare(
  { plan, parent }: Declared,
  slot: string,
  dependsOn: readonly pulumi.Resource[] = [],
): pulumi.CustomResourceOptions {
  const item = plan.items[slot];
  if (item === undefined) throw new Error(`RepositorySetup: the plan has no "${slot}"`);
  return {
    parent,
    retainOnDelete: !item.deletable,
    dependsOn: [...dependsOn],
    ...(item.importId === undefined ? {} : { import: item.importId }),
  };
}
