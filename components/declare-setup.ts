import type * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../src/plan/setup/plan";

/** What every resource of a setup is declared with. */
export interface Declared {
  readonly plan: SetupPlan;
  /** The prefix of resource names. */
  readonly name: string;
  readonly parent: pulumi.Resource;
}

/** Options of the resource of one item of the plan: whether it is imported, and whether it is kept on deletion. */
export function declare(
  { plan, parent }: Declared,
  key: string,
  dependsOn: readonly pulumi.Resource[] = [],
): pulumi.CustomResourceOptions {
  const item = plan.items[key];
  if (item === undefined) throw new Error(`RepositorySetup: the plan has no "${key}"`);
  return {
    parent,
    retainOnDelete: !item.deletable,
    dependsOn: [...dependsOn],
    ...(item.importId === undefined ? {} : { import: item.importId }),
  };
}
