import { setTimeout as delay } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { manifestAmong, parseManifest, type ReleaseManifest } from "../src/plan/manifest";
import { isRecord } from "../src/plan/record";

/** How often to read a checkpoint that is being written. */
const ATTEMPTS = 5;

/** The manifest of another stack's last successful run, as it is in that stack's state; undefined if it was never released. */
export async function stackManifest(images: readonly string[], stack: string): Promise<unknown> {
  return manifestAmong(await resourceOutputs(stack), images);
}

/** The manifest of this stack's last successful run. */
export async function previousManifest(images: readonly string[]): Promise<ReleaseManifest | undefined> {
  return parseManifest(await stackManifest(images, pulumi.getStack()));
}

/** The outputs of each resource in a stack's state, by default of this one's; none if there is no such stack. */
export async function resourceOutputs(
  stack = pulumi.getStack(),
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
  for (let attempt = 1; ; attempt++) {
    try {
      const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
        stackName,
      });
      return Object.values(outputs ?? {}).flatMap((resource) =>
        isRecord(resource) && isRecord(resource.outputs) ? [resource.outputs] : [],
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The engine has no code for a stack that does not exist, only these texts.
      if (/unknown stack|no stack named|not find stack/i.test(error.message)) return [];
      // With a file backend, this run may be writing the checkpoint at the same time, not atomically.
      const isHalfWritten = /failed to load checkpoint/.test(error.message);
      if (!isHalfWritten || attempt === ATTEMPTS) throw error;
      await delay(200 * attempt);
    }
  }
}
