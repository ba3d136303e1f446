import { endWithEngine } from "../src/provider/engine-peer";
import { printUncaughtPlainly } from "./engine";

// Set where the language host runs a program, and nowhere else: neither under mocks nor in an inline program.
const { PULUMI_NODEJS_ENGINE } = process.env;
if (PULUMI_NODEJS_ENGINE) {
  endWithEngine(PULUMI_NODEJS_ENGINE);
  printUncaughtPlainly();
}

/** Slipway's components: `import { ghcr, Release } from "slipway"`. */
export type { PlannedRelease, PlanOptions, ReleaseFile } from "../src/plan/release-plan";
export type { SetupPlan } from "../src/plan/setup/plan";
export { getImage, type ImageFacts, listTags } from "../src/provider/lookups";
export type { ImageArgs, PromotionArgs, RegistryArgs, ReleaseArgs, RepositorySetupArgs } from "./args";
export { readList, withLock, writeWholeFile } from "./files";
export { dockerHub, ghcr, registry, StageRegistry, type StageRegistryArgs } from "./registries";
export { Promotion, Release, type ReleasedImage, type ReleaseOutputs } from "./release";
export { RepositorySetup, type RepositorySetupOutputs } from "./repository-setup";
export { stackSettings } from "./settings";
export {
  deployWorkflow,
  driftWorkflow,
  previewWorkflow,
  promoteWorkflow,
  type RepositoryFile,
  releaseWorkflow,
  workflowFiles,
} from "./workflows";
