import * as pulumi from "@pulumi/pulumi";
import { readPulumiConfig } from "../config/pulumi-config";
import { ProblemError } from "../plan/problem";
import { writtenRepositories } from "../plan/release-manifest";
import { providerConfig } from "../provider/provider-config";
import { inspectImages, provePush, readRegistries, resolveImages } from "../provider/sdk/functions";
import { RegistryProvider } from "../provider/sdk/resources";
import { planText, refusalText } from "../report/plan-text";
import { planRelease } from "../source/plan-release";
import { carryOut, type ReleaseOutputs } from "./carry-out";
import { previousManifest, stackManifest } from "./stack-outputs";

/** The whole program: configuration, plan, components, outputs. @throws pulumi.RunError with every refusal */
export async function release(): Promise<ReleaseOutputs> {
  try {
    const projectDir = process.cwd();
    const config = readPulumiConfig(process.env);
    const provider = new RegistryProvider("slipway-registry", providerConfig(config));
    const plan = await planRelease({
      config,
      stack: pulumi.getStack(),
      projectDir,
      env: process.env,
      now: new Date(),
      ...(await previousManifest()),
      stackManifest,
      registries: {
        resolveImages: (references) => resolveImages(references, provider),
        inspectImages: (references) => inspectImages(references, provider),
        readRegistries: (request) => readRegistries(request, provider),
      },
    });
    if (pulumi.runtime.isDryRun()) await pulumi.log.info(planText(plan));
    if (plan.refusals.length > 0) throw refusal(refusalText(plan));
    const written = writtenRepositories(plan);
    if (!pulumi.runtime.isDryRun() && written.length > 0) await provePush(written, provider);
    return carryOut(plan, config, provider, projectDir);
  } catch (error) {
    if (error instanceof ProblemError) throw refusal(error.message);
    throw error;
  }
}

/**
 * An error that is for a person: its message alone. A stack would also cost half a minute, since the SDK inspects every
 * error in colour, and Node 20 loops over frames below `node_modules` there until a string is too long.
 */
function refusal(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}
