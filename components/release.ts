import * as pulumi from "@pulumi/pulumi";
import { readPulumiConfig } from "../config/pulumi-config";
import { ProblemError } from "../plan/problem";
import { writtenRepositories } from "../plan/release-manifest";
import { providerConfig } from "../provider/provider-config";
import {
  inspectImages,
  provePush,
  readRegistries,
  resolveImages,
  verifyImage,
} from "../provider/sdk/functions";
import { RegistryProvider } from "../provider/sdk/resources";
import { planText, refusalText } from "../report/plan-text";
import { checkPlan } from "../source/checks";
import { type PlanReleaseInput, planRelease } from "../source/plan-release";
import { projectFiles } from "../source/services";
import { carryOut, type ReleaseOutputs } from "./carry-out";
import { refuseUnguided } from "./guided";
import { quietDebug } from "./quiet-debug";
import { runError } from "./run-error";
import { previousManifest, stackManifest } from "./stack-outputs";

/** The whole program: configuration, plan, components, outputs. @throws pulumi.RunError with every refusal */
export async function release(): Promise<ReleaseOutputs> {
  quietDebug();
  try {
    const projectDir = process.cwd();
    const config = readPulumiConfig(process.env, projectFiles(projectDir));
    refuseUnguided(config, process.env);
    const provider = new RegistryProvider("slipway-registry", providerConfig(config));
    const input: PlanReleaseInput = {
      config,
      stack: pulumi.getStack(),
      projectDir,
      env: process.env,
      now: new Date(),
      signs: !pulumi.runtime.isDryRun(),
      ...(await previousManifest()),
      stackManifest,
      registries: {
        resolveImages: (references, options = {}) => resolveImages(references, options, provider),
        inspectImages: (references, signer) => inspectImages(references, signer, provider),
        readRegistries: (request) => readRegistries(request, provider),
        verifyImage: (request) => verifyImage(request, { provider }),
      },
    };
    const plan = await planRelease(input);
    if (pulumi.runtime.isDryRun()) await pulumi.log.info(planText(plan));
    if (plan.refusals.length > 0) throw runError(refusalText(plan));
    const written = writtenRepositories(plan);
    if (!pulumi.runtime.isDryRun() && written.length > 0) {
      await checkPlan({
        plan,
        config,
        projectDir,
        say: (text) => pulumi.log.info(text),
        again: () => planRelease(input),
      });
      await provePush(written, provider);
    }
    return carryOut(plan, config, provider, projectDir);
  } catch (error) {
    if (error instanceof ProblemError) throw runError(error.message);
    throw error;
  }
}
